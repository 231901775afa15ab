"""P10: whatever an author writes into whatever field, the workload runs no weaker than its namespace requires.

That is what the tenant, the cluster's default and all policies demand that do not look at what authors write.
"""

from dataclasses import dataclass, replace
from random import Random

import orjson
from pydantic import ValidationError

from berth.api.workload import WorkloadSpec
from berth.decide.ask import ask_of, images_of, unsized_of
from berth.decide.guest import Described
from berth.decide.model import Decision
from berth.policy.model import Ask
from decide import worlds
from decide.drawing import pick
from decide.worlds import World
from properties import slow_required
from properties.examples import for_all
from properties.fields import Json, Path, fields, with_field, without_field
from properties.judge import decided
from properties.specs import a_spec
from properties.test_p04_idempotent import CLAIMS

FIELDS = fields("Workload")


@dataclass(frozen=True)
class Edit:
    """What an author has written, before and after one field was changed."""

    path: Path
    before: bytes
    after: bytes
    labels: tuple[tuple[str, str], ...]


def an_edit(random: Random) -> Edit:
    before = a_spec(random)
    path = pick(random, FIELDS)
    return Edit(path, orjson.dumps(before), orjson.dumps(edited(random, before, path)), pick(random, worlds.LABELS))


def edited(random: Random, spec: Json, path: Path) -> Json:
    if random.random() < 0.1:
        found: Json = without_field(spec, path)
        return found
    return with_field(random, "Workload", spec, path, fits=random.random() < 0.9)


def placed(world: World, spec: bytes, labels: tuple[tuple[str, str], ...]) -> Decision | None:
    """Return where a spec leads, by the real functions from its JSON on; None for one that is not understood."""
    try:
        parsed = WorkloadSpec.model_validate_json(spec)
        ask = ask_of(parsed, CLAIMS.get, Described())
    except (ValidationError, ValueError):
        return None
    return decided(
        replace(world, ask=ask, spec=spec, labels=labels, images=images_of(parsed), unsized=unsized_of(parsed))
    )


def least(world: World) -> slow_required.Needed:
    """Return what holds whatever the author writes: for an author who writes nothing, by the slow reference."""
    records = []
    for record in world.policies:
        match, when = record.match if record.spec is None else record.spec.match, record.spec and record.spec.when
        if not when and not (match and (match.workload_selector or match.trust or match.types)):
            records.append(record)
    nothing = Ask(world.ask.type, replicas=1, has_container=True)
    return slow_required.needed(replace(world, policies=tuple(records), ask=nothing, labels=(), images=(), unsized=()))


@for_all(worlds.a_friendly_world, an_edit)
def test_p10_no_field_lowers_what_is_required(world: World, edit: Edit) -> bool:
    bound = least(world)
    before, after = (placed(world, spec, edit.labels) for spec in (edit.before, edit.after))
    for decision in (before, after):
        if decision is not None and decision.chosen is not None:
            within(decision, bound)
    return after is not None and edit.before != edit.after


def within(decision: Decision, bound: slow_required.Needed) -> None:
    """Check that a placement is all that is required, dimension by dimension."""
    assert decision.chosen is not None
    facts, needed = decision.chosen.facts, decision.requirement
    assert slow_required.LEVELS.index(facts.level) >= slow_required.LEVELS.index(bound.level)
    assert slow_required.SHARINGS.index(facts.sharing) >= slow_required.SHARINGS.index(bound.sharing)
    assert slow_required.NETWORKS.index(needed.network) >= slow_required.NETWORKS.index(bound.network)
    assert bound.classes is None or facts.name in bound.classes
    assert not bound.disks or (needed.storage_classes is not None and needed.storage_classes <= bound.disks)
    assert bound.images <= {(rule.registries, rule.digest) for rule in needed.images}
    assert needed.dedicated >= bound.dedicated


def test_p10_every_field_is_written_so_that_it_is_understood() -> None:
    """Changes that nobody understands would prove nothing."""
    random = Random(0)
    base = {"container": {"image": "app:1"}, "machine": {"bootDisk": {"containerDisk": {"image": "d:1"}}}}
    for path in FIELDS:
        for _ in range(5):
            spec = with_field(random, "Workload", base, path)
            assert WorkloadSpec.model_validate_json(orjson.dumps(spec))
    assert len(FIELDS) > 300
