"""Scenes: one pass over shop/web, decided, rendered and planned by the real functions."""

from dataclasses import replace
from math import inf
from typing import Any

from hypothesis import strategies as st

from berth.api.levels import IsolationLevel
from berth.api.reasons import Reason
from berth.decide.engine import decide
from berth.decide.model import ClassFacts, NodeShape, Requirement, Source
from berth.observe.model import Scene
from berth.plan.make import make_plan
from berth.plan.model import Move, Plan, Taken
from berth.plan.move import backing, next_move
from berth.render.model import Unrenderable
from berth.world.records import ChildRecord, MachineRecord, NodeRecord, PodRecord, Problem, Trouble, WorkloadRecord
from decide.builders import a_node
from plan.records import PAIR, UID, asked, parsed, stored, wanted
from render.specs import CONTAINER, GVISOR, KATA, VM, Json, container

GENERATION = 7
NOW = 1_772_359_200.0
SHAPE = NodeShape(8000, 32 << 30, (), "amd64", cpu_manager=False, nested=False)
RUNC, SANDBOX, MICRO, MACHINE = (
    replace(each, shapes=(SHAPE,), handler=each.runtime_class_name) for each in (CONTAINER, GVISOR, KATA, VM)
)
CATALOG = (RUNC, SANDBOX, MICRO, MACHINE)
POLICY = "IsolationPolicy pci (cardholder data)"
NODES = {"n1": a_node("n1", handlers=frozenset({"", "gvisor", "kata"})), "silent": a_node("silent", handlers=None)}


def requiring(level: str = "Container") -> Requirement:
    """Return the requirement of one policy."""
    return Requirement(IsolationLevel(level), sources=(Source("level", level, POLICY),))


def way(*seconds: float) -> tuple[tuple[str, float], ...]:
    """Return the steps of a pod to Ready: seconds since NOW to each, sorted as they were reached."""
    names = ("Scheduled", "Initialized", "ReadyToStartContainers", "ContainersReady", "Ready")
    return tuple((name, NOW + after) for name, after in zip(names, seconds, strict=True))


def a_pod(name: str = "web-1", **fields: Any) -> PodRecord:
    """Return a pod of class `container` that runs and is ready."""
    given: dict[str, Any] = {
        "key": ("shop", name),
        "uid": name,
        "workload": "web",
        "class_name": "container",
        "runtime_class": "",
        "host_users": True,
        "overhead_memory": 0,
        "node": "n1",
        "running": True,
        "ready": True,
        "finished": False,
        "deleting": False,
        "launcher": False,
        "troubles": (),
        "created": NOW,
        "steps": way(1, 1, 2, 5, 5),
        "has_run": True,
        "has_restarted": False,
        "controlled": True,
        "revision": "6d98db76f8",
    }
    return PodRecord(**(given | fields))


def a_machine(**fields: Any) -> MachineRecord:
    """Return a machine that runs and is ready."""
    given: dict[str, Any] = {
        "key": ("shop", "web"),
        "uid": "vmi",
        "workload": "web",
        "class_name": "vm",
        "phase": "Running",
        "node": "n1",
        "ready": True,
        "deleting": False,
        "emulated": False,
        "problem": None,
        "goings_on": (),
        "vcpus": 1,
        "memory": 1 << 30,
        "created": NOW,
        "phases": (("Pending", NOW), ("Scheduled", NOW + 2), ("Running", NOW + 8)),
        "ready_at": NOW + 9,
    }
    return MachineRecord(**(given | fields))


def served(spec: Json, facts: ClassFacts = RUNC, **fields: Any) -> tuple[ChildRecord, ...]:
    """Return the children of a spec that has come to rest in a class, changed as given."""
    count = int(spec.get("replicas", 1))
    rest: dict[str, Any] = {
        "created": NOW,
        "replicas": count,
        "ready": count,
        "updated": count,
        "generation": 3,
        "observed_generation": 3,
    }
    return tuple(stored(child, **(rest | fields)) for child in wanted(spec, facts))


def a_scene(
    spec: Json | None = None,
    *,
    requirement: Requirement | None = None,
    catalog: tuple[ClassFacts, ...] = CATALOG,
    children: tuple[ChildRecord, ...] = (),
    taken: tuple[Taken, ...] = (),
    **fields: Any,
) -> Scene:
    """Return what a pass knows about a spec, given what requires and what runs."""
    spec = spec or container()
    runs = backing(children, UID)
    ask, read = asked(spec), parsed(spec)
    decision = decide(ask, requirement or requiring(), catalog, runs[-1].class_name if runs else None)
    move = next_move(decision, runs, catalog, read)
    plan = Plan()
    if move.placed is not None:
        plan = _plan(spec, move, children)
    given: dict[str, Any] = {
        "workload": WorkloadRecord(("shop", "web"), UID, GENERATION, "1", NOW, False, (), b"", b"{}"),
        "failures": (),
        "pods": (),
        "machines": (),
        "nodes": NODES,
    }
    plan = Plan(plan.steps, plan.taken + taken)
    return Scene(spec=read, ask=ask, decision=decision, move=move, plan=plan, children=children, **(given | fields))


def _plan(spec: Json, move: Move, children: tuple[ChildRecord, ...]) -> Plan:
    assert move.placed is not None
    try:
        desired = wanted(spec, move.placed)
    except Unrenderable:
        assert move.held, "what was decided can be rendered"
        return Plan()
    return make_plan(desired, children, UID, frozen=move.frozen, replicas=int(spec.get("replicas", 1)))


def at_rest(spec: Json | None = None, facts: ClassFacts = RUNC, **fields: Any) -> Scene:
    """Return a scene in which everything is as wanted in a class, and serves."""
    spec = spec or container()
    return a_scene(spec, children=served(spec, facts), **fields)


def nodes_with(**handlers: frozenset[str] | None) -> dict[str, NodeRecord]:
    """Return nodes by name with these handlers."""
    return {name: a_node(name, handlers=given) for name, given in handlers.items()}


REASONS = (
    *(Reason.UNSCHEDULABLE, Reason.CRASH_LOOPING, Reason.WAITING_FOR_QUOTA, Reason.CHILD_REJECTED),
    *(Reason.TASK_FAILED, Reason.VOLUME_MISSING, Reason.BACKEND_FAILED, Reason.RETRYING, Reason.PAUSED),
)
told = st.builds(Problem, st.sampled_from(REASONS), st.sampled_from(["a", "b"]))
problems = st.none() | told
times = st.sampled_from([0.0, NOW - 5, NOW + 5, inf])
troubles = st.lists(st.builds(Trouble, told, times, times), max_size=2).map(tuple)
STARTS = [
    (spec, served(spec, facts))
    for source, classes in ((container(), CATALOG[:3]), (PAIR, CATALOG))
    for spec in (source | {"replicas": 0}, source | {"replicas": 1}, source | {"type": "Task"})
    for facts in classes
]
"""Specs, each with the children that it has in a class."""

pods = st.lists(
    st.builds(
        a_pod,
        name=st.sampled_from(["web-1", "web-2"]),
        runtime_class=st.sampled_from(["", "gvisor", "kata"]),
        node=st.sampled_from(["", "n1", "silent", "gone"]),
        ready=st.booleans(),
        deleting=st.booleans(),
        launcher=st.booleans(),
        finished=st.booleans(),
        troubles=troubles,
        created=st.sampled_from([NOW - 60, NOW]),
    ),
    max_size=2,
    unique_by=lambda pod: pod.key,
).map(tuple)
machines = st.lists(
    st.builds(
        a_machine,
        phase=st.sampled_from(["Scheduling", "Running", "Succeeded", "Failed"]),
        ready=st.booleans(),
        emulated=st.booleans(),
        problem=problems,
        goings_on=st.sampled_from([(), (), (Problem(Reason.LIVE_UPDATING, "a"), Problem(Reason.MIGRATING, "b"))]),
        vcpus=st.sampled_from([1, 8]),
    ),
    max_size=1,
).map(tuple)
fates = st.fixed_dictionaries(
    {"problem": problems},
    optional={
        "ready": st.just(0),
        "updated": st.just(0),
        "observed_generation": st.just(2),
        "complete": st.just(True),
        "restart": st.just(Problem(Reason.RESTART_REQUIRED, "a change waits")),
        "failed": st.just(Problem(Reason.TASK_FAILED, "it failed")),
        "deleting": st.just(True),
        "class_name": st.sampled_from(["container", "kata", "gone"]),
    },
)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw any moment in the life of a Workload."""
    spec, children = draw(st.sampled_from(STARTS))
    fate = draw(st.none() | fates)
    here = children[:-1] if fate is None else (*children[:-1], replace(children[-1], **fate))
    return a_scene(
        spec,
        requirement=requiring(draw(st.sampled_from([str(level) for level in IsolationLevel]))),
        catalog=draw(st.sampled_from([CATALOG, CATALOG, CATALOG[:1], ()])),
        children=here,
        taken=draw(st.sampled_from([(), (), (Taken("Service", "web"),)])),
        pods=draw(pods),
        machines=draw(machines),
        failures=draw(problems.map(lambda found: (found,) if found else ())),
    )
