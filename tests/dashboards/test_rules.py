"""Every alert fires when it should, says what it should, and stays quiet otherwise: by promtool's unit tests of rules."""

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from dashboards.panels import RUNBOOKS
from dashboards.rules import ALERTS, RECORDED, text
from ground import berth, prometheus
from ground.api import Json

PAGES = berth.REPOSITORY / "docs" / "runbooks"
SHOP = {"tenant": "acme", "namespace": "shop"}
ONE = {"job": "berth", "instance": "a"}
LEADS = 'leader_election_master_status{job="berth",instance="a",name="berth"}'
BELOW = 'berth_workloads_below_required{tenant="acme",namespace="shop"}'
UNPLACED = 'berth_workloads{tenant="acme",namespace="shop",class="",level="",backend="",reason="%s"}'
KATA = 'berth_class_available{class="kata",level="Virtualized",backend="Pod",reason="%s"}'
IN_KATA = (
    'berth_workloads{tenant="acme",namespace="shop",class="kata",level="Virtualized",backend="Pod",reason="Running"}'
)
USED = 'berth_quota_used{tenant="acme",resource="cpu",part="%s"}'
LIMIT = 'berth_quota_limit{tenant="acme",resource="cpu"}'
MOVING = 'berth_switch_start_timestamp_seconds{tenant="acme",namespace="shop",workload="web"}'
ERRORS = 'controller_runtime_reconcile_errors_total{job="berth",instance="a",controller="berth-workload"}'
PASSES = 'controller_runtime_reconcile_total{job="berth",instance="a",controller="berth-workload",result="%s"}'
DEPTH = 'workqueue_depth{job="berth",instance="a",name="berth-workload"}'
WATCH = 'berth_watch_last_activity_timestamp_seconds{job="berth",instance="a",resource="pods"}'
CERTIFICATE = 'berth_certificate_expiry_timestamp_seconds{job="berth",instance="a",certificate="metrics"}'


class Case(NamedTuple):
    """Series as promtool writes them, the minute of the look, and the alert that is there then, if any."""

    alert: str
    series: dict[str, str]
    minute: int
    labels: dict[str, str] | None = None
    says: str = ""


def until(days: float) -> str:
    """Return a time stamp so many days after the beginning of promtool's time."""
    return f"{days * 86400:.0f}x200"


def waiver(days: float, active: int = 1, spared: int = 2) -> dict[str, str]:
    """Return the series of one Waiver."""
    label = '{waiver="w"}'
    return {
        f"berth_waiver_active{label}": f"{active}x200",
        f"berth_waiver_workloads{label}": f"{spared}x200",
        f"berth_waiver_expiry_timestamp_seconds{label}": until(days),
    }


FIRING = (
    Case(
        "BerthIsolationBelowRequired",
        {BELOW: "1x20"},
        6,
        SHOP,
        "1 Workloads in namespace shop run below what is required, and could not be moved.",
    ),
    Case(
        "BerthWorkloadsUnplaced",
        {UNPLACED % "NoCapableNode": "2x30"},
        16,
        SHOP | {"reason": "NoCapableNode"},
        "2 Workloads in namespace shop have no class: NoCapableNode.",
    ),
    Case(
        "BerthClassLost",
        {KATA % "NoCapableNode": "0x20", IN_KATA: "3x20"},
        6,
        {"class": "kata", "reason": "NoCapableNode"},
        "Class kata cannot be run by this cluster: NoCapableNode. What runs there cannot start again.",
    ),
    Case(
        "BerthQuotaNearlyFull",
        {USED % "requested": "8x60", USED % "reserved": "1.5x60", LIMIT: "10x60"},
        32,
        {"tenant": "acme", "resource": "cpu"},
        "Tenant acme uses 95% of its cpu.",
    ),
    Case(
        "BerthSwitchStuck",
        {MOVING: "60x60"},
        40,
        {**SHOP, "workload": "web"},
        "workloads.berth.dev shop/web has been moving for 39m 0s, and takes resources of two classes.",
    ),
    Case(
        "BerthWaiverEndsSoon",
        waiver(2),
        10,
        {"waiver": "w"},
        "Waiver w ends in 1d 23h 50m 0s; the policies it spares from hold then.",
    ),
    Case(
        "BerthReconcileErrors",
        {ERRORS: "0+5x60", PASSES % "error": "0+5x60", PASSES % "success": "0+20x60"},
        25,
        {"controller": "berth-workload"},
        "20% of the passes of berth-workload fail.",
    ),
    Case(
        "BerthQueueNotDraining",
        {DEPTH: "40x60", LEADS: "1x60"},
        25,
        {**ONE, "name": "berth-workload"},
        "At least 40 keys have waited at a all the time: what changes takes effect late.",
    ),
    Case("BerthNoLeader", {LEADS: "0x20"}, 3, {}, "Nothing is placed, moved or put right. What runs goes on running."),
    Case(
        "BerthNoLeader",
        {BELOW: "0x20"},
        3,
        {"name": "berth"},
        "Nothing is placed, moved or put right. What runs goes on running.",
    ),
    Case("BerthWatchStale", {WATCH: "0x60"}, 22, {**ONE, "resource": "pods"}, "a heard of pods 22m 0s ago."),
    Case(
        "BerthCertificateExpires",
        {CERTIFICATE: until(5)},
        62,
        {"job": "berth", "certificate": "metrics"},
        "The certificate of metrics ends in 4d 22h 58m 0s.",
    ),
    Case(
        "BerthMetricsTruncated",
        {"berth_workload_series_truncated": "7x90"},
        62,
        {},
        "7 Workloads are counted in sums only; tables of Workloads are not complete.",
    ),
)
QUIET = (
    Case("BerthIsolationBelowRequired", {BELOW: "0x20"}, 20),
    Case("BerthIsolationBelowRequired", {BELOW: "1x3 0x20"}, 10),
    Case("BerthWorkloadsUnplaced", {UNPLACED % "WaitingForQuota": "2x30"}, 30),
    Case("BerthWorkloadsUnplaced", {IN_KATA: "2x30"}, 30),
    Case("BerthClassLost", {KATA % "": "1x20", IN_KATA: "3x20"}, 20),
    Case("BerthClassLost", {KATA % "NoCapableNode": "0x20"}, 20),
    Case("BerthQuotaNearlyFull", {USED % "requested": "8x60", LIMIT: "10x60"}, 60),
    Case("BerthQuotaNearlyFull", {USED % "requested": "8x60", LIMIT: "0x60"}, 60),
    Case("BerthSwitchStuck", {MOVING: "60x20"}, 30),
    Case("BerthWaiverEndsSoon", waiver(30), 10),
    Case("BerthWaiverEndsSoon", waiver(2, active=0), 10),
    Case("BerthWaiverEndsSoon", waiver(2, spared=0), 10),
    Case("BerthReconcileErrors", {ERRORS: "0+1x60", PASSES % "error": "0+1x60", PASSES % "success": "0+20x60"}, 60),
    Case("BerthQueueNotDraining", {DEPTH: "40x10 0 40x60", LEADS: "1x80"}, 20),
    Case("BerthQueueNotDraining", {DEPTH: "40x60", LEADS: "0x60"}, 60),
    Case("BerthNoLeader", {LEADS: "1x20"}, 20),
    Case("BerthWatchStale", {WATCH: "0+60x60"}, 60),
    Case("BerthCertificateExpires", {CERTIFICATE: until(60)}, 120),
    Case("BerthMetricsTruncated", {"berth_workload_series_truncated": "0x90"}, 90),
)


def as_promtool(case: Case) -> Json:
    """Return a case as promtool's unit test."""
    alert = next(each for each in ALERTS if each.name == case.alert)
    expected = {
        "exp_labels": {**(case.labels or {}), "severity": alert.severity},
        "exp_annotations": {
            "summary": alert.summary,
            "description": case.says,
            "runbook_url": f"{RUNBOOKS}/{alert.name}/",
        },
    }
    looked = {"eval_time": f"{case.minute}m", "alertname": case.alert, "exp_alerts": [expected] if case.says else []}
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    return {"interval": "1m", "input_series": series, "alert_rule_test": [looked]}


def tried(folder: Path, *cases: Case) -> None:
    """Let promtool run cases; raises PromtoolError."""
    (folder / "rules.yaml").write_text(text())
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "group_eval_order": ["berth.rules", "berth.alerts"],  # alerts by the recorded values of the same minute
        "tests": [as_promtool(each) for each in cases],
    }
    (folder / "tests.yaml").write_text(yaml.safe_dump(tests))
    prometheus.run_rule_tests(folder / "tests.yaml")


@pytest.mark.ground
def test_the_rules_are_what_prometheus_takes(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(text())
    prometheus.check_rules(tmp_path / "rules.yaml")


@pytest.mark.ground
@pytest.mark.parametrize("case", FIRING, ids=lambda case: case.alert)
def test_an_alert_fires_and_says_what_is_wrong(tmp_path: Path, case: Case) -> None:
    tried(tmp_path, case)


@pytest.mark.ground
@pytest.mark.parametrize("case", QUIET, ids=lambda case: case.alert)
def test_an_alert_stays_quiet_while_all_is_well(tmp_path: Path, case: Case) -> None:
    tried(tmp_path, case)


def test_every_alert_is_tried_both_ways() -> None:
    names = [alert.name for alert in ALERTS]
    assert {case.alert for case in FIRING} == {case.alert for case in QUIET} == set(names)
    assert len(names) == len(set(names))


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    pages = {page.stem for page in PAGES.glob("Berth*.md")}
    assert pages == {alert.name for alert in ALERTS}
    for page in PAGES.glob("Berth*.md"):
        headings = [line for line in page.read_text().splitlines() if line.startswith("## ")]
        assert headings == ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"], page


def test_recorded_names_say_level_metric_and_operation() -> None:
    assert all(len(name.split(":")) >= 3 and name.startswith("berth:") for name in RECORDED)
