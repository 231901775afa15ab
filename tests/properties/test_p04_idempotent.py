"""P4: deciding again about what was done changes nothing: same class, same bytes, nothing to write."""

from dataclasses import replace
from random import Random

import orjson

from berth.api.meta import DESIRED_HASH_ANNOTATION
from berth.decide.ask import ask_of
from berth.decide.engine import decide
from berth.decide.guest import Described
from berth.decide.model import Requirement
from berth.plan.make import make_plan
from berth.plan.model import Move
from berth.plan.move import backing, current_class, next_move
from berth.render.model import Child, Subject
from berth.world import children
from berth.world.records import ChildRecord, ClaimRecord
from decide.builders import needing
from decide.drawing import pick
from properties.examples import for_all
from properties.specs import CLASSES, Scene, a_scene, bodies_of, children_of

CLAIMS = {
    name: ClaimRecord(("shop", name), name, ("ReadWriteMany",), block=False, bound=True) for name in ("p", "q", "boot")
}
LEVELS = ("Container", "Container", "Sandboxed", "Virtualized")


def a_requirement(random: Random) -> Requirement:
    return needing(pick(random, LEVELS))


@for_all(a_scene, a_requirement)
def test_p04_what_was_decided_and_done_stays(scene: Scene, requirement: Requirement) -> bool:
    """The classes are those of the scenes; the one that the scene is drawn for does not matter here."""
    subject = scene.subject
    ask = ask_of(subject.spec, CLAIMS.get, Described())
    decision = decide(ask, requirement, CLASSES, None)
    if decision.chosen is None:
        return False
    facts = decision.chosen.facts
    chosen = Scene(subject, facts)
    wanted = children_of(chosen)
    if wanted is None:
        return False  # deciding does not know all that a machine cannot be; rendering refuses it, and says so
    assert bodies_of(chosen) == bodies_of(replace(chosen, subject=_anew(subject)))

    stored = tuple(_stored(child) for child in wanted)
    runs = backing(stored, subject.uid)
    again = decide(ask, requirement, CLASSES, current_class(runs))
    assert again.chosen == decision.chosen
    assert next_move(again, runs, CLASSES, subject.spec) == Move(facts)
    plan = make_plan(wanted, stored, subject.uid, frozen=False, replicas=subject.spec.replicas)
    assert (plan.writes, plan.waits, plan.taken) == ((), (), ())
    return True


def _anew(subject: Subject) -> Subject:
    """Return the same Workload, read once more."""
    return replace(subject, spec=type(subject.spec).model_validate_json(subject.spec.model_dump_json(by_alias=True)))


def _stored(child: Child) -> ChildRecord:
    """Return a child as the API server has it: with what it and other controllers add."""
    body = orjson.loads(orjson.dumps(child.body))
    meta = body["metadata"]
    assert DESIRED_HASH_ANNOTATION in meta["annotations"]
    meta |= {"uid": f"uid-of-{child.kind}-{child.name}", "resourceVersion": "7", "generation": 1}
    meta |= {"creationTimestamp": "2026-03-01T10:00:00Z"}
    meta["annotations"]["deployment.kubernetes.io/revision"] = "1"
    body["status"] = {"replicas": 1}
    return children.child({**body, "kind": child.kind})
