"""What others add to Berth's objects: the chart's table, and each row as an object to write."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from admission import bodies
from admission.attempts import merged
from admission.bodies import DISK, MARKED
from ground.api import Json
from ground.chart import CHART
from scenarios.kinds import DATA_VOLUME, POD, VM, VMI, Kind

_TABLE: Final = CHART / "files" / "additions.yaml"
_BLANK: Final[Json] = {"source": {"blank": {}}, "storage": {"resources": {"requests": {"storage": "1Gi"}}}}
_OBJECTS: Final[dict[str, tuple[Kind, str, Json]]] = {
    "kubevirt.io/virtualmachines": (VM, "web", bodies.machine(MARKED, bodies.owned())),
    "kubevirt.io/virtualmachineinstances": (VMI, "erp", {"metadata": {"labels": MARKED}, "spec": bodies.instance()}),
    "cdi.kubevirt.io/datavolumes": (DATA_VOLUME, "web-root", {**bodies.data_volume(DISK), "spec": _BLANK}),
    "pods": (POD, "web-x", bodies.pod(labels=MARKED)),
}
VALUES: Final[dict[str, object]] = {
    "level": "s0:c1,c2",
    "utilityVolumes": [{"name": "backup", "claimName": "backup"}],
    "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}],
}
HEAD: Final = ("Object", "Field", "At", "By", "Since", "Source", "Purpose")
BY: Final = {"berth": "webhook, in the operator's request", "kubevirt": "account of KubeVirt"}


@dataclass(frozen=True)
class Addition:
    """One row: `key` of `field` of a resource."""

    resource: str
    field: str
    key: str
    operations: tuple[str, ...]
    by: str
    since: str
    source: str
    purpose: str

    @property
    def kind(self) -> Kind:
        """The kind of the object."""
        return _OBJECTS[self.resource][0]

    @property
    def name(self) -> str:
        """The name of the object."""
        return _OBJECTS[self.resource][1]

    def patch(self, key: str = "") -> Json:
        """Return a merge patch that makes the addition, or adds another key in its place."""
        key = key or self.key
        added: Json = {key: VALUES.get(key, "v")}
        for part in reversed(self.field.split(".")):
            added = {part: added}
        return added

    def body(self, key: str = "") -> Json:
        """Return an object of Workload web with the addition, or with another key in its place."""
        return merged(_OBJECTS[self.resource][2], self.patch(key))


def table() -> list[Addition]:
    """Return all rows."""
    rows = yaml.safe_load(_TABLE.read_text())
    return [Addition(**{**row, "operations": tuple(row["operations"])}) for row in rows]


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows as docs/reference/admission.md shows them."""
    for each in table():
        place = f"`{each.field}`: `{each.key}`"
        yield (
            f"`{each.resource}`",
            place,
            ", ".join(each.operations),
            BY[each.by],
            each.since,
            each.source,
            each.purpose,
        )
