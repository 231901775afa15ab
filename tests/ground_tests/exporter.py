"""A small process with metrics, for tests: `python -m ground_tests.exporter PORT`."""

import sys
import threading

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


def metrics() -> CollectorRegistry:
    """Return one metric of each type; the gauge's label `namespace` is one that Prometheus would like to overwrite."""
    registry = CollectorRegistry()
    berths = Gauge("ground_berths", "Berths by what they are.", ("namespace", "state"), registry=registry)
    berths.labels("shop", "free").set(3)
    berths.labels("shop", "taken").set(1)
    berths.labels("bank", "taken").set(7)
    visits = Counter("ground_visits", "Visits so far.", registry=registry)
    seconds = Histogram("ground_visit_seconds", "How long a visit took.", registry=registry)
    for each in range(5):
        visits.inc()
        seconds.observe(each / 10)
    return registry


if __name__ == "__main__":
    start_http_server(int(sys.argv[1]), "127.0.0.1", metrics())
    threading.Event().wait()
