"""P8: a policy that is not understood holds back only what it may match, and that as strongly as can be."""

from dataclasses import replace
from random import Random
from typing import Any

from berth.api.isolation_policy import IsolationPolicySpec
from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing
from berth.decide.fingerprint import canonical
from berth.world import parse
from berth.world.records import PolicyRecord
from decide import drawn_policies, worlds
from decide.drawing import pick
from decide.worlds import World
from properties import slow_required
from properties.examples import for_all
from properties.judge import at_least, decided, required

Json = dict[str, Any]

MATCHES = tuple(each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in drawn_policies.MATCHES)
FAULTS: tuple[Json, ...] = (
    {"mode": "Advise"},
    {"mode": 3},
    {"reason": ""},
    {"require": {}, "unheard": True},
    {"require": {"level": "Fortress"}},
    {"require": {"level": "Container", "attestation": "Required"}},
    {"require": "nothing"},
    {"deadlineSeconds": -1},
    {"onDeadline": "Explode"},
    {"when": 7},
)
NEWER: tuple[Json, ...] = ({"match": {"regions": ["eu"]}}, {"match": "all"}, {"match": {"types": ["Cron"]}})
"""Of these not even whom they match is understood."""


def an_invalid_policy(random: Random) -> Json:
    """Draw the spec of a policy that is not understood."""
    spec: Json = {"mode": "Enforce", "reason": "because", "require": {"level": "Container"}}
    if random.random() < 0.8:
        spec["match"] = pick(random, MATCHES)
    return spec | pick(random, FAULTS if random.random() < 0.8 else NEWER)


def as_read(spec: Json) -> PolicyRecord:
    """Return a policy as it is read from the API server."""
    return parse.isolation_policy({"metadata": {"name": "broken", "uid": "u", "generation": 1}, "spec": spec})


@for_all(worlds.a_world, an_invalid_policy)
def test_p08_an_invalid_policy_holds_for_what_it_may_match_only(world: World, spec: Json) -> None:
    broken = as_read(spec)
    assert broken.spec is None
    assert broken.error
    after = replace(world, policies=(*world.policies, broken))
    if may_match(spec, world):
        needed = required(after)
        assert at_least(needed, required(world))
        assert needed.level is IsolationLevel.CONFIDENTIAL
        assert needed.node_sharing is NodeSharing.EXCLUSIVE
        assert needed.network is NetworkMode.ISOLATED
        assert "IsolationPolicy broken (invalid: " in needed.by("level")
    else:
        assert canonical(decided(after)) == canonical(decided(world))


def may_match(spec: Json, world: World) -> bool:
    """Return whether a policy may match the workload of a world, by what can be told of it."""
    match = spec.get("match", {})
    if any(match == each["match"] for each in NEWER):
        return True
    given = {"mode": "Enforce", "reason": "x", "match": match, "require": {"level": "Container"}}
    return slow_required.matches(IsolationPolicySpec.model_validate(given, strict=False).match, world)
