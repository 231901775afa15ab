"""What holds for the status of every Workload at every moment (reliability C1-C4)."""

from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from berth.api.crd import KINDS, schema
from berth.api.reasons import ConditionType, Reason
from berth.observe.health import health, next_change
from berth.observe.model import Scene, Status
from berth.observe.moving import classes_below
from berth.observe.status import compute_status, timestamp
from observe.scenes import GENERATION, NOW, scenes
from plan.effort import half

EARLIER, LATER = NOW - 3600, NOW + 3600
TIMES = ("lastTransitionTime", "since")


@cache
def validator() -> Draft202012Validator:
    """Return what the API server holds a status against; it drops unknown fields, here they are errors."""
    return Draft202012Validator(closed(schema(KINDS[0])["properties"]["status"]))


def closed(node: Any) -> Any:
    """Return a schema in which objects have no other fields than the declared ones."""
    if isinstance(node, list):
        return [closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: closed(each) for name, each in node.items()}
    return made | ({"additionalProperties": False} if "properties" in node else {})


def by_type(status: Status) -> dict[str, Status]:
    """Return the conditions by type."""
    return {each["type"]: each for each in status["conditions"]}


def timeless(value: Any) -> Any:
    """Return a status without the times at which things were first seen."""
    if isinstance(value, dict):
        return {name: timeless(each) for name, each in value.items() if name not in TIMES}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@half
@given(scene=scenes())
def test_every_status_is_what_the_crd_says(scene: Scene) -> None:
    status = compute_status(scene, {}, NOW)
    assert [f"{error.json_path}: {error.message}" for error in validator().iter_errors(status)] == []


@half
@given(scene=scenes())
def test_every_condition_is_there_once_with_a_reason_of_the_list(scene: Scene) -> None:
    found = compute_status(scene, {}, NOW)["conditions"]
    assert [each["type"] for each in found] == [str(kind) for kind in ConditionType]
    for each in found:
        assert each["status"] in {"True", "False", "Unknown"}
        assert each["reason"] in {str(reason) for reason in Reason}
        assert each["message"]
        assert each["observedGeneration"] == GENERATION


@half
@given(scene=scenes())
def test_it_is_never_stalled_and_reconciling(scene: Scene) -> None:
    found = by_type(compute_status(scene, {}, NOW))
    assert (found["Stalled"]["status"], found["Reconciling"]["status"]) != ("True", "True")


@half
@given(scene=scenes())
def test_ready_means_that_all_has_settled_or_the_task_is_complete(scene: Scene) -> None:
    fares = health(scene, NOW)
    if by_type(compute_status(scene, {}, NOW))["Ready"]["status"] == "True":
        assert fares.complete or (fares.settled and fares.ready >= fares.wanted)
        assert fares.failed is None


@half
@given(scene=scenes())
def test_below_the_requirement_is_never_isolated(scene: Scene) -> None:
    isolated = by_type(compute_status(scene, {}, NOW))["Isolated"]
    if scene.move.below or (scene.move.placed and classes_below(scene)):
        assert isolated["status"] == "False"
    if scene.move.below and scene.move.held:
        assert isolated["reason"] == Reason.BELOW_REQUIRED


@half
@given(scene=scenes())
def test_a_status_changes_by_time_alone_only_when_it_was_foretold(scene: Scene) -> None:
    status = compute_status(scene, {}, NOW)
    assert compute_status(scene, {}, NOW) == status
    turns = next_change(scene, NOW)
    assert compute_status(scene, status, LATER if turns is None else NOW + turns - 0.5) == status


@half
@given(scene=scenes())
def test_a_status_that_was_deleted_comes_back_as_it_was_but_for_times(scene: Scene) -> None:
    status = compute_status(scene, {}, NOW)
    assert timeless(compute_status(scene, {}, LATER)) == timeless(compute_status(scene, status, LATER))


@half
@given(before=scenes(), after=scenes())
def test_a_transition_time_changes_with_its_status_only(before: Scene, after: Scene) -> None:
    old = by_type(compute_status(before, {}, EARLIER))
    new = by_type(compute_status(after, {"conditions": list(old.values())}, NOW))
    for kind, each in new.items():
        same = old[kind]["status"] == each["status"]
        assert each["lastTransitionTime"] == (old[kind]["lastTransitionTime"] if same else timestamp(NOW))


@half
@given(scene=scenes(), order=st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_seen_does_not_matter(scene: Scene, order: Any) -> None:
    def shuffled(given: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(order.sample(given, len(given)))

    other = replace(scene, pods=shuffled(scene.pods), machines=shuffled(scene.machines))
    assert compute_status(other, {}, NOW) == compute_status(scene, {}, NOW)


@half
@given(scene=scenes())
def test_the_headline_is_a_reason_that_stands_in_a_condition_or_waits(scene: Scene) -> None:
    status = compute_status(scene, {}, NOW)
    known = {each["reason"] for each in status["conditions"]} | {Reason.AWAITING_APPROVAL}
    assert status["reason"] in known
