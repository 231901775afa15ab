"""What KubeVirt refuses is ruled out, what it accepts is placed, and costs what its launcher requests."""

import os
from pathlib import Path

import pytest
import yaml

from berth.world import instancetypes
from kubevirt_real.verdicts import common, compare, difference

RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "kubevirt-real" / "verdicts.jsonl"
FILES = [Path(each) for each in os.environ.get("VERDICTS", str(RECORDED)).split(os.pathsep)]
REAL = os.environ.get("COMMON_INSTANCETYPES")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_berth_agrees_with_what_kubevirt_itself_said(path: Path) -> None:
    if not path.exists():
        pytest.skip(f"KubeVirt's recorded verdicts are not at hand: {path}")
    machines, differences = compare(path)
    assert machines
    assert differences == []


@pytest.mark.skipif(REAL is None, reason="COMMON_INSTANCETYPES names no folder with the real ones")
def test_the_table_of_common_instancetypes_says_what_the_real_ones_say() -> None:
    documents = [
        document
        for path in sorted(Path(str(REAL)).glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document
    ]
    sizes = [each for each in documents if each["kind"] == "VirtualMachineClusterInstancetype"]
    preferences = [each for each in documents if each["kind"] == "VirtualMachineClusterPreference"]
    assert {
        ("", each["metadata"]["name"]): instancetypes.instancetype(each) for each in sizes
    } == common().instancetypes
    assert {
        ("", each["metadata"]["name"]): instancetypes.preference(each) for each in preferences
    } == common().preferences


BOOT = {"bootDisk": {"containerDisk": {"image": "registry.example/disk:1"}}}
PLAIN = {"machine": BOOT, "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"verdict": "OK", "requests": {"cpu": "100m", "memory": "1280Mi"}}, None),
        ({"verdict": "OK", "requests": {"cpu": "100m", "memory": "1281Mi"}}, "the launcher requests"),
        ({"verdict": "no reason that is known"}, "KubeVirt refuses it"),
    ],
    ids=["agrees", "counts otherwise", "refused and placed"],
)
def test_a_difference_is_told(line: dict[str, object], words: str | None) -> None:
    found = difference(
        {"class": "vm", "spec": PLAIN, "stage": "OK", "requests": {"cpu": "100m", "memory": "1280Mi"}} | line
    )
    assert words is None if found is None else words is not None and words in found


def test_what_is_accepted_and_ruled_out_is_told() -> None:
    spec = {**PLAIN, "machine": BOOT | {"preference": "fedora"}}
    found = difference({"class": "vm", "spec": spec, "verdict": "OK", "requests": {}})
    assert found is not None
    assert "preference fedora requires 2Gi memory" in found
