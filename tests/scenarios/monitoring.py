"""Prometheus' account, and the rights that the chart gives for secure metrics."""

import yaml

from ground import chart, cluster, identity
from ground.cluster import Cluster
from scenarios import objects
from scenarios.kinds import NAMESPACE, Kind

WHERE = "monitoring"
SECURE = (
    "--set",
    "metrics.secure=true",
    "--set",
    f"metrics.readers[0].name=prometheus,metrics.readers[0].namespace={WHERE}",
)
ACCOUNT = Kind("ServiceAccount", "v1", "serviceaccounts")


def secured(found: Cluster) -> str:
    """Apply the chart's rights for secure metrics; return a token of the account that may scrape."""
    if not objects.get(found, NAMESPACE, "", WHERE):
        objects.put(found, NAMESPACE, "", {"metadata": {"name": WHERE}})
    rights = [
        each
        for each in chart.texts("ClusterRole", "ClusterRoleBinding", source=chart.render(*SECURE))
        if "\n  name: berth-metrics-" in each
    ]
    cluster.kubectl(found, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=chart.joined(rights))
    return token(found, "prometheus")


def token(found: Cluster, account: str) -> str:
    """Return a token of a ServiceAccount beside Prometheus, which is made if need be."""
    objects.put(found, ACCOUNT, WHERE, {"metadata": {"name": account}})
    written = identity.kubeconfig_for(found, WHERE, account, found.workdir / f"{account}.yaml")
    content = yaml.safe_load(written.read_text())
    return str(content["users"][0]["user"]["token"])
