"""What a pass works with, handed in as one value."""

from collections.abc import Callable
from dataclasses import dataclass, field

from berth.api.isolation_class import IsolationProbe
from berth.app.counting import Start
from berth.app.events import Recorder
from berth.app.metrics.process import Metrics
from berth.app.outcomes import Outcome
from berth.app.preflight import Preflight
from berth.app.tracing import Tracing
from berth.app.views import Views
from berth.decide.whatif import Flip
from berth.kube.backoff import AFTER_REFUSAL, Failures
from berth.kube.gateway import Gateway
from berth.policy.ledger import Ledger
from berth.policy.turns import Turns
from berth.world.records import Key
from berth.world.store import Store


@dataclass(slots=True)
class Pace:
    """When something was last done that is done at leisure."""

    counts: float = 0.0
    """Counts on classes and policies were written."""
    looked_at_all: bool = False
    """Whether every Workload has been looked at since the start."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything that reconciling uses. `outcomes` is what the last pass over each Workload came to."""

    store: Store
    views: Views
    gateway: Gateway
    preflight: Preflight
    recorder: Recorder
    metrics: Metrics
    clock: Callable[[], float]
    """Seconds since the epoch."""
    progress_seconds: float
    wake_reports: Callable[[], None]
    """Called when the counts on classes or policies may have changed."""
    expect_echo: Callable[[str], None] = lambda _version: None
    """Told the resourceVersion of every status that was written."""
    flips: dict[object, tuple[Flip, ...]] = field(default_factory=dict)
    """What would change a decision, by its inputs: the same question is answered once."""
    ledger: Ledger = field(default_factory=lambda: Ledger(0.0))
    """Who holds and who wants how much of the quotas."""
    turns: Turns = field(default_factory=Turns)
    """Who is being moved, and who waits for a turn."""
    max_switches: int = 50
    tracing: Tracing = field(default_factory=Tracing)
    pace: Pace = field(default_factory=Pace)
    written: dict[Key, int] = field(default_factory=dict)
    """Hash of the status that was last written."""
    waiting: dict[Key, float] = field(default_factory=dict)
    """Since when a progress-only change of status waits to be written."""
    probes: dict[str, tuple[IsolationProbe, ...]] = field(default_factory=dict)
    """By class, what probes have seen that is not in its status yet."""
    starts: dict[Key, Start] = field(default_factory=dict)
    """Starts of Workloads that are to be counted, or were."""
    rejections: Failures[Key] = field(default_factory=lambda: Failures(AFTER_REFUSAL))
    """Of Workloads whose children the API server refuses."""

    @property
    def outcomes(self) -> dict[Key, Outcome]:
        """What the last pass over each Workload came to."""
        return self.metrics.state.outcomes

    def forget(self, key: Key) -> None:
        """Drop what is kept about a Workload that is gone."""
        self.preflight.forget(key)
        self.rejections.forget(key)
        self.waiting.pop(key, None)
        self.written.pop(key, None)
        self.starts.pop(key, None)
        if self.outcomes.pop(key, None) is not None:
            self.wake_reports()
