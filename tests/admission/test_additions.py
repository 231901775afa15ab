"""What KubeVirt and CDI add to Berth's objects passes; the same from others, and what is next to it, does not."""

import pytest

from admission.additions import Addition, table
from admission.attempts import ALLOWED, Attempt, answer, check
from admission.people import CDI, DEVELOPER, KUBEVIRT, OPERATOR, REPLICA_SETS
from admission.world import LAB, TEAM
from ground.cluster import Cluster

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

ACCOUNTS = {"berth": OPERATOR, "kubevirt": KUBEVIRT}
# Who judges an addition of an object by whom, and what the refusal of its neighbour has in it.
JUDGES = {
    ("berth", "kubevirt.io/virtualmachines"): ("berth-operator", "is none that it sets. Remove it"),
    ("berth", "cdi.kubevirt.io/datavolumes"): ("berth-operator", "is none that it sets. Remove it"),
    ("kubevirt", "pods"): ("berth-restricted-pods", "seLinuxOptions"),
    ("kubevirt", "kubevirt.io/virtualmachines"): ("berth-machine-actions", "KubeVirt must not change"),
    ("kubevirt", "kubevirt.io/virtualmachineinstances"): (
        "berth-restricted-machines",
        "Machines of a Workload stay within",
    ),
}
NEIGHBOURS = {
    # Another key of the same field, where a made-up one would be pruned.
    "spec": "resourceClaims",
    "spec.securityContext.seLinuxOptions": "user",
    "spec.template.spec.domain.firmware": "serial",
}
EXISTING = {"kubevirt.io/virtualmachines": "bare", "kubevirt.io/virtualmachineinstances": "erp"}
OTHERS = {"CREATE": REPLICA_SETS, "UPDATE": CDI}


def attempt(row: Addition, operation: str, who: str, key: str = "", says: str = "") -> Attempt:
    """Return one request that adds: new objects are made in one namespace, in another one there are some."""
    verb, where = ("create", LAB) if operation == "CREATE" else ("merge-patch", TEAM)
    body = row.body(key) if operation == "CREATE" else row.patch(key)
    name = row.name if operation == "CREATE" else EXISTING[row.resource]
    policy = JUDGES[row.by, row.resource][0]
    return Attempt(who, verb, row.kind, where, name, body, says, note=key or row.key, policy=policy)


def neighbour(row: Addition) -> str:
    """Return a key that the table does not have, beside one that it has."""
    return NEIGHBOURS.get(row.field, f"{row.key}-2")


ROWS = [(row, operation) for row in table() for operation in row.operations]
ADDED = [attempt(row, operation, ACCOUNTS[row.by]) for row, operation in ROWS]
BESIDE = [
    attempt(row, operation, ACCOUNTS[row.by], neighbour(row), JUDGES[row.by, row.resource][1])
    for row, operation in ROWS
]
BY_OTHERS = [
    attempt(row, operation, OTHERS[operation], says=JUDGES[row.by, row.resource][1])
    for row, operation in ROWS
    if row.by == "kubevirt"
]


@pytest.mark.parametrize("case", [*ADDED, *BESIDE, *BY_OTHERS], ids=str)
def test_what_the_table_lists_passes_from_whom_it_lists_alone(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)


@pytest.mark.parametrize(("row", "operation"), ROWS)
def test_a_tenant_adds_nothing(cluster: Cluster, row: Addition, operation: str) -> None:
    assert answer(cluster, attempt(row, operation, DEVELOPER)) != ALLOWED
