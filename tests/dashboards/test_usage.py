"""What a Workload uses is shown as kubelets tell it: in every runtime, from either endpoint, once, and of no other one.

The figures are those of a real kubelet (recorded/README.md); the queries are those of the dashboard, put to promtool.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.samples import Sample

from dashboards.replay import MINUTES, Series, asked, samples, steps, tried, written
from dashboards.test_dashboards import BESIDE
from dashboards.usage import GUEST_CPU, GUEST_MEMORY, POD_CPU, POD_MEMORY, SANDBOX_MEMORY

RECORDED: Final = Path(__file__).parent / "recorded"
RUNTIMES: Final = ("runc", "gvisor", "userns")
MEMORY: Final = {"runc": 5361664, "gvisor": 45490176, "userns": 5029888}
CPU_SECONDS: Final = {"runc": 0.227658702, "gvisor": 1.876575653, "userns": 0.225070726}
SCRAPES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "resource": (("resource", "a"),),
    "cadvisor": (("cadvisor", "a"),),
    "both": (("resource", "a"), ("cadvisor", "a")),
    "twice": (("resource", "a"), ("cadvisor", "a"), ("resource", "b"), ("cadvisor", "b")),
}
"""What is scraped, and by whom."""
ALIKE: Final = ("{}-uid-7595958d85-kwknt", "{}-abc12-xyz34", "{}-7595958d85-kwknt-0-xyz34", "virt-launcher-{}-1-x7x2p")
"""Pods of Workloads whose names begin alike."""


def recorded(endpoint: str) -> Iterator[Sample]:
    """Yield what was recorded of an endpoint."""
    return samples((RECORDED / f"{endpoint}.txt").read_text())


def series(scrapes: tuple[tuple[str, str], ...]) -> Series:
    """Return what Prometheus has of these scrapes, with pods of others beside each that was recorded."""
    found: Series = {}
    for endpoint, scraper in scrapes:
        for each in recorded(endpoint):
            pod = each.labels.get("pod", "")
            for name in {pod, *(alike.format(pod.partition("-")[0]) for alike in ALIKE if pod)}:
                labels = each.labels | {"pod": name, "instance": scraper, "metrics_path": f"/metrics/{endpoint}"}
                found[written(each.name, labels)] = steps(each)
    return found


def owned() -> Series:
    """Return what Berth says of whose the recorded pods are; each Workload is named after its runtime."""
    pods = sorted({each.labels["pod"] for each in recorded("resource")})
    labels = ({"namespace": "demo", "workload": pod.partition("-")[0], "pod": pod} for pod in pods)
    return {written("berth_workload_pod_info", each): f"1x{MINUTES}" for each in labels}


@pytest.mark.ground
@pytest.mark.parametrize("scrapes", SCRAPES)
def test_a_pod_counts_whole_and_once_in_every_runtime_and_no_other_with_it(tmp_path: Path, scrapes: str) -> None:
    wanted: dict[str, float | None] = {asked(POD_MEMORY, "demo", each): MEMORY[each] for each in RUNTIMES}
    wanted |= {asked(POD_CPU, "demo", each): round(CPU_SECONDS[each] / MINUTES / 60, 6) for each in RUNTIMES}
    tried(tmp_path, series(SCRAPES[scrapes]) | owned(), wanted)


@pytest.mark.ground
@pytest.mark.parametrize(
    ("scrapes", "told"), [("resource", True), ("cadvisor", False), ("both", True), ("twice", True)]
)
def test_what_isolation_takes_is_what_no_container_has(tmp_path: Path, scrapes: str, *, told: bool) -> None:
    """It is told by one endpoint only: nothing is better than the whole pod, which the other one would make of it."""
    taken = {"gvisor": 45490176 - 8241152 - 7507968, "runc": 5361664 - 2650112 - 1458176}
    wanted = {asked(SANDBOX_MEMORY, "demo", each): value if told else None for each, value in taken.items()}
    tried(tmp_path, series(SCRAPES[scrapes]) | owned(), wanted)


@pytest.mark.ground
def test_guests_are_those_of_the_workload(tmp_path: Path) -> None:
    names = {"web": "web", "web-0": "web-0", "web-uid": "web-uid"}
    given = {written("berth_workload_vmi_info", {"namespace": "demo", "workload": one, "name": name}): f"1x{MINUTES}" for one, name in names.items()}  # fmt: skip
    for number, name in enumerate(names.values(), start=1):
        labels = {"namespace": "demo", "name": name}
        given[written("kubevirt_vmi_cpu_usage_seconds_total", labels)] = f"0+{60 * number}x{MINUTES}"
        given[written("kubevirt_vmi_memory_resident_bytes", labels)] = f"{1024 * number}x{MINUTES}"
    tried(tmp_path, given, {asked(GUEST_CPU, "demo", "web"): 1, asked(GUEST_MEMORY, "demo", "web"): 1024})


@pytest.mark.ground
def test_nothing_is_shown_of_pods_that_nobody_tells_of(tmp_path: Path) -> None:
    tried(
        tmp_path,
        series(SCRAPES["both"]),
        {asked(POD_MEMORY, "demo", "runc"): None, asked(POD_CPU, "demo", "runc"): None},
    )


def test_both_endpoints_read_a_whole_pod_alike_and_single_containers_of_a_sandbox_differently() -> None:
    """What the queries stand on: if this fails with a newer recording, they are to be thought over."""
    told = {
        (each.name, each.labels["pod"]): each.value for each in recorded("resource") if each.name.startswith("pod_")
    }
    whole = [each for each in recorded("cadvisor") if each.labels["pod"] and not each.labels["image"]]
    read = {(each.name.replace("container_", "pod_"), each.labels["pod"]): each.value for each in whole}
    assert told == read
    assert len(read) == len(whole) == 2 * len(RUNTIMES)
    sandboxed = [
        each for each in recorded("cadvisor") if each.labels["pod"].startswith("gvisor") and each.labels["container"]
    ]
    assert {(each.name, each.value) for each in sandboxed} == {("container_memory_working_set_bytes", 0)}
    assert not any("id" in each.labels for each in recorded("resource"))


def test_labels_that_the_dashboards_may_name_were_recorded() -> None:
    known: dict[str, set[str]] = {}
    for endpoint in ("resource", "cadvisor"):
        for each in recorded(endpoint):
            known.setdefault(each.name, set()).update(each.labels)
    assert known.keys() <= BESIDE.keys()
    assert {name: set(BESIDE[name]) - labels for name, labels in known.items() if set(BESIDE[name]) - labels} == {}
