"""`make observe`: the operator with three hundred Workloads in all states, a real Prometheus, and every query of it.

`--keep` leaves all of it up until `python -m ground down observe`, `--pictures` draws the dashboards into
docs/pictures.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic

from dashboards import rules, site
from dashboards.evaluate import Found, best, broken_rules, evaluate
from dashboards.write import texts
from ground import berth, cluster, prometheus
from ground.api import eventually
from ground.cluster import Cluster
from ground.deadline import deadline
from ground.prometheus import Target
from scenarios import objects
from scenarios.kinds import RUNTIME_CLASS
from scenarios.monitoring import secured
from scenarios.process import Operator, free_port
from scenarios.site import FAILURES, RUNTIMES, install_kubevirt

NAME = "observe"
NODES = 6
BUILD = berth.REPOSITORY / "build"
PICTURES = berth.REPOSITORY / "docs" / "pictures"
DASHBOARDS = berth.REPOSITORY / "manifests" / "berth" / "files" / "dashboards"
RULES = berth.REPOSITORY / "manifests" / "berth" / "files" / "rules.yaml"
LEAST_SECONDS = 100.0
"""Rates need a minute, and rules two evaluations."""
SETTLE_SECONDS = 300.0
"""A busy machine is scraped late."""
MINUTES = 40.0
"""Longest that it all may take."""


@contextmanager
def observed(*, keep: bool) -> Iterator[tuple[Cluster, str]]:
    """Give a cluster with two replicas of Berth and a Prometheus that scrapes both, one securely; its URL."""
    found = cluster.up(NAME, NODES)
    replicas: list[Operator] = []
    try:
        install_kubevirt(found)
        berth.install(found)
        for text in (FAILURES.read_text(), site.NEVER_READY):
            cluster.kubectl(found, "apply", "--server-side", "-f", "-", stdin=text)
        for body in RUNTIMES:
            objects.put(found, RUNTIME_CLASS, "", body)
        leader = Operator(found, found.workdir).start()
        replicas.append(leader)
        port = free_port()
        settings = {"BERTH_METRICS_SECURE": "true", "BERTH_METRICS_PORT": str(port)}
        standby = Operator(found, found.workdir, **settings).start(leads=False)
        replicas.append(standby)
        targets = [
            Target(f"127.0.0.1:{leader.port}", {"pod": leader.identity}),
            Target(f"127.0.0.1:{port}", {"pod": standby.identity}, secured(found)),
        ]
        yield found, prometheus.start(found, targets, interval=3, rules=[RULES])
    finally:
        for each in () if keep else replicas:
            each.stop()
        if not keep:
            prometheus.stop(found)
            cluster.down(NAME)


def asked(url: str, seconds: float) -> list[Found]:
    """Return what every query of both dashboards returns."""
    everything = dict.fromkeys(("tenant", "namespace", "class"), ".*")
    files = texts()
    of_one = (
        evaluate(
            url, "workload.json", files["workload.json"], {**everything, "namespace": at, "workload": name}, seconds
        )
        for at, name in (site.STUCK, site.MOVED)
    )
    return [*evaluate(url, "fleet.json", files["fleet.json"], everything, seconds), *best(*of_one)]


def recorded(url: str) -> list[Found]:
    """Return how many series each recording rule has."""
    return [Found("rules.yaml", name, "", name, len(prometheus.query(url, name))) for name in rules.RECORDED]


def draw_all(url: str, seconds: float) -> None:
    """Draw both dashboards over the last seconds."""
    from pictures.__main__ import draw  # noqa: PLC0415  only who draws needs a browser

    moved = dict(zip(("namespace", "workload"), site.MOVED, strict=True))
    PICTURES.mkdir(exist_ok=True)
    for name, values in (("fleet", {}), ("workload", moved)):
        draw(DASHBOARDS / f"{name}.json", url, PICTURES / f"{name}.png", variables=values, start=f"-{int(seconds)}s")


def settled(url: str, started: float) -> list[Found]:
    """Return what every query returns, once all do that should."""
    seen: list[Found] = []

    def complete() -> bool:
        seen[:] = asked(url, monotonic() - started) + recorded(url)
        return not any(each.failed for each in seen)

    with suppress(TimeoutError):
        eventually(complete, SETTLE_SECONDS, "every query has series")
    return seen


def table(found: Sequence[Found]) -> str:
    """Return what was found, a line for each query."""
    lines = [f"{each.dashboard:<14} {each.panel:<42} {each.ref:<2} {_said(each)}" for each in found]
    return "\n".join(lines)


def _said(each: Found) -> str:
    return each.error or (str(each.series) if each.series else f"empty: {each.why_empty or 'SHOULD NOT BE'}")


def summary(found: Sequence[Found]) -> str:
    """Return the last line."""
    failed = sum(each.failed for each in found)
    empty = sum(not each.series and not each.failed for each in found)
    full = sum(bool(each.series) and not each.failed for each in found)
    return f"panels: {len(found)} queries, {full} with series, {empty} empty by design, {failed} failed"


def main(arguments: list[str] | None = None) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything up")
    parser.add_argument("--pictures", action="store_true", help="draw the dashboards into docs/pictures")
    asks = parser.parse_args(arguments)
    with deadline(MINUTES, "make observe"), observed(keep=asks.keep) as (found, url):
        started = monotonic()
        count = site.fill(found)
        print(f"{count} Workloads have come to rest", flush=True)
        site.change(found)
        eventually(lambda: monotonic() - started > LEAST_SECONDS, LEAST_SECONDS + 1, "rates have a past")
        seen = settled(url, started)
        wrong = broken_rules(prometheus.rules(url))
        if asks.pictures:
            draw_all(url, monotonic() - started)
        alerts = sorted({each["labels"]["alertname"] for each in prometheus.alerts(url)})
    BUILD.mkdir(exist_ok=True)
    (BUILD / "observe.json").write_text(json.dumps([vars(each) for each in seen], indent=2) + "\n")
    print(table(seen))
    print(f"rules: {len(rules.RECORDED)} recorded, {len(rules.ALERTS)} alerts, {len(wrong)} broken {wrong or ''}")
    print(f"alerts pending or firing: {', '.join(alerts) or 'none'}")
    print(summary(seen))
    return 1 if wrong or any(each.failed for each in seen) else 0


if __name__ == "__main__":
    sys.exit(main())
