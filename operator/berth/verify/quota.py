"""The ResourceQuota of a tenant, the one object that Berth writes for no Workload."""

from typing import Any, Final

from berth.api.meta import API_VERSION, DESIRED_HASH_ANNOTATION, FIELD_MANAGER, MANAGED_BY_LABEL, TENANT_LABEL
from berth.verify.metadata import NOT_OURS, is_hash
from berth.verify.model import QuotaBounds
from berth.verify.rules import Rule
from berth.verify.table import Table, allow, always, exactly, inside, table


def _labels(bounds: QuotaBounds) -> dict[str, str]:
    return {MANAGED_BY_LABEL: FIELD_MANAGER, TENANT_LABEL: bounds.tenant}


def _owners(bounds: QuotaBounds) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "Tenant",
            "name": bounds.tenant,
            "uid": bounds.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


_METADATA: Final = table(
    {
        "name": exactly(Rule.IDENTITY, lambda bounds: bounds.name),
        "namespace": exactly(Rule.NAMESPACE, lambda bounds: bounds.namespace),
        "labels": exactly(Rule.LABELS, _labels),
        "annotations": inside(table({DESIRED_HASH_ANNOTATION: allow(is_hash)}, unknown=Rule.ANNOTATIONS)),
        "ownerReferences": exactly(Rule.OWNER, _owners),
    },
    deny=NOT_OURS,
)
_SPEC: Final = table(
    {"hard": exactly(Rule.RESOURCES, lambda bounds: dict(bounds.hard))},
    deny={Rule.RESOURCES: ("scopes", "scopeSelector")},
)

RESOURCE_QUOTA: Final[Table] = table(
    {
        "apiVersion": always(Rule.KIND, "v1"),
        "kind": always(Rule.KIND, "ResourceQuota"),
        "metadata": inside(_METADATA, "is missing: set name, labels and owner"),
        "spec": inside(_SPEC, "is missing: set the amounts of the tenant"),
    },
    deny={Rule.NOT_WRITTEN: ("status",)},
)
