"""What a pass adds to the counters: each denial and each start once, when it begins."""

from dataclasses import replace
from typing import Any

import pytest

from app.parts import WEB, Replica
from app.scrapes import an_outcome, scraped, series, value
from app.test_reconcile import replica as replica  # noqa: PLC0414  a fixture
from app.test_reconcile import seen
from berth.api.levels import PolicyMode
from berth.api.reasons import Reason
from berth.app.counting import Start, count_denials, count_start
from berth.app.outcomes import Outcome, outcome_of
from berth.app.reconcile import reconcile
from berth.decide.impact import Effect
from berth.decide.model import Cost
from berth.observe.model import Scene
from berth.observe.status import compute_status
from berth.policy.compiled import CompiledPolicy, compile_policy
from berth.policy.effective import Effective
from berth.world import parse
from berth.world.records import Key, Problem
from observe.scenes import MACHINE, MICRO, NOW, RUNC, SANDBOX, a_machine, a_pod, a_scene, at_rest, requiring, served
from render.specs import Json, container

REQUIRE: Json = {"level": "Confidential"}
ENDED = Problem(Reason.TASK_FAILED, "exit status 1")
NO_CLASS = Effect("strict", "container", "", Cost())


def a_policy(mode: str) -> CompiledPolicy:
    """Return a policy that leaves everybody without a class."""
    spec = {"mode": mode, "reason": "a test", "match": {"tenants": ["acme"]}, "require": REQUIRE}
    return compile_policy(parse.isolation_policy({"metadata": {"name": "strict", "uid": "s"}, "spec": spec}))


def test_who_comes_to_be_without_a_class_is_counted_once_by_rule() -> None:
    metrics, scene = scraped(), a_scene(requirement=requiring("Confidential"))
    count_denials(scene, {}, (), (), None, metrics)
    count_denials(scene, {"reason": str(scene.decision.reason)}, (), (), None, metrics)
    by_level = {"reason": str(scene.decision.reason), "rule": "level", "mode": str(PolicyMode.ENFORCE)}
    assert value(metrics, "berth_denials_total", **by_level) == 1
    count_denials(scene, {"placement": {"className": "container"}, "reason": by_level["reason"]}, (), (), None, metrics)
    assert value(metrics, "berth_denials_total", **by_level) == 2


@pytest.mark.parametrize(
    ("name", "level", "rule"),
    [("gvisor", "Virtualized", "level"), ("vm", "Virtualized", "enabled"), ("marble", "Confidential", "pinned")],
)
def test_who_names_a_class_is_counted_by_the_rule_that_refuses_that_one(name: str, level: str, rule: str) -> None:
    metrics, catalog = scraped(), (SANDBOX, MICRO, replace(MACHINE, enabled=False))
    scene = a_scene(container(isolation={"className": name}), requirement=requiring(level), catalog=catalog)
    count_denials(scene, {}, (), (), None, metrics)
    denied = {"reason": str(scene.decision.reason), "rule": rule, "mode": str(PolicyMode.ENFORCE)}
    assert value(metrics, "berth_denials_total", **denied) == 1


def test_who_has_a_class_is_no_denial() -> None:
    metrics = scraped()
    count_denials(a_scene(), {}, (), (), None, metrics)
    assert series(metrics, "berth_denials_total") == []


@pytest.mark.parametrize(("mode", "counted"), [("Warn", 1), ("Audit", 1), ("Enforce", None)])
def test_whom_a_policy_would_leave_without_a_class_is_counted_once_and_apart(mode: str, counted: int | None) -> None:
    metrics, policy = scraped(), a_policy(mode)
    count_denials(a_scene(), {}, (policy,), (NO_CLASS,), None, metrics)
    count_denials(a_scene(), {}, (policy,), (NO_CLASS,), an_outcome(effects=(NO_CLASS,)), metrics)
    assert value(metrics, "berth_would_denials_total", policy="strict", mode=mode) == counted
    assert series(metrics, "berth_denials_total") == []


READY: dict[str, Any] = {
    "seconds": 9,
    "segments": [
        {"name": "Scheduled", "seconds": 2},
        {"name": "Running", "seconds": 8},
        {"name": "Ready", "seconds": 9},
    ],
}


PLACE = {"class": "vm", "backend": "VirtualMachine"}
STARTED: Json = {"placement": {"className": "vm", "backend": "VirtualMachine"}, "timeToReady": READY}
BEFORE: Json = {"placement": STARTED["placement"]}


def test_a_start_is_counted_once_in_each_class_with_the_time_of_each_segment() -> None:
    metrics, place = scraped(), PLACE
    starts: dict[Key, Start] = {}
    looks = ((BEFORE, 0.0), (BEFORE, 4.0), (STARTED, 10.0), (BEFORE, 11.0), (STARTED, 99.0))
    again = [count_start(WEB, previous, STARTED, starts, now, metrics) for previous, now in looks]
    assert again == [10.0, 6.0, None, None, None]
    assert value(metrics, "berth_time_to_ready_seconds_count", **place) == 1
    assert value(metrics, "berth_time_to_ready_seconds_sum", **place) == 9
    segments = {
        labels["segment"]: seconds for labels, seconds in series(metrics, "berth_time_to_ready_segment_seconds_sum")
    }
    assert segments == {"Scheduled": 2, "Running": 6, "Ready": 1}


def test_what_fails_soon_after_it_served_is_no_start() -> None:
    metrics, starts = scraped(), dict[Key, Start]()
    count_start(WEB, BEFORE, STARTED, starts, 0.0, metrics)
    count_start(WEB, STARTED, BEFORE, starts, 3.0, metrics)
    assert count_start(WEB, BEFORE, STARTED, starts, 11.0, metrics) == 10.0
    assert value(metrics, "berth_time_to_ready_seconds_count", **PLACE) is None


def test_an_outage_of_what_was_counted_is_no_other_start() -> None:
    metrics, starts = scraped(), dict[Key, Start]()
    looks = ((BEFORE, STARTED, 0.0), (STARTED, STARTED, 10.0), (STARTED, BEFORE, 99.0), (BEFORE, STARTED, 200.0))
    for previous, status, now in (*looks, (STARTED, STARTED, 300.0)):
        count_start(WEB, previous, status, starts, now, metrics)
    assert value(metrics, "berth_time_to_ready_seconds_count", **PLACE) == 1


def test_an_outage_of_what_a_former_leader_has_counted_is_no_other_start() -> None:
    metrics, starts = scraped(), dict[Key, Start]()
    for previous, status, now in ((STARTED, STARTED, 0.0), (STARTED, BEFORE, 9.0), (BEFORE, STARTED, 20.0)):
        assert count_start(WEB, previous, status, starts, now, metrics) is None


def test_a_way_back_to_a_class_is_a_start_of_its_own() -> None:
    metrics, starts = scraped(), dict[Key, Start]()
    again = STARTED | {"placement": STARTED["placement"] | {"since": "2026-03-01T10:00:00Z"}}
    for status, now in ((STARTED, 0.0), (STARTED, 10.0), (BEFORE, 20.0), (again, 30.0), (again, 40.0)):
        count_start(WEB, BEFORE, status, starts, now, metrics)
    assert value(metrics, "berth_time_to_ready_seconds_count", **PLACE) == 2


def test_a_start_that_a_former_leader_has_written_is_not_counted_again() -> None:
    metrics, starts = scraped(), dict[Key, Start]()
    assert [count_start(WEB, STARTED, STARTED, starts, now, metrics) for now in (0.0, 60.0)] == [None, None]
    assert value(metrics, "berth_time_to_ready_seconds_count", **PLACE) is None


def test_a_move_is_a_start_of_its_own_also_when_nothing_was_seen_in_between() -> None:
    metrics, starts = scraped(), dict[Key, Start]()
    moved = STARTED | {"placement": {"className": "kata", "backend": "Pod"}}
    for status, now in ((STARTED, 0.0), (STARTED, 10.0), (moved, 20.0), (moved, 30.0)):
        count_start(WEB, BEFORE, status, starts, now, metrics)
    assert value(metrics, "berth_time_to_ready_seconds_count", **PLACE) == 1
    assert value(metrics, "berth_time_to_ready_seconds_count", **{"class": "kata", "backend": "Pod"}) == 1


async def test_a_pass_leaves_what_a_scrape_tells(replica: Replica) -> None:
    replica.workload(replicas=2, container={"image": "app:1"}, resources={"limits": {"memory": "1Gi"}})
    for _ in range(2):
        await reconcile(WEB, replica.deps)
        seen(replica)
    found = replica.deps.outcomes[WEB]
    assert found.replicas == (2, 0, 0)
    assert found.limits == Cost(0, 2 << 30)
    assert found.required_by == "cluster default"
    assert found.candidates == (("runc", "", 2),)
    assert dict(found.children) == {"Deployment": 1, "NetworkPolicy": 1, "PodDisruptionBudget": 1}
    assert dict(found.conditions) == {"Accepted": 1, "Placed": 1, "Isolated": -1, "Ready": 0}


def outcome(scene: Scene) -> Outcome:
    """Return what a pass over a scene comes to."""
    return outcome_of(scene, compute_status(scene, {}, NOW), Effective(scene.decision.requirement))


def test_its_pods_and_machines_are_named_whatever_they_are_called() -> None:
    pods = (
        a_pod("web-2"),
        a_pod("web-1"),
        a_pod("web-0", finished=True),
        a_pod("virt-launcher-web-x7x2p", launcher=True),
    )
    found = outcome(at_rest(pods=pods, machines=(a_machine(),)))
    assert found.pods == ("virt-launcher-web-x7x2p", "web-1", "web-2"), "one that has ended uses nothing"
    assert found.machines == ("web",)


def test_pods_that_a_roll_over_has_not_replaced_yet_are_below_what_is_required() -> None:
    raised = requiring("Sandboxed")
    old, new = a_pod(), a_pod("web-2", class_name="gvisor", runtime_class="gvisor")
    rolling = at_rest(facts=SANDBOX, requirement=raised, pods=(old, new))
    assert outcome(rolling).below
    assert not outcome(at_rest(facts=SANDBOX, requirement=raised, pods=(new,))).below
    finished = replace(old, finished=True)
    assert not outcome(at_rest(facts=SANDBOX, requirement=raised, pods=(finished, new))).below


@pytest.mark.parametrize(("end", "below"), [({}, True), ({"complete": True}, False), ({"failed": ENDED}, False)])
def test_a_task_that_has_ended_is_not_below_anything(end: Json, *, below: bool) -> None:
    spec = container(type="Task")
    scene = a_scene(spec, children=served(spec, RUNC, **end), requirement=requiring("Sandboxed"))
    assert (outcome(scene).below, outcome(scene).pending) == (below, below)
