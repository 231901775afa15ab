"""A real Prometheus beside a cluster of the ground, on loopback only, the questions one asks it, and promtool."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import urllib3
import yaml

from ground import beside
from ground.api import Json, eventually, free_port
from ground.cluster import LOOPBACK, Cluster
from ground.toolchain import tool

NAME = "prometheus"
JOB = "berth"
SCRAPED_SECONDS = 30.0
REQUEST_SECONDS = 30.0
OK = 200

Labels = dict[str, str]


class PrometheusError(RuntimeError):
    """Prometheus said no; the message is its own."""


@dataclass(frozen=True)
class Sample:
    """One series of an instant query: its labels, and its value at that time."""

    labels: Labels
    at: float
    value: float


@dataclass(frozen=True)
class Line:
    """One series of a range query: its labels, and (time, value) for each step that has one."""

    labels: Labels
    points: tuple[tuple[float, float], ...]


class PromtoolError(RuntimeError):
    """Promtool found something; the message is what it printed."""


@dataclass(frozen=True)
class Target:
    """What is scraped: host:port, and the labels that its series get. The label `job` is `berth` unless given."""

    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    """A bearer token: with one it is scraped by HTTPS, whoever signed the certificate."""


def start(
    cluster: Cluster, scraped: Sequence[Target], *, interval: int = 2, rules: Sequence[Path] = (), port: int = 0
) -> str:
    """Run Prometheus on a free port (or this one) and return its URL as soon as it is ready.

    It scrapes and evaluates the rule files every `interval` seconds and keeps its data in the cluster's folder. One that
    runs already stays as it is. Raises ClusterError with the end of its log when it does not start; ToolchainError.
    """
    if (found := find(cluster)) is not None:
        return found
    binary = tool(NAME, lambda _: None)
    folder = cluster.workdir / NAME
    folder.mkdir(exist_ok=True)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration(scraped, interval=interval, rules=rules)))
    address = f"{LOOPBACK}:{port or free_port()}"
    url = f"http://{address}"
    (folder / "url").write_text(url)
    command = [
        str(binary),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    beside.start(cluster, NAME, command, lambda: ready(url))
    return url


def find(cluster: Cluster) -> str | None:
    """Return the URL of the Prometheus that runs beside this cluster, else None."""
    return (cluster.workdir / NAME / "url").read_text() if beside.pid(cluster, NAME) is not None else None


def stop(cluster: Cluster) -> None:
    """End Prometheus and wait until it is gone; its data stay. Nothing when it does not run. Raises TimeoutError."""
    beside.stop(cluster, NAME)


@contextmanager
def running(
    cluster: Cluster, scraped: Sequence[Target], *, interval: int = 2, rules: Sequence[Path] = ()
) -> Iterator[str]:
    """Give the URL of a Prometheus that has scraped every target once, for the length of a block."""
    url = start(cluster, scraped, interval=interval, rules=rules)
    try:
        # Not by the targets' health: it is said before the samples can be seen.
        eventually(lambda: len(query(url, "up == 1")) == len(scraped), SCRAPED_SECONDS, "every target is scraped")
        yield url
    finally:
        stop(cluster)


def configuration(scraped: Sequence[Target], *, interval: int, rules: Sequence[Path]) -> Json:
    """Return Prometheus' configuration."""
    every = f"{interval}s"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(path.resolve()) for path in rules],
        "scrape_configs": [_scraping(number, each) for number, each in enumerate(scraped)],
    }


def _scraping(number: int, target: Target) -> Json:
    secure = {
        "scheme": "https",
        "authorization": {"credentials": target.token},
        "tls_config": {"insecure_skip_verify": True},
    }
    return {
        "job_name": f"{JOB}-{number}",
        # As the ServiceMonitor has it: the label `namespace` of a series is the Workload's.
        "honor_labels": True,
        "static_configs": [{"targets": [target.address], "labels": {"job": JOB, **target.labels}}],
        **(secure if target.token else {}),
    }


def promtool(*arguments: str, stdin: str = "") -> str:
    """Run promtool and return what it prints; raises PromtoolError with it when it finds something."""
    command = [str(tool("promtool", lambda _: None)), *arguments]
    answer = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    said = f"{answer.stdout}{answer.stderr}".strip()
    if answer.returncode:
        raise PromtoolError(f"promtool {' '.join(arguments)}:\n{said}")
    return said


def check_metrics(exposition: str) -> None:
    """Hold a text exposition against the conventions for names, types and help; raises PromtoolError."""
    promtool("check", "metrics", stdin=exposition)


def check_rules(*paths: Path) -> None:
    """Check rule files, and that no rule is there twice; raises PromtoolError."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, paths))


def check_queries(*queries: str) -> None:
    """Let Prometheus' own parser read queries, with the features it has by default; raises PromtoolError.

    They are read as recording rules: promtool has no other way without a server.
    """
    rules = [{"record": f"query:{number}", "expr": each} for number, each in enumerate(queries)]
    promtool("check", "rules", "--lint=none", stdin=yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))


def run_rule_tests(*paths: Path) -> None:
    """Run files of unit tests for rules; raises PromtoolError with what was expected and what came."""
    promtool("test", "rules", *map(str, paths))


def ready(url: str) -> bool:
    """Tell whether Prometheus serves queries."""
    with suppress(urllib3.exceptions.HTTPError):
        return _request(f"{url}/-/ready", {}).status == OK
    return False


def query(url: str, expression: str, at: float | None = None) -> list[Sample]:
    """Evaluate an expression now or at a time; a scalar is one sample without labels. Raises PrometheusError."""
    answer = _get(url, "query", {"query": expression, **({} if at is None else {"time": str(at)})})
    if answer["resultType"] == "scalar":
        return [_sample({}, answer["result"])]
    return [_sample(each["metric"], each["value"]) for each in answer["result"]]


def query_range(url: str, expression: str, start: float, end: float, step: float) -> list[Line]:
    """Evaluate an expression at every step from start to end; raises PrometheusError."""
    window = {"start": str(start), "end": str(end), "step": str(step)}
    answer = _get(url, "query_range", {"query": expression, **window})
    return [
        Line(each["metric"], tuple((float(at), float(value)) for at, value in each["values"]))
        for each in answer["result"]
    ]


def series(url: str, *matchers: str) -> list[Labels]:
    """Return the labels, with __name__, of all series that match one of the selectors; raises PrometheusError."""
    found: list[Labels] = _get(url, "series", {"match[]": list(matchers)})
    return found


def label_values(url: str, label: str, *matchers: str) -> list[str]:
    """Return the values of a label (of series that match a selector, when given); raises PrometheusError."""
    found: list[str] = _get(url, f"label/{label}/values", {"match[]": list(matchers)})
    return found


def rules(url: str) -> list[Json]:
    """Return every rule of every group as Prometheus holds it: name, type, state, health, lastError."""
    return [rule for group in _get(url, "rules", {})["groups"] for rule in group["rules"]]


def alerts(url: str) -> list[Json]:
    """Return the alerts that are pending or firing."""
    found: list[Json] = _get(url, "alerts", {})["alerts"]
    return found


def targets(url: str) -> list[Json]:
    """Return the targets that are scraped: labels, health, lastError, lastScrapeDuration, scrapeInterval."""
    found: list[Json] = _get(url, "targets", {"state": "active"})["activeTargets"]
    return found


def _sample(labels: Labels, pair: tuple[float, str]) -> Sample:
    return Sample(labels, float(pair[0]), float(pair[1]))


def _request(url: str, fields: dict[str, str | list[str]], method: str = "GET") -> urllib3.BaseHTTPResponse:
    pairs = [(name, each) for name, value in fields.items() for each in ([value] if isinstance(value, str) else value)]
    return urllib3.request(method, url, fields=pairs or None, retries=False, timeout=REQUEST_SECONDS)


def _get(url: str, path: str, fields: dict[str, str | list[str]]) -> Any:
    try:
        answer = _request(f"{url}/api/v1/{path}", fields)
    except urllib3.exceptions.HTTPError as error:
        raise PrometheusError(f"no Prometheus at {url}: {error}") from error
    try:
        content = orjson.loads(answer.data)
    except orjson.JSONDecodeError as error:
        raise PrometheusError(f"{path}: {answer.status} {answer.data.decode(errors='replace').strip()}") from error
    if content["status"] != "success":
        raise PrometheusError(f"{content['errorType']}: {content['error']}")
    return content["data"]
