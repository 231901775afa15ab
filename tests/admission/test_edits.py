"""Platform admins may edit what Berth keeps, and are told that it is put back."""

import orjson
import pytest
import urllib3

from admission.attempts import kubeconfig
from admission.people import DEPLOYMENTS, OPERATOR, PLATFORM
from admission.world import TEAM
from ground.api import MERGE, Json, connection
from ground.cluster import Cluster
from scenarios.kinds import DEPLOYMENT, POOL, SERVICE, VM, Kind

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

SCALED: Json = {"spec": {"replicas": 9}}
NOTED: Json = {"metadata": {"annotations": {"note": "ours"}}}
EDITS: list[tuple[Kind, str, Json]] = [
    (VM, "erp", {"spec": {"runStrategy": "Halted"}}),
    (POOL, "herd", SCALED),
    (DEPLOYMENT, "web", SCALED),
    (SERVICE, "web", {"spec": {"sessionAffinity": "ClientIP"}}),
]


def warnings(cluster: Cluster, who: str, kind: Kind, name: str, patch: Json) -> list[str]:
    """Return the warnings with which the API server takes a merge patch that is not stored."""
    reached = connection(kubeconfig(cluster, who))
    pool = urllib3.PoolManager(ssl_context=reached.tls)
    where = f"{reached.server}{kind.path(TEAM, name)}?dryRun=All"
    headers = {**reached.headers, "Content-Type": MERGE}
    answer = pool.request("PATCH", where, body=orjson.dumps(patch), headers=headers)
    assert answer.status == 200, answer.data
    return answer.headers.getlist("Warning")


@pytest.mark.parametrize(("kind", "name", "patch"), EDITS)
def test_an_admin_is_told_that_an_edit_is_put_back(cluster: Cluster, kind: Kind, name: str, patch: Json) -> None:
    [said] = warnings(cluster, PLATFORM, kind, name, patch)
    assert f"{kind.plural} team/{name} belongs to Workload {name}: the operator puts back within seconds" in said
    assert "Change the Workload (workloads.berth.dev) instead" in said


@pytest.mark.parametrize(
    ("who", "kind", "name", "patch"),
    [
        (PLATFORM, VM, "erp", NOTED),
        (PLATFORM, DEPLOYMENT, "own", SCALED),
        (OPERATOR, VM, "erp", {"spec": {"runStrategy": "Halted"}}),
        (DEPLOYMENTS, DEPLOYMENT, "web", NOTED),
    ],
)
def test_nobody_is_told_who_undoes_nothing(cluster: Cluster, who: str, kind: Kind, name: str, patch: Json) -> None:
    assert warnings(cluster, who, kind, name, patch) == []
