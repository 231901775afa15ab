"""The workers: take a key, reconcile it, and say when to look at it again."""

import logging
import time
from typing import Final

from berth.app.deps import Deps
from berth.app.events import logged
from berth.app.metrics.process import POLICY, WORKLOAD
from berth.app.nets import keep_nets
from berth.app.rationing import servable
from berth.app.reconcile import reconcile
from berth.app.waiver_report import changes_at
from berth.app.world_report import report_world
from berth.kube import errors
from berth.kube.backoff import Uniform, uniform
from berth.kube.queue import KeyedQueue
from berth.world.records import Key

log: Final = logging.getLogger(__name__)

WORLD: Final[Key] = ("", "")
"""The key of the pass over classes and policies."""

COUNTS_SECONDS: Final = 15.0
"""Seconds after which counts on classes and policies follow the Workloads."""


async def work(queue: KeyedQueue, deps: Deps, resync_seconds: float, spread: Uniform = uniform) -> None:
    """Work on keys until the queue is shut down."""
    busy = deps.metrics.active.labels(WORKLOAD)
    while (key := await queue.get()) is not None:
        busy.inc()
        try:
            await _one(key, queue, deps, resync_seconds * spread(0.8, 1.2))
        finally:
            queue.done(key)
            busy.dec()
            if deps.ledger.seen(key):
                _serve(queue, deps)


async def _one(key: Key, queue: KeyedQueue, deps: Deps, resync_seconds: float) -> None:
    controller = WORKLOAD if key != WORLD else POLICY
    started = time.perf_counter()
    with deps.tracing.span(f"reconcile {controller}", {"k8s.namespace.name": key[0], "berth.workload": key[1]}):
        result = await _pass(controller, key, queue, deps, resync_seconds)
        deps.metrics.reconcile_seconds.labels(controller).observe(
            time.perf_counter() - started, deps.tracing.exemplar()
        )
    deps.metrics.reconciles.labels(controller, result).inc()


async def _pass(controller: str, key: Key, queue: KeyedQueue, deps: Deps, resync_seconds: float) -> str:
    """Look at one key, and say when to look again; return what came of it, in controller-runtime's words."""
    result = "success"
    try:
        again = await (reconcile(key, deps) if key != WORLD else _world(queue, deps))
        queue.forget(key)
        if key in deps.store.workloads:
            queue.add_after(key, resync_seconds if again is None else again)
    except errors.NamespaceTerminating:
        queue.forget(key)  # nothing can be made there any more; its end removes the Workload
    except (errors.Conflict, errors.NotFound) as overtaken:
        # Somebody was faster in changing or deleting it; the watch brings what they did.
        result = "requeue"
        log.info("%s: tried again: %s", "/".join(key), overtaken, extra=_fields(key, deps))
        queue.retry(key)
    except Exception as error:
        result = "error"
        deps.metrics.reconcile_errors.labels(controller).inc()
        expected = isinstance(error, errors.ApiError)
        log.warning("%s: failed: %s", "/".join(key), error, extra=_fields(key, deps), exc_info=not expected)
        queue.retry(key, at_least=getattr(error, "retry_after", None) or 0.0)
    return result


async def _world(queue: KeyedQueue, deps: Deps) -> None:
    _serve(queue, deps)
    # After a start every Workload has to be looked at once, or the counts would dip.
    deps.pace.looked_at_all |= len(queue) == 0
    due = deps.pace.looked_at_all and deps.clock() - deps.pace.counts >= COUNTS_SECONDS
    if due:
        deps.pace.counts = deps.clock()
    await keep_nets(deps)
    if await report_world(deps, with_counts=due):
        queue.add_after(WORLD, COUNTS_SECONDS)
    ends = [end for record in deps.store.waivers.values() if (end := changes_at(record, deps.clock())) is not None]
    if ends:
        queue.add_after(WORLD, min(ends) - deps.clock())


def _serve(queue: KeyedQueue, deps: Deps) -> None:
    for key in servable(deps):
        queue.add(key)


def _fields(key: Key, deps: Deps) -> dict[str, object]:
    """Return what a log line says of a Workload beside its text."""
    record, outcome = deps.store.workloads.get(key), deps.outcomes.get(key)
    found: dict[str, object] = logged(record) if record else {"namespace": key[0], "workload": key[1]}
    if outcome is not None:
        found["class"] = outcome.class_name
    return found
