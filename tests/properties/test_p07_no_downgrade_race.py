"""P7: in whatever order things happen, nothing starts below a policy in force when it was decided or when it starts.

All interleavings of up to six events are walked, on the real store, views and functions: a policy is added, made
stricter or removed, the tenant's floor goes up or down, the Workload is edited, a pass looks and decides, a pass writes.
A pass that was overtaken by a change of policies or tenants writes nothing. What holds less strictly: a policy that came
and went in between does not count, for it is gone; an edit of the Workload itself, or a waiver that ends, between look
and write is seen by the next pass only, which it wakes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from berth.api.levels import IsolationLevel
from berth.api.meta import CLASS_LABEL
from berth.app.proposal import plan_for
from berth.kube.errors import Conflict
from berth.plan.model import Apply, Delete
from berth.plan.move import BACKING_KINDS, backing
from berth.verify.check import verify
from properties.examples import EXAMPLES, told
from properties.site import CLASSES, Json, Pass, Site, furnished, passing

KEY = ("shop", "web")
DEPTH = 6 if EXAMPLES >= 10_000 else 4
LADDER = ("", "Sandboxed", "Virtualized", "Confidential")
RANK = {name: IsolationLevel(spec["level"]).rank for name, spec in CLASSES.items()}

SERVING = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}


@dataclass(frozen=True)
class State:
    """Everything at one moment, and what is only needed to judge it."""

    site: Site
    policy: int = 0
    floor: int = 0
    wish: int = 0
    decided: Pass | None = None
    since: int = 0
    """Level that policies and tenant demanded when the decision was taken that is not written yet."""
    path: tuple[str, ...] = ()

    @property
    def demanded(self) -> int:
        return max(self.policy, self.floor)


def changed(state: State, event: str, **fields: int) -> State:
    """Return the state after somebody has changed something, which must wake the Workload."""
    site = state.site.again()
    after = replace(state, site=site, path=(*state.path, event), **fields)
    if "policy" in fields:
        require = {"level": LADDER[after.policy]}
        spec = {"mode": "Enforce", "reason": "x", "require": require} if after.policy else None
        site.put("IsolationPolicy", "p", spec)
    if "floor" in fields:
        site.put("Tenant", "acme", tenant(after.floor))
    if "wish" in fields:
        site.put("Workload", "web", workload(after.wish), "shop")
    assert site.woken, after.path
    return after


def tenant(floor: int) -> Json:
    spec: Json = {"namespaceSelector": {"matchLabels": {"tenant": "acme"}}, "network": {"mode": "Open"}}
    return spec | ({"floor": LADDER[floor]} if floor else {})


def workload(wish: int) -> Json:
    spec: Json = {"container": {"image": "app:1"}, "replicas": 1}
    return spec | ({"isolation": {"level": LADDER[wish]}} if wish else {})


def looked(state: State) -> State:
    """Return the state after a pass has looked and decided: in one step, for nothing is awaited in between."""
    site = state.site.again()
    found = passing(site, KEY)
    assert found is not None
    return replace(state, site=site, decided=found, since=state.demanded, path=(*state.path, "look"))


def written(state: State) -> State:
    """Return the state after the pass has written, if nothing has overtaken it; check what has started."""
    assert state.decided is not None
    site, found = state.site.again(), state.decided
    after = replace(state, site=site, decided=None, path=(*state.path, "write"))
    plan, problems = plan_for(found.look, found.move)
    assert problems == ()
    try:
        bounds = found.bounds(site)
    except Conflict:
        return after
    for step in plan.writes:
        if isinstance(step, Delete):
            site.put(step.record.kind, step.record.key[1], None, "shop")
            continue
        assert verify(step.child.body, bounds) == ()
        if step.child.kind in BACKING_KINDS:
            started(step, after)
        meta = step.child.body["metadata"]
        kept = {name: meta[name] for name in ("labels", "annotations", "ownerReferences")}
        site.put(step.child.kind, step.child.name, step.child.body["spec"], "shop", status=SERVING, **kept)
    return after


def started(step: Apply, state: State) -> None:
    """Check the class in which something starts."""
    rank = RANK[step.child.body["metadata"]["labels"][CLASS_LABEL]]
    least = max(state.since, state.demanded)
    assert rank >= least, f"{' -> '.join(state.path)} starts at {rank}, below {least}"


EVENTS: dict[str, Callable[[State], State | None]] = {
    "stricter": lambda s: changed(s, "stricter", policy=s.policy + 1) if s.policy < 3 else None,
    "removed": lambda s: changed(s, "removed", policy=0) if s.policy else None,
    "floor up": lambda s: changed(s, "floor up", floor=2) if s.floor < 2 else None,
    "floor down": lambda s: changed(s, "floor down", floor=0) if s.floor else None,
    "edited": lambda s: changed(s, "edited", wish=(s.wish + 1) % 3),
    "look": looked,
    "write": lambda s: written(s) if s.decided else None,
}


def walked(state: State, depth: int) -> Iterator[State]:
    """Yield every state that can be reached, once for each way to it."""
    yield state
    for event in EVENTS.values() if depth else ():
        after = event(state)
        if after is not None:
            yield from walked(after, depth - 1)


def settled(state: State) -> State:
    """Return the state after two more passes with nothing happening in between."""
    for _ in range(2):
        state = written(looked(state))
    return state


def test_p07_nothing_starts_below_a_policy_that_was_in_force(record_property: Callable[[str, object], None]) -> None:
    site = furnished()
    site.put("Namespace", "shop", {}, labels={"tenant": "acme"})
    site.put("Tenant", "acme", tenant(0))
    site.put("Workload", "web", workload(0), "shop")
    seen: set[object] = set()
    with told(record_property) as counts:
        ways = 0
        for state in walked(State(site), DEPTH):
            ways += 1
            runs = backing(state.site.store.children(KEY), "uid-of-shop-web")
            kind = (state.policy, state.floor, state.wish, tuple(run.class_name for run in runs))
            if kind not in seen:
                seen.add(kind)
                at_rest(settled(state))
        counts.append(ways)
    assert ways >= EXAMPLES
    assert len(seen) > 20


def at_rest(state: State) -> None:
    """Check that once nothing happens any more, what runs is what is demanded, and nothing is left of what was before."""
    [run] = backing(state.site.store.children(KEY), "uid-of-shop-web")
    assert RANK[run.class_name] >= max(state.demanded, state.wish), state.path
