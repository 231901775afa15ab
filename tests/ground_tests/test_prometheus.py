"""A real Prometheus scrapes a real process, answers questions, evaluates rules, and ends with its cluster."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from ground import cluster, parts, prometheus
from ground.api import eventually, free_port
from ground.prometheus import PrometheusError, PromtoolError, Target
from ground_tests import exporter

pytestmark = pytest.mark.ground

SECONDS = 60.0
RULES = {
    "groups": [
        {
            "name": "ground",
            "rules": [
                {"record": "namespace:ground_berths:sum", "expr": "sum by (namespace) (ground_berths)"},
                {
                    "alert": "GroundFull",
                    "expr": "ground_berths{state='taken'} > 5",
                    "labels": {"severity": "warning"},
                    "annotations": {"summary": "{{ $labels.namespace }} has {{ $value }} taken"},
                },
            ],
        }
    ]
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with a recording rule and an alert that fires for bank."""
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump(RULES))
    return path


@pytest.fixture(scope="module")
def scraped() -> Iterator[Target]:
    """Give a process with metrics."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "ground_tests.exporter", str(port)], cwd=Path(__file__).parents[1]
    )
    yield Target(f"127.0.0.1:{port}", {"job": "harbour", "pier": "west"})
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def url(ground: cluster.Cluster, scraped: Target, rules: Path) -> Iterator[str]:
    """Give a Prometheus that has scraped it."""
    with prometheus.running(ground, [scraped], interval=1, rules=[rules]) as address:
        yield address


def test_query(url: str) -> None:
    """Labels of the process stand as they are, those of the target come beside them."""
    found = eventually(lambda: prometheus.query(url, "ground_berths{namespace='bank'}"), SECONDS, "a scrape")
    assert [(each.labels["state"], each.labels["pier"], each.labels["job"], each.value) for each in found] == [
        ("taken", "west", "harbour", 7)
    ]
    assert abs(found[0].at - time.time()) < 60
    assert [each.value for each in prometheus.query(url, "1 + 1")] == [2]
    assert prometheus.query(url, "ground_berths", at=1_000_000) == []


def test_query_range(url: str) -> None:
    """A range has a value for each step."""
    eventually(lambda: prometheus.query(url, "count_over_time(up[1m]) > 3"), SECONDS, "four scrapes")

    def three() -> list[tuple[dict[str, str], list[float]]]:
        end = time.time()
        lines = prometheus.query_range(url, "sum(ground_berths)", end - 2, end, 1)
        return [(each.labels, [value for _, value in each.points]) for each in lines]

    # A scrape that comes late leaves a gap, as it should.
    eventually(lambda: three() == [({}, [11, 11, 11])], SECONDS, "three scrapes in time")


def test_labels(url: str) -> None:
    """Series and values of labels can be listed."""
    assert prometheus.label_values(url, "state", "ground_berths") == ["free", "taken"]
    assert prometheus.label_values(url, "state", "ground_berths{namespace='bank'}") == ["taken"]
    assert {each["__name__"] for each in prometheus.series(url, "ground_visits_total", "ground_berths")} == {
        "ground_visits_total",
        "ground_berths",
    }


def test_rules(url: str) -> None:
    """Rules are evaluated, and the alert fires for the one."""
    recorded = eventually(lambda: prometheus.query(url, "namespace:ground_berths:sum"), SECONDS, "the rule is recorded")
    assert {each.labels["namespace"]: each.value for each in recorded} == {"shop": 4, "bank": 7}
    assert [(each["name"], each["type"], each["health"]) for each in prometheus.rules(url)] == [
        ("namespace:ground_berths:sum", "recording", "ok"),
        ("GroundFull", "alerting", "ok"),
    ]
    fired = eventually(lambda: prometheus.alerts(url), SECONDS, "the alert fires")
    assert [(each["labels"]["namespace"], each["state"], each["annotations"]["summary"]) for each in fired] == [
        ("bank", "firing", "bank has 7 taken")
    ]


def test_targets(url: str, scraped: Target) -> None:
    """Every target says how it is, and how often it is scraped."""
    (found,) = eventually(
        lambda: [each for each in prometheus.targets(url) if each["health"] == "up"], SECONDS, "it is up"
    )
    assert (found["scrapeInterval"], found["labels"]["pier"]) == ("1s", "west")
    assert scraped.address in found["scrapeUrl"]


def test_error_is_its_own(url: str) -> None:
    """What Prometheus complains about reaches the caller."""
    with pytest.raises(PrometheusError, match=r"bad_data: .*parse error: unclosed left parenthesis"):
        prometheus.query(url, "sum(up")


def test_start_again_stop(tmp_path: Path, scraped: Target) -> None:
    """A second start changes nothing; a bad rule file is named; it ends with its cluster and leaves no process."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("groups: [{name: x, rules: [{record: a:b, expr: 'sum('}]}]")
    with cluster.throwaway(folder=tmp_path) as made:
        with pytest.raises(
            cluster.ClusterError, match=r"(?s)prometheus did not become ready.*unclosed left parenthesis"
        ):
            prometheus.start(made, [scraped], rules=[bad])
        assert prometheus.find(made) is None
        url = prometheus.start(made, [scraped])
        assert prometheus.start(made, []) == url == prometheus.find(made)
        pid = parts.component(made.workdir, prometheus.NAME).pid
        prometheus.stop(made)
        assert prometheus.find(made) is None
        assert not Path(f"/proc/{pid}").exists()
        url = prometheus.start(made, [scraped])
        pid = parts.component(made.workdir, prometheus.NAME).pid
    assert not prometheus.ready(url)
    assert pid is not None


def test_promtool_metrics() -> None:
    """A sound exposition passes; a counter without _total, or a metric without help, does not."""
    exposition = generate_latest(exporter.metrics()).decode()
    prometheus.check_metrics(exposition)
    with pytest.raises(PromtoolError, match="counter metrics should have"):
        prometheus.check_metrics(exposition.replace("ground_visits_total", "ground_visits"))
    with pytest.raises(PromtoolError, match="no help text"):
        prometheus.check_metrics(exposition.replace("# HELP ground_berths Berths by what they are.\n", ""))


def test_promtool_rules(rules: Path, tmp_path: Path) -> None:
    """Sound rules pass their tests; a rule that does not parse, one that is there twice and a wrong test do not."""
    prometheus.check_rules(rules)
    group = RULES["groups"][0]["rules"]
    twice = tmp_path / "twice.yaml"
    twice.write_text(yaml.safe_dump({"groups": [{"name": "twice", "rules": [group[0], group[0]]}]}))
    with pytest.raises(PromtoolError, match="duplicate rule"):
        prometheus.check_rules(twice)
    tests = tmp_path / "tests.yaml"
    tests.write_text(rule_tests(rules, {"namespace": "bank", "severity": "warning", "state": "taken"}))
    prometheus.run_rule_tests(tests)
    tests.write_text(rule_tests(rules, {"namespace": "shop", "severity": "warning", "state": "taken"}))
    with pytest.raises(PromtoolError, match=r'(?s)exp:.*namespace="shop".*got:.*namespace="bank"'):
        prometheus.run_rule_tests(tests)


def rule_tests(rules: Path, labels: dict[str, str]) -> str:
    """Return a unit test that expects the alert with these labels."""
    expected = {"exp_labels": labels, "exp_annotations": {"summary": "bank has 7 taken"}}
    series = [{"series": 'ground_berths{namespace="bank",state="taken"}', "values": "7 7 7"}]
    alert = {"alertname": "GroundFull", "eval_time": "1m", "exp_alerts": [expected]}
    return yaml.safe_dump(
        {"rule_files": [str(rules)], "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": [alert]}]}
    )
