"""What a scrape reads, and the gauges that are computed from it: nothing is left of what is gone."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from berth.app.metrics import declared
from berth.app.metrics.admin import (
    ClassState,
    PolicyState,
    QuotaState,
    WaiverState,
    class_gauges,
    policy_gauges,
    quota_gauges,
    waiver_gauges,
)
from berth.app.metrics.declare import Declared
from berth.app.outcomes import Outcome
from berth.decide.model import Cost
from berth.policy.turns import Moving
from berth.world.records import Key

Outcomes = Mapping[Key, Outcome]


@dataclass(slots=True)
class State:
    """What a scrape reads. Only the leader fills it."""

    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    classes: tuple[ClassState, ...] = ()
    policies: tuple[PolicyState, ...] = ()
    quotas: tuple[QuotaState, ...] = ()
    waivers: tuple[WaiverState, ...] = ()
    moving: Mapping[Key, Moving] = field(default_factory=dict)
    """The Workloads that are being moved."""


class StateCollector(Collector):
    """Computes the gauges that sum up `state` at every scrape; at most `cap` Workloads have series of their own."""

    def __init__(self, state: State, cap: int) -> None:
        self._state = state
        self._cap = cap

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges."""
        outcomes = dict(self._state.outcomes)
        yield from _placements(outcomes)
        yield from _costs(outcomes)
        yield _moves(outcomes, dict(self._state.moving))
        yield declared.SERIES_TRUNCATED.family(max(0, len(outcomes) - self._cap))
        yield from class_gauges(self._state.classes)
        yield from policy_gauges(self._state.policies, outcomes)
        yield from quota_gauges(self._state.quotas)
        yield from waiver_gauges(self._state.waivers, outcomes)


def _placements(outcomes: Outcomes) -> Iterable[Metric]:
    places: list[tuple[str, ...]] = [(each.tenant, key[0]) for key, each in outcomes.items()]
    every = list(outcomes.values())
    yield _tally(
        declared.WORKLOADS,
        Tally((*place, o.class_name, o.level, o.backend, o.reason) for place, o in zip(places, every, strict=True)),
    )
    yield _tally(declared.ISOLATED, Tally((*place, o.isolated) for place, o in zip(places, every, strict=True)))
    for metric, holds in (
        (declared.UNPLACED, [not each.class_name for each in every]),
        (declared.BELOW_REQUIRED, [each.below for each in every]),
        (declared.PENDING_SWITCH, [each.pending for each in every]),
    ):
        # 0 is said, too: that nothing is wrong is not the same as nothing being known.
        counts = dict.fromkeys(places, 0)
        for place, held in zip(places, holds, strict=True):
            counts[place] += held
        yield _tally(metric, counts)


def _tally(metric: Declared, counts: Mapping[tuple[str, ...], float]) -> Metric:
    family = metric.family()
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family


def _costs(outcomes: Outcomes) -> Iterable[Metric]:
    requests, limits, overhead = Tally[tuple[str, ...]](), Tally[tuple[str, ...]](), Tally[tuple[str, ...]]()
    for key, each in outcomes.items():
        if each.class_name:
            place = (each.tenant, key[0], each.class_name, each.level, each.backend)
            _add(requests, place, each.requested)
            _add(limits, place, each.limits)
            _add(overhead, (*place, each.required_by), each.overhead)
    for metric, total in ((declared.REQUESTS, requests), (declared.LIMITS, limits), (declared.OVERHEAD, overhead)):
        yield _tally(metric, {place: n / 1000 if place[-1] == "cpu" else n for place, n in total.items()})


def _add(total: Tally[tuple[str, ...]], place: tuple[str, ...], cost: Cost) -> None:
    total[*place, "cpu"] += cost.cpu
    total[*place, "memory"] += cost.memory


def _moves(outcomes: Outcomes, moving: Mapping[Key, Moving]) -> Metric:
    family = declared.SWITCH_STARTED.family()
    for key, move in sorted(moving.items()):
        family.add_metric((outcomes[key].tenant if key in outcomes else "", *key), move.since)
    return family
