"""A small process whose metrics change all the time: `python -m picture_tests.harbour PORT`."""

import math
import sys
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BERTHS = {
    ("acme", "Container"): 120,
    ("acme", "Sandboxed"): 42,
    ("globex", "Virtualized"): 17,
    ("globex", "Sandboxed"): 9,
}
PERIOD = 40.0


class Harbour(Collector):
    """Berths by tenant and level, their memory, requests and their seconds, and piers that open and close."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def collect(self) -> Iterator[Metric]:
        """Give the metrics as they are now."""
        age = time.monotonic() - self._start
        wave = math.sin(2 * math.pi * age / PERIOD)
        berths = GaugeMetricFamily("harbour_berths", "Berths taken.", labels=["tenant", "level"])
        memory = GaugeMetricFamily("harbour_memory_bytes", "Memory of the berths.", labels=["tenant", "level"])
        for at, (key, count) in enumerate(BERTHS.items()):
            berths.add_metric(key, round(count * (1 + 0.2 * wave * (-1) ** at)))
            memory.add_metric(key, count * 2.5e8 * (at + 1))
        share = GaugeMetricFamily("harbour_quota_ratio", "Quota used.", labels=["tenant"])
        for tenant, used in (("acme", 0.62), ("globex", 0.93), ("initech", 0.18)):
            share.add_metric([tenant], used + 0.05 * wave)
        requests = CounterMetricFamily("harbour_requests", "Requests.", labels=["code"])
        for code, rate in (("200", 25), ("404", 3), ("500", 0.4)):
            requests.add_metric([code], rate * (age + PERIOD * (1 - math.cos(2 * math.pi * age / PERIOD)) / 20))
        seconds = HistogramMetricFamily("harbour_request_seconds", "How long a request took.")
        total = 28 * age
        buckets = [("0.005", total * 0.4), ("0.05", total * 0.9), ("0.5", total * 0.99), ("+Inf", total)]
        seconds.add_metric([], buckets=buckets, sum_value=total * 0.03)
        pier = GaugeMetricFamily("harbour_pier_state", "0 closed, 1 open, 2 repaired.", labels=["pier"])
        for at, name in enumerate(("east", "north", "west")):
            pier.add_metric([name], int(age / (9 + 4 * at) + at) % 3)
        yield from (berths, memory, share, requests, seconds, pier)


if __name__ == "__main__":
    registry = CollectorRegistry()
    registry.register(Harbour())
    server, thread = start_http_server(int(sys.argv[1]), "127.0.0.1", registry)
    thread.join()
