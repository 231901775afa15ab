"""Disks that a machine makes can be made, and those that are there already are the ones that it asks for."""

from dataclasses import replace

import pytest

from berth.api.reasons import Reason
from berth.decide.model import KeptDisk, OriginAsk, Outcome, ResizedDisk
from berth.decide.rules.disks import disks
from decide.builders import a_machine, an_ask, machines, pods

OTHER = KeptDisk("DataVolume", "web-data", "blank", "pvc old")
FOREIGN = KeptDisk("PersistentVolumeClaim", "web-data", "blank")
FIXED = ResizedDisk("web-data", 10 << 30, 20 << 30, "fast", expands=False)
SMALLER = replace(FIXED, wanted=5 << 30, expands=True)


def test_disks_of_machines_are_nothing_to_pods() -> None:
    assert disks(an_ask(kept=(OTHER,)), pods()) is None
    assert disks(an_ask(kept=(OTHER,)), machines()) is None
    assert disks(a_machine(), machines()) is None


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        (OriginAsk("DataSource", "gold", found=False), "DataSource gold does not exist in the namespace"),
        (OriginAsk("DataSource", "gold", leads=False), "DataSource gold leads to no image yet: wait for its import"),
        (OriginAsk("PersistentVolumeClaim", "old", found=False), "PersistentVolumeClaim old does not exist"),
        (OriginAsk("StorageClass", "fast", found=False), "StorageClass fast of a disk does not exist: create it"),
        (OriginAsk("StorageClass", "", found=False), "the cluster has no default: set storageClassName, or annotate"),
    ],
    ids=["no DataSource", "no image", "no claim", "no class", "no default class"],
)
def test_what_a_disk_is_made_from_may_still_come(origin: OriginAsk, says: str) -> None:
    """CDI refuses such a disk, or waits for ever: the machine is not placed to wait for it (finding W9)."""
    verdict = disks(a_machine(origins=(origin,)), machines())
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.VOLUME_MISSING)
    assert says in verdict.message
    assert disks(a_machine(origins=(replace(origin, found=True, leads=True),)), machines()) is None


@pytest.mark.parametrize(
    ("disk", "says"),
    [
        (OTHER, "DataVolume web-data was made from pvc old and is kept, and the spec makes it from blank: give the"),
        (OTHER, "or delete DataVolume web-data and what it holds"),
        (FOREIGN, "give the disk, or for a boot disk the Workload, another name, use the claim as it is"),
    ],
    ids=["both sources", "the way out", "a claim of others"],
)
def test_another_disk_of_the_name_is_neither_used_nor_overwritten(disk: KeptDisk, says: str) -> None:
    """It heals when somebody deletes that one, and nothing happens until somebody does something."""
    verdict = disks(a_machine(kept=(disk,)), machines())
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.MISCONFIGURED)
    assert says in verdict.message


@pytest.mark.parametrize(
    ("disk", "outcome", "says"),
    [
        (SMALLER, Outcome.NEVER, "disk web-data has 10Gi and does not shrink to 5Gi: set its storage to 10Gi or more"),
        (FIXED, Outcome.NOT_NOW, "disk web-data has 10Gi and cannot grow to 20Gi, for StorageClass fast does not let"),
        (FIXED, Outcome.NOT_NOW, "have its allowVolumeExpansion set to true, or restore storage to 10Gi"),
        (replace(FIXED, storage_class=""), Outcome.NOT_NOW, "StorageClass (none) does not let claims grow"),
    ],
    ids=["smaller", "fixed", "the way out", "no class"],
)
def test_a_disk_grows_where_its_storage_class_lets_it_and_never_shrinks(
    disk: ResizedDisk, outcome: Outcome, says: str
) -> None:
    verdict = disks(a_machine(resized=(disk,)), machines())
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (outcome, Reason.MISCONFIGURED)
    assert says in verdict.message
    assert disks(a_machine(resized=(replace(disk, wanted=20 << 30, expands=True),)), machines()) is None
