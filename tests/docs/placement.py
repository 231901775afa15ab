"""The table of docs/placement.md: for each situation of placement.yaml where the Workload goes, by which rule, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from berth.api.meta import API_VERSION
from berth.decide.model import Decision
from berth.decide.rules import RULES
from docs.world import Name, Object, Site, World

SITUATIONS: Final = Path(__file__).with_name("placement.yaml")
HEAD: Final = ("What the Workload says", "What is around it", "Goes to", "Ruled out, by rule", "In Berth's words")
HOME: Final = "shop"
WEB: Final = ("Workload", HOME, "web")
INTRO: Final = """# Where a workload goes

Each row is one Workload, decided by the operator's own code on a cluster that has everything: gVisor, Kata, KubeVirt and
the [default classes](../manifests/berth/values.yaml). `container` and `container-userns` are of level Container,
`gvisor` is Sandboxed, `kata` and `vm` are Virtualized. Where no class is named, nothing runs and the reason is shown; all
[reasons](reference/reasons.md) and [rules](reference/rules.md) are listed.

How to read it: every rule is put to every class, and every class that no rule rules out fits. Of those the tenant's
default class is taken, else the lowest level, an image as pods before a machine, the least overhead, the highest
`preference`, the first by name. What runs stays where it is as long as that still fits.

"""

_IMAGE: Final = {"image": "registry.example/shop/web:1"}
_DISK: Final = {"bootDisk": {"containerDisk": {"image": "registry.example/shop/web-disk:1"}}}
_CLAIM: Final = {"bootDisk": {"persistentVolumeClaim": {"claimName": "root"}}}
_SIZE: Final = {"requests": {"cpu": "500m", "memory": "512Mi"}}
_FROM: Final[dict[str, Object]] = {
    "image": {"container": _IMAGE, "resources": _SIZE},
    "machine": {"machine": _DISK, "resources": {"requests": {"cpu": "1", "memory": "2Gi"}}},
    "both": {"container": _IMAGE, "machine": _DISK, "resources": _SIZE},
    "windows": {
        "machine": _CLAIM | {"os": "Windows", "preference": "windows.2k22.virtio"},
        "resources": {"requests": {"cpu": "4", "memory": "8Gi"}},
    },
    "both-claim": {"container": _IMAGE, "machine": _CLAIM, "resources": _SIZE},
}
_CALLED: Final = {
    "image": "an image",
    "machine": "a machine",
    "both": "an image and a machine",
    "windows": "a Windows machine",
    "both-claim": "an image, and a machine that boots from a claim",
}
_KINDS: Final = {
    "policies": ("IsolationPolicy", {"mode": "Enforce"}),
    "tenants": ("Tenant", {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": HOME}}}),
    "waivers": (
        "Waiver",
        {
            "workloads": [{"namespace": HOME, "name": WEB[2]}],
            "reason": "moves in January",
            "approver": "ada",
            "expiresAt": "2027-01-31T12:00:00Z",
        },
    ),
    "classes": ("IsolationClass", {}),
}
_SITE: Final = {
    ("kubevirt", "Missing"): "KubeVirt is not installed",
    ("kubevirt", "Emulating"): "KubeVirt may emulate processors in software",
    ("kubevirt", "Old"): "KubeVirt is of version 1.8",
    ("kubevirt", "Unprofiled"): "KubeVirt gives the pods of machines no seccomp profile",
    ("kubevirt", "Expanding"): "KubeVirt has `referencePolicy: expand`",
    ("storage", "Missing"): "no StorageClass is the default",
}
_SITES: Final = {
    "no_node_has": "no node has label `{}`",
    "refuses": "a dry run of the machine is refused: `{}`",
}


@dataclass(frozen=True)
class Found:
    """What comes of one situation."""

    workload: Object
    decision: Decision

    @property
    def status(self) -> Object:
        """Return the status of the Workload."""
        found: Object = self.workload["status"]
        return found

    @property
    def placed(self) -> Object:
        """Return the condition `Placed`."""
        return next(each for each in self.status["conditions"] if each["type"] == "Placed")

    @property
    def outcome(self) -> str:
        """Return the class, or the reason why there is none."""
        placement = self.status.get("placement")
        return str(placement["className"] if placement else self.placed["reason"])

    @property
    def ruled_out(self) -> dict[str, list[str]]:
        """Return the classes that each rule ruled out, by rule in the order in which they are put."""
        found = [(verdict.rule, each.facts.name) for each in self.decision.candidates for verdict in each.verdicts]
        names = [rule.__name__ for rule in RULES]
        return {name: [who for rule, who in found if rule == name] for name in names if name in dict(found)}


@cache
def sections() -> tuple[Object, ...]:
    """Return the sections of placement.yaml."""
    return tuple(yaml.safe_load(SITUATIONS.read_text()))


def decided(row: Object) -> Found:
    """Return what comes of a situation."""
    world = World(documents(row), Site(**row.get("site", {})))
    found = world.settle()
    for name in row.get("removed", ()):
        world.remove(("IsolationPolicy", "", name))
        found = world.settle()
    return Found(found[WEB], world.decision(WEB))


def documents(row: Object) -> list[Object]:
    """Return the manifests of a situation."""
    around = [
        _made((kind, "", name), _merged(given, spec))
        for field, (kind, given) in _KINDS.items()
        for name, spec in row.get(field, {}).items()
    ]
    claims = [
        _made(("PersistentVolumeClaim", HOME, name), {"accessModes": [mode]}, "v1")
        for name, mode in row.get("claims", {}).items()
    ]
    earlier = [
        _made(("Workload", HOME, name), _merged(_FROM["image"], spec)) for name, spec in row.get("earlier", {}).items()
    ]
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME, "labels": row.get("labels", {})}}
    return [home, *around, *claims, *earlier, _made(WEB, _merged(_FROM[row["from"]], row.get("spec", {})))]


def rows(section: Object) -> Iterator[tuple[str, ...]]:
    """Yield the lines of one table."""
    for row in section["rows"]:
        found = decided(row)
        yield (
            _said(row),
            "<br>".join(_around(row)) or "nothing",
            f"**`{found.outcome}`**",
            "<br>".join(_rules(found)) or "none",
            found.placed["message"],
        )


def _said(row: Object) -> str:
    return ", ".join([_CALLED[row["from"]], *(_flow({name: value}) for name, value in row.get("spec", {}).items())])


def _around(row: Object) -> Iterator[str]:
    for field, (kind, _) in _KINDS.items():
        for name, spec in row.get(field, {}).items():
            shown = {key: value for key, value in spec.items() if key != "reason"}
            yield f"{kind} `{name}`: {_flow(shown)}" + (", removed since" if name in row.get("removed", ()) else "")
    for key, value in row.get("labels", {}).items():
        yield f"the namespace is labelled `{key}={value}`"
    for name, mode in row.get("claims", {}).items():
        yield f"PersistentVolumeClaim `{name}`: {mode}"
    for name, spec in row.get("earlier", {}).items():
        yield f"Workload `{name}`, which came first: {_flow(spec)}"
    for what, value in row.get("site", {}).items():
        yield _SITE.get((what, str(value))) or _SITES[what].format(*([value] if isinstance(value, str) else value))


def _rules(found: Found) -> Iterator[str]:
    if found.decision.requirement.denials:
        yield "every class"
    elif found.outcome in ("ExceedsQuota", "WaitingForQuota"):
        yield "every class, by quota"
    else:
        for rule, classes in found.ruled_out.items():
            yield f"`{rule}`: {', '.join(classes)}"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).strip()
    return f"`{text.removeprefix('{').removesuffix('}')}`"


def _made(name: Name, spec: Object, api: str = API_VERSION) -> Object:
    kind, namespace, own = name
    meta = {"name": own, "namespace": namespace} if namespace else {"name": own}
    return {"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec}


def _merged(base: Object, patch: Object) -> Object:
    """Return a spec with another laid over it, as a JSON merge patch (RFC 7386)."""
    found = {key: value for key, value in base.items() if patch.get(key, value) is not None}
    for key, value in patch.items():
        if isinstance(value, dict):
            found[key] = _merged(base.get(key) or {}, value)
        elif value is not None:
            found[key] = value
    return found
