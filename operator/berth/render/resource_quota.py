"""The ResourceQuota in every namespace of a tenant with a quota: the last net, should Berth ever grant too much.

It is twice the tenant's quota: KubeVirt charges a machine twice while it migrates, CDI a disk while it fills it, and a
Deployment has some pods too many while it rolls over. It says nothing of limits: a quota of `limits.memory` would make
KubeVirt double what machines ask for. Nor does it count machines, whose memory it counts anyhow: right after KubeVirt
was installed such a quota would refuse them all. Berth's own ledger is what holds.
"""

from typing import Final

from berth.api.meta import API_VERSION, FIELD_MANAGER, MANAGED_BY_LABEL, TENANT_LABEL
from berth.api.quantity import amount, format_cpu, format_memory, millicores
from berth.api.tenant import Quota
from berth.render.fields import canonical
from berth.render.metadata import child
from berth.render.model import Child

NAME: Final = "berth"
"""Name of the ResourceQuota in each namespace."""

_NET: Final = 2


def hard_of(quota: Quota | None) -> dict[str, str]:
    """Return the amounts of the net, as the API server writes them; none where the tenant has no quota."""
    if quota is None:
        return {}
    given = {
        "requests.cpu": None if quota.cpu is None else format_cpu(_NET * millicores(quota.cpu)),
        "requests.memory": None if quota.memory is None else format_memory(_NET * amount(quota.memory)),
        "requests.storage": None if quota.storage is None else format_memory(_NET * amount(quota.storage)),
        "count/workloads.berth.dev": None if quota.workloads is None else str(_NET * quota.workloads),
    }
    return {name: canonical(value) for name, value in given.items() if value is not None}


def resource_quota(tenant: str, uid: str, namespace: str, hard: dict[str, str]) -> Child:
    """Return the net of one namespace; the Tenant owns it."""
    owner = {
        "apiVersion": API_VERSION,
        "kind": "Tenant",
        "name": tenant,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return child(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {
                "name": NAME,
                "namespace": namespace,
                "labels": {TENANT_LABEL: tenant, MANAGED_BY_LABEL: FIELD_MANAGER},
                "annotations": {},
                "ownerReferences": [owner],
            },
            "spec": {"hard": hard},
        }
    )
