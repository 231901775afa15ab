"""P6: whatever is missing, unknown, garbage or broken leads to nothing or to the strictest, and nothing is raised.

Policies and tenants that are not understood ask for the highest level, nodes of its own and a closed network; a class
that is not understood takes nobody; a waiver that is not understood spares nobody; a rule that breaks rules out.
"""

from dataclasses import fields, replace
from random import Random
from typing import Any

import orjson

from berth.api.isolation_class import IsolationClassSpec
from berth.api.levels import IsolationLevel, NodeSharing
from berth.decide.engine import decide
from berth.decide.facts import catalog
from berth.decide.model import Ask, ClassFacts, Decision, Requirement
from berth.policy.tenancy import compile_tenant, tenants_of
from berth.policy.waiving import in_force
from berth.world import parse
from decide import drawn_policies, faults, worlds
from decide.builders import ANYTHING
from decide.drawing import pick
from decide.worlds import World
from properties import slow_required
from properties.examples import EXAMPLES, for_all
from properties.garbage import Json, spoiled
from properties.judge import at_least, decided, fitting, holds, required
from properties.test_p05_capabilities import Offer, an_offer

SOME = EXAMPLES // 5
DAY = 86400.0
CREATED = 1_772_359_200.0


def raw(name: str, spec: Any) -> Json:
    meta = {"name": name, "uid": name, "generation": 1, "creationTimestamp": "2026-03-01T10:00:00Z"}
    return {"metadata": meta, "spec": spec}


def dumped(spec: Any) -> Json:
    found: Json = orjson.loads(spec.model_dump_json(by_alias=True, exclude_unset=True, exclude_none=True))
    return found


def strictest_or_nothing(decision: Decision) -> bool:
    chosen = decision.chosen
    if chosen is None:
        return True
    return (chosen.facts.level, chosen.facts.sharing) == (IsolationLevel.CONFIDENTIAL, NodeSharing.EXCLUSIVE)


def a_spoiled_policy(random: Random) -> tuple[Json, tuple[str | int, ...]]:
    while (spec := drawn_policies.a_policy(random).spec) is None:
        pass
    return spoiled(random, dumped(spec))


@for_all(worlds.a_world, a_spoiled_policy, of=SOME)
def test_p06_a_policy_that_is_garbage_is_the_strictest(world: World, given: tuple[Json, tuple[str | int, ...]]) -> bool:
    spec, path = given
    record = parse.isolation_policy(raw("spoiled", spec))
    assert record.spec is None
    decision = decided(replace(world, policies=(*world.policies, record)))
    if path[0] == "match" or slow_required.matches(record.match, world):
        assert strictest_or_nothing(decision)
        return True
    return False


def a_spoiled_tenant(random: Random) -> Json:
    while (spec := drawn_policies.a_tenant(random, "acme").spec) is None:
        pass
    return spoiled(random, dumped(spec))[0]


@for_all(worlds.a_world, a_spoiled_tenant, of=SOME)
def test_p06_a_tenant_that_is_garbage_is_the_strictest_in_its_namespaces(world: World, spec: Json) -> None:
    record = parse.tenant(raw("acme", spec))
    assert record.spec is None
    assert tenants_of((("tenant", "acme"),), (compile_tenant(record),))
    others = tuple(each for each in world.tenants if each.name != "acme")
    assert strictest_or_nothing(decided(replace(world, tenants=(record, *others))))


def a_spoiled_class(random: Random) -> tuple[Offer, Json]:
    offer = an_offer(random)
    spec: IsolationClassSpec | None = offer.classes[0].spec
    return offer, spoiled(random, dumped(spec) | {"overhead": {"cpu": "250m", "memory": "1Gi"}})[0]


@for_all(worlds.a_world, a_spoiled_class, of=SOME)
def test_p06_a_class_that_is_garbage_takes_nobody(world: World, given: tuple[Offer, Json]) -> None:
    offer, spec = given
    record = parse.isolation_class(raw("c0", spec))
    facts = catalog((record, *offer.classes[1:]), offer.cluster)
    assert "c0" not in fitting(decided(replace(world, catalog=facts)))


def a_spoiled_waiver(random: Random) -> tuple[Json, bool]:
    """Draw a waiver for shop/checkout, and whether anything is wrong with it."""
    spec: Json = {
        "workloads": [{"namespace": "shop", "name": "checkout"}],
        "policies": ["p0", "p1"],
        "reason": "x",
        "approver": "ada",
        "expiresAt": "2026-03-20T10:00:00Z",
    }
    fine = random.random() < 0.2
    return (spec if fine else _spoiled_waiver(random, spec)), fine


def _spoiled_waiver(random: Random, spec: Json) -> Json:
    changes: tuple[Json, ...] = (
        {"expiresAt": "tomorrow"},
        {"expiresAt": "2026-02-01T10:00:00Z"},
        {"expiresAt": "2027-03-01T10:00:00Z"},
        {"workloads": [{"namespace": "shop", "name": "other"}]},
    )
    return spoiled(random, spec)[0] if random.random() < 0.6 else spec | pick(random, changes)


@for_all(worlds.a_world, a_spoiled_waiver, of=SOME)
def test_p06_a_waiver_that_is_garbage_spares_nobody(world: World, given: tuple[Json, bool]) -> bool:
    spec, fine = given
    record = parse.waiver(raw("w", spec))
    found = in_force((record,), ("shop", "checkout"), 90 * DAY, CREATED + DAY)
    spared, unspared = (replace(world, waivers=each) for each in (found, ()))
    assert at_least(required(unspared), required(spared))
    assert bool(found) is fine
    return not fine or required(spared) != required(unspared)


def a_broken_rule(random: Random) -> tuple[str, Exception]:
    errors = (ValueError("boom"), KeyError("boom"), TypeError("boom"), RecursionError("boom"), MemoryError())
    return pick(random, faults.NAMES), pick(random, errors)


@for_all(worlds.a_world, a_broken_rule, of=SOME)
def test_p06_a_rule_that_breaks_makes_no_class_fit(world: World, given: tuple[str, Exception]) -> bool:
    before = decided(world)
    with faults.breaking(*given):
        decision = decided(world)
    assert decision.chosen is None
    assert not fitting(decision)
    return bool(before.chosen)


def a_garbled_value(random: Random) -> tuple[str, str, Any]:
    """Draw one field of the inputs of deciding, and a value that nobody knows.

    Of a flag whatever is not false is true, names are only compared, and a preference is a number when it was read.
    """
    where, cls = pick(random, (("ask", Ask), ("facts", ClassFacts), ("requirement", Requirement)))
    skipped = {"name", "preference", "class_name", "service_account", "priority_class"}
    names = [field.name for field in fields(cls) if field.name not in skipped and field.type is not bool]
    field = pick(random, ("level", "node_sharing") if where == "requirement" else names)
    return where, field, pick(random, ("Unheard", object()))


RULED_OUT = ("type", "level", "node_sharing", "sharing", "backend")
"""Where a value that nobody knows rules a class out, whatever else is asked for."""


@for_all(worlds.an_ask, worlds.a_class, a_garbled_value, of=2 * SOME)
def test_p06_an_unknown_value_never_makes_a_class_fit(ask: Ask, facts: ClassFacts, given: tuple[str, str, Any]) -> None:
    where, field, value = given
    before = decide(ask, ANYTHING, (facts,), None)
    inputs: dict[str, Any] = {"ask": ask, "facts": facts, "requirement": ANYTHING}
    inputs[where] = replace(inputs[where], **{field: value})
    after = decide(inputs["ask"], inputs["requirement"], (inputs["facts"],), None)
    assert fitting(after) <= fitting(before)
    if field in RULED_OUT and (where, field) != ("ask", "level"):
        assert not fitting(after)


@for_all(worlds.a_world, of=SOME)
def test_p06_labels_and_specs_that_could_not_be_read_count_as_matching(world: World) -> bool:
    read, unread = holds(world), holds(replace(world, namespace_labels=None, spec=b"{"))
    assert set(unread.matched) >= set(read.matched)
    return unread.matched != read.matched
