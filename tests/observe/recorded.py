"""What KubeVirt's controllers were seen to write, object by object, played to a Workload's status.

The recording (`../shared/kubevirt-real/timelines.jsonl`, or the file that `TIMELINES` names) has one observation a line: `t`
seconds, `k` kind, `n` namespace/name, `conds` as `Type=Status[Reason] message`, and some fields of the status.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from berth.api.meta import CLASS_LABEL, DISK_LABEL, WORKLOAD_LABEL
from berth.observe.model import Scene, Status
from berth.observe.status import compute_status
from berth.world import children
from berth.world.records import ChildRecord
from observe.scenes import MACHINE, NOW, a_scene
from plan.records import stored, wanted
from render.specs import Json
from world.raws import Raw

ROOT = Path(__file__).resolve().parents[2]
TIMELINES = Path(os.environ.get("TIMELINES", ROOT.parent / "shared" / "kubevirt-real" / "timelines.jsonl"))

_SAID = re.compile(
    r"(?P<type>[^=]+)=(?P<status>True|False|Unknown)(?:\[(?P<reason>[^\]]*)\])?(?: (?P<message>.*))?", re.DOTALL
)
_STATUS = ("printableStatus", "created", "ready", "observedGeneration", "desiredGeneration", "phase", "nodeName")
_COUNTS = ("replicas", "readyReplicas", "progress")
_SHORT = {"VirtualMachine": "VM", "VirtualMachinePool": "POOL", "DataVolume": "DV"}
"""Kinds of children that were recorded."""
_KINDS = frozenset({*_SHORT.values(), "VMI", "POD"})

Seen = dict[tuple[str, str], Raw]
"""The last observation of each object, by kind and name."""


@dataclass(frozen=True, slots=True)
class Played:
    """One Workload whose objects were recorded."""

    spec: Json
    """While its machine is to run."""
    names: str = ""
    """A part of the names of its objects, where others were recorded in the same namespace."""
    halts: bool = False
    """Whether it was the Workload that halted the machine."""

    def statuses(self, namespace: str) -> Iterator[Status]:
        """Yield what the Workload tells after each observation in a namespace."""
        seen: Seen = {}
        for row in observations(namespace, self.names):
            if row.get("DELETED"):
                seen.pop((row["k"], row["n"]), None)
            else:
                seen[row["k"], row["n"]] = row
            yield compute_status(self._scene(seen), {}, NOW)

    def _scene(self, seen: Seen) -> Scene:
        halted = self.halts and any(row.get("spec.runStrategy") == "Halted" for row in _of(seen, "VM"))
        spec = self.spec | ({"replicas": 0} if halted else {})
        return a_scene(
            spec,
            catalog=(MACHINE,),
            children=tuple(_children(spec, seen)),
            machines=tuple(children.machine(_raw(row, "VirtualMachineInstance")) for row in _of(seen, "VMI")),
            pods=tuple(children.pod(_raw(row, "Pod", launcher=True)) for row in _of(seen, "POD")),
        )


def _of(seen: Seen, kind: str) -> list[Raw]:
    return [row for (each, _), row in sorted(seen.items()) if each == kind]


def _children(spec: Json, seen: Seen) -> Iterator[ChildRecord]:
    """Yield what was rendered, with the status of what was recorded, and the machines of a pool."""
    for child in wanted(spec, MACHINE):
        made, kind = stored(child, created=NOW), _SHORT.get(child.kind)
        rows = _of(seen, kind) if kind else []
        if kind is None:
            yield made
        elif rows:
            told = children.child(_raw(rows[0], child.kind, name=child.name))
            yield replace(told, uid=made.uid, owner_uid=made.owner_uid, content=made.content)
        if rows and kind == "POOL":
            yield from (
                replace(children.child(_raw(row, "VirtualMachine")), owner_uid=made.uid) for row in _of(seen, "VM")
            )


def observations(namespace: str, names: str = "") -> Iterator[Raw]:
    """Yield what was recorded of the objects in a namespace whose names contain a text, in the order of time."""
    for line in TIMELINES.read_text(encoding="utf-8").splitlines():
        row = orjson.loads(line)
        place, name = row["n"].split("/")
        if place == namespace and names in name and row["k"] in _KINDS:
            yield row


def namespaces() -> list[str]:
    """Return the namespaces of the recording in which there was a machine; none where there is no recording."""
    rows = map(orjson.loads, TIMELINES.read_text(encoding="utf-8").splitlines()) if TIMELINES.exists() else ()
    return sorted({row["n"].split("/")[0] for row in rows if row["k"] == "VM"})


def _raw(row: Raw, kind: str, *, name: str = "", launcher: bool = False) -> Raw:
    """Return the object of an observation, as the API server sends it."""
    meta: dict[str, Any] = {
        "namespace": "shop",
        "name": name or row["n"].split("/")[1],
        "uid": row["n"],
        "resourceVersion": "1",
        "generation": row.get("gen", 1),
        "creationTimestamp": "2026-03-01T10:00:00Z",
        "labels": {WORKLOAD_LABEL: "web", DISK_LABEL: "web", CLASS_LABEL: "vm"}
        | ({"kubevirt.io": "virt-launcher"} if launcher else {}),
    }
    if row.get("deleting"):
        meta["deletionTimestamp"] = meta["creationTimestamp"]
    status = {name: row[name] for name in (*_STATUS, *_COUNTS) if name in row}
    status["conditions"] = [_condition(each) for each in row["conds"]]
    return {"kind": kind, "metadata": meta, "spec": {}, "status": status}


def _condition(said: str) -> Raw:
    found = _SAID.fullmatch(said)
    assert found is not None, said
    return {name: text or "" for name, text in found.groupdict().items()}
