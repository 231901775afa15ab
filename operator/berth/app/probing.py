"""Probes: short Jobs that look from inside at what isolates pods, one for each class and kind of nodes.

They run when a class, its RuntimeClass or the software of its nodes changes, now and then, and when the annotation
`berth.dev/probe` of the class is given another value. Only the leader runs them, a few at a time. What they see goes
into the status of the class, and from there into decisions: one that gives no result changes none.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from berth.api.isolation_class import IsolationProbe, Sight
from berth.api.meta import WORKLOAD_LABEL
from berth.app.bounds import probe_bounds
from berth.app.deps import Deps
from berth.app.views import Catalog
from berth.decide.model import ClassFacts
from berth.decide.proof import contradictions
from berth.kube import errors
from berth.kube.gateway import NotOurs
from berth.kube.reading import Reader, Selection
from berth.kube.resources import PODS
from berth.observe.status import timestamp
from berth.render.isolation_probe import DEADLINE_SECONDS, Prober, isolation_probe, probe_subject
from berth.render.model import Unrenderable
from berth.world import children
from berth.world.parse import seconds
from berth.world.probes import sight, words
from berth.world.records import ClassRecord, NodeRecord
from berth.world.steady import steady

log: Final = logging.getLogger(__name__)

_AT_ONCE: Final = 4
_MOST_KINDS: Final = 32
"""Kinds of nodes of a class that are looked at, the first by key: its status holds twice as many."""
_TICK_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 1.0
_SLOW: Final = f"it did not end within {DEADLINE_SECONDS} s"
_GARBLED: Final = "what it wrote is not understood: take the image of Berth's version, and name fewer forbidden peers"
_LONGEST: Final = 256
"""Characters of what a node says of itself that are kept."""
_AGAIN_SECONDS: Final = 300.0
"""Seconds until another probe where the last one gave no result, or one has found out the class or its network."""


@dataclass(frozen=True, slots=True)
class Due:
    """A probe that is to run."""

    record: ClassRecord
    facts: ClassFacts
    key: str
    node: NodeRecord


class Probing:
    """Runs the probes that are due, for as long as this replica leads."""

    def __init__(self, deps: Deps, reader: Reader, prober: Prober, every_seconds: float) -> None:
        self._deps = deps
        self._reader = reader
        self._prober = prober
        self._every = every_seconds
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def run(self, leading: asyncio.Event) -> None:
        """Run probes from the moment this replica leads."""
        await leading.wait()
        while True:
            await asyncio.gather(*(self._probe(due) for due in list(self.due())))
            await asyncio.sleep(_TICK_SECONDS)

    def due(self) -> Iterator[Due]:
        """Yield the probes that are to run now, each on one node of its kind; later ones take other nodes.

        One that has found out the class or its network is repeated where it was, so that what is said stays the same.
        When such nodes are not there any more, the others are looked at again: what was found out stands until then.
        """
        found, now = self._deps.views.catalog(), self._deps.clock()
        for name, record in sorted(self._deps.store.classes.items()):
            known, facts = {each.key: each for each in self._known(record)}, found.named(name)
            kinds = _kinds(found, name)
            gone = any(_found_out(probe) for key, probe in known.items() if key not in kinds)
            for key, nodes in kinds.items():
                if facts is not None and (key not in known or self._is_old(known[key], now, soon=gone)):
                    yield Due(record, facts, key, self._node_for(known.get(key), nodes, now))

    def _node_for(self, last: IsolationProbe | None, nodes: tuple[NodeRecord, ...], now: float) -> NodeRecord:
        """Return the node that is looked at: the one on which something was found out, as long as it is there."""
        found_out = last.node if last is not None and _found_out(last) else None
        again = (node for node in nodes if node.name == found_out)
        return next(again, nodes[int(now / self._every) % len(nodes)])

    def _known(self, record: ClassRecord) -> tuple[IsolationProbe, ...]:
        return self._deps.probes.get(record.name, record.probes)

    def _is_old(self, probe: IsolationProbe, now: float, *, soon: bool) -> bool:
        lasts = min(_AGAIN_SECONDS, self._every) if soon or probe.problem or _found_out(probe) else self._every
        return now - seconds(probe.time) >= lasts

    async def _probe(self, due: Due) -> None:
        async with self._free:
            try:
                seen = await self._look(due)
            except (errors.ApiError, NotOurs, Unrenderable) as error:
                seen = f"it was not run: {steady(str(error))}"
            except Exception as error:
                log.exception("probe of class %s on node %s failed", due.record.name, due.node.name)
                seen = f"it failed with {type(error).__name__}: the log of Berth's leader says how"
        if isinstance(seen, str):
            log.warning("probe of class %s on node %s: %s", due.record.name, due.node.name, seen)
        self._remember(due, seen)

    async def _look(self, due: Due) -> Sight | str:
        """Run one probe; return what it saw, or why it saw nothing."""
        name, gateway, home = f"probe-{due.key}", self._deps.gateway, self._prober.namespace
        subject = probe_subject(self._prober, due.facts, name, due.record.uid)
        await gateway.end_probe(home, name, due.record.uid)  # one that an earlier leader has left
        bounds = probe_bounds(subject, due.facts, due.node.name, self._deps.store)
        uid = await gateway.probe(isolation_probe(subject, due.facts, due.node.name), bounds)
        try:
            return await self._result(name, uid)
        finally:
            await gateway.end_probe(home, name, due.record.uid)

    async def _result(self, name: str, job_uid: str) -> Sight | str:
        problem = "its pod was not made"
        selection = Selection(namespace=self._prober.namespace, label_selector=f"{WORKLOAD_LABEL}={name}")
        for _ in range(DEADLINE_SECONDS):
            async for page in self._reader.list_pages(PODS, selection):
                for raw in page.items:
                    if children.controller_uid(raw["metadata"]) != job_uid:
                        continue
                    if (seen := sight(raw)) is not None:
                        return seen
                    pod = children.pod(raw)
                    if pod.finished:
                        return _GARBLED if words(raw) else "it ended without a word: look at its image"
                    problem = pod.troubles[0].problem.message if pod.troubles else _SLOW
            await asyncio.sleep(_LOOK_SECONDS)
        return problem

    def _remember(self, due: Due, seen: Sight | str) -> None:
        """Note a result: one that saw nothing leaves what was seen before as it was."""
        name, software, spec = due.record.name, due.node.software, due.record.spec
        record = self._deps.store.classes.get(name)
        if record is None or spec is None or record.uid != due.record.uid:
            return
        probe = IsolationProbe(
            key=due.key,
            node=due.node.name,
            kubelet=software.kubelet[:_LONGEST],
            runtime=software.runtime[:_LONGEST],
            kernel=software.kernel[:_LONGEST],
            time=timestamp(self._deps.clock()),
            seen=seen if isinstance(seen, Sight) else None,
            problem=seen[:1024] if isinstance(seen, str) else None,
            contradictions=list(contradictions(spec, seen, due.node)) or None if isinstance(seen, Sight) else None,
        )
        before = {each.key: each for each in self._known(record)}
        if probe.seen is None and (last := before.get(due.key)) is not None and last.seen is not None:
            probe = last.model_copy(update={"time": probe.time, "problem": probe.problem})
        kept = kept_of({**before, due.key: probe}, frozenset(_kinds(self._deps.views.catalog(), name)))
        self._deps.probes[name] = kept
        self._deps.wake_reports()


def _kinds(found: Catalog, name: str) -> dict[str, tuple[NodeRecord, ...]]:
    """Return the nodes of a class by those kinds that are looked at."""
    return dict(islice(found.kinds.get(name, {}).items(), _MOST_KINDS))


def _found_out(probe: IsolationProbe) -> bool:
    """Return whether a probe saw less isolation than its class promises, or reached what its NetworkPolicy forbids."""
    return bool(probe.contradictions or (probe.seen is not None and probe.seen.reached))


def kept_of(probes: dict[str, IsolationProbe], kinds: frozenset[str]) -> tuple[IsolationProbe, ...]:
    """Return the probes that still say something: those of kinds of nodes that are there and looked at.

    One that has found the class out stands until all of these were seen: an upgrade of nodes by itself mends nothing.
    """
    everywhere = bool(kinds) and all(key in probes and probes[key].seen for key in kinds)
    kept = [each for each in probes.values() if each.key in kinds or (each.contradictions and not everywhere)]
    kept.sort(key=lambda each: (not each.contradictions, each.key))
    return tuple(kept[: 2 * _MOST_KINDS])
