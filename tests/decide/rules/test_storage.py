"""The disks exist and may be used by this backend, by as many replicas as there can be."""

from dataclasses import replace

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClaimAsk, ClassFacts, Outcome
from berth.decide.rules.storage import storage
from decide.builders import LINUX_VM, a_machine, an_ask, machines, pods

RWO = ClaimAsk("data", found=True, access_modes=("ReadWriteOnce",))
RWOP = replace(RWO, access_modes=("ReadWriteOncePod",))
RWX = replace(RWO, access_modes=("ReadWriteMany",))
ROX = replace(RWO, access_modes=("ReadOnlyMany",))
BLOCK = replace(RWX, block=True)
GONE = ClaimAsk("data", found=False)
DISK = replace(RWX, by_container=False, by_machine=True)
CLONED = replace(LINUX_VM, boots_from="dataSource")


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (an_ask(), pods()),
        (an_ask(claims=(RWO,)), pods()),
        (an_ask(claims=(RWOP,), replicas=1), pods()),
        (an_ask(claims=(RWX,), replicas=3), pods()),
        (an_ask(claims=(ROX,), replicas=3), pods()),
        (an_ask(claims=(replace(BLOCK, by_container=False),)), pods()),
        (a_machine(claims=(DISK, replace(DISK, block=True))), machines()),
        (a_machine(replicas=5), machines()),
        (an_ask(), machines()),
    ],
    ids=["none", "RWO", "RWOP", "RWX", "ROX", "block of the machine", "disks", "machines without disks", "no machine"],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert storage(ask, facts) is None


@pytest.mark.parametrize(
    ("ask", "facts", "says"),
    [
        (an_ask(claims=(BLOCK,)), pods(), "raw block device"),
        (an_ask(claims=(RWOP,), replicas=2), pods(), "2 replicas cannot share PersistentVolumeClaim data"),
        (an_ask(claims=(RWO,), replicas=2), pods(), "use a ReadWriteMany claim"),
        (an_ask(claims=(RWO,), replicas=1, max_replicas=4), pods(), "4 replicas"),
        (a_machine(claims=(DISK,), replicas=2), machines(), "2 replicas of a machine cannot share disks"),
        (a_machine(machine=CLONED, replicas=2), machines(), "cannot share disks"),
        (a_machine(machine=replace(LINUX_VM, cloned_disks=1), replicas=2), machines(), "cannot share disks"),
    ],
    ids=["block", "RWOP", "RWO", "RWO that may scale", "disk", "boot disk", "cloned disk"],
)
def test_refuses_for_good(ask: Ask, facts: ClassFacts, says: str) -> None:
    verdict = storage(ask, facts)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.MISCONFIGURED)
    assert says in verdict.message


@pytest.mark.parametrize(
    ("ask", "facts"),
    [(an_ask(claims=(GONE,), replicas=3), pods()), (a_machine(claims=(replace(GONE, by_machine=True),)), machines())],
    ids=["pods", "machine"],
)
def test_a_missing_claim_may_still_come(ask: Ask, facts: ClassFacts) -> None:
    verdict = storage(ask, facts)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.VOLUME_MISSING)
