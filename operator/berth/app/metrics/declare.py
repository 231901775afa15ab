"""How a metric is declared: name, type, labels, unit, help, and why one would look at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily

# No series that say when a counter began: nobody asks, and the text format shows each as a metric of its own.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has none


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric."""

    name: str
    """As Prometheus shows it: a counter ends in _total."""
    type: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str
    why: str
    """The question that it answers."""
    unit: str = ""
    buckets: tuple[float, ...] = ()

    def family(self, value: float | None = None) -> GaugeMetricFamily:
        """Return an empty family, or one with a single value, for a scrape."""
        return GaugeMetricFamily(self.name, self.help, value=value, labels=None if value is not None else self.labels)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """Return it as a gauge that is set."""
        return Gauge(self.name, self.help, self.labels, registry=registry)

    def counter(self, registry: CollectorRegistry) -> Counter:
        """Return it as a counter."""
        return Counter(self.name.removesuffix("_total"), self.help, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        """Return it as a histogram with its buckets."""
        return Histogram(self.name, self.help, self.labels, registry=registry, buckets=self.buckets)


def gauge(name: str, labels: tuple[str, ...], text: str, why: str, unit: str = "") -> Declared:
    """Return a gauge; its unit is told by its name where that ends in _seconds."""
    return Declared(name, "gauge", labels, text, why, unit or ("seconds" if name.endswith("_seconds") else ""))


def counter(name: str, labels: tuple[str, ...], text: str, why: str) -> Declared:
    """Return a counter."""
    return Declared(name, "counter", labels, text, why)


def histogram(name: str, labels: tuple[str, ...], text: str, why: str, buckets: tuple[float, ...]) -> Declared:
    """Return a histogram of seconds."""
    return Declared(name, "histogram", labels, text, why, "seconds", buckets)


def declared_in(names: Mapping[str, object]) -> tuple[Declared, ...]:
    """Return the metrics of a module, in the order of its file."""
    return tuple(value for value in names.values() if isinstance(value, Declared))
