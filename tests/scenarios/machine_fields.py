"""Every field of a machine with an edit of it, and how that is seen to take effect or be refused."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from berth.api.crd import KINDS, schema
from scenarios import specs
from scenarios.objects import Json

COVERED: Final = ("machine", "resources", "volumes")
"""Parts of a Workload's spec whose every field has a row."""


_SIZE: Final = {"storage": "2Gi", "storageClassName": "standard"}
_REMOTE: Final = {"secretRef": "a", "certConfigMap": "a"}
_MADE: Final[dict[str, Json]] = {
    "dataSource": {"name": "golden"},
    "blank": {},
    "http": {"url": "https://images.example/disk", **_REMOTE},
    "registry": {"url": "docker://registry.example/disk", **_REMOTE},
    "pvc": {"name": "golden"},
}
"""Sources of a disk that is made once and kept."""


def _once() -> Iterator[Json]:
    """Yield an edit of every field that such a disk was made by, one at a time: nothing could come of it."""
    for source, given in _MADE.items():
        whole = given | _SIZE
        for name, value in whole.items():
            if name == "storage":
                continue  # tests/scenarios/test_disks.py: it grows
            other, row = whole | {name: f"{value}2"}, {"became": "refused", "words": "immutable"}
            boot = [{"machine": {"bootDisk": {"containerDisk": None, source: each}}} for each in (whole, other)]
            more = [{"machine": {"disks": [{"name": "more", source: each}]}} for each in (whole, other)]
            yield row | {"fields": [f"machine.bootDisk.{source}.{name}"], "base": boot[0], "edit": boot[1]}
            yield row | {"fields": [f"machine.disks[].{source}.{name}"], "base": more[0], "edit": more[1]}


GROWING: Final = {f"machine.{disk}.{source}.storage" for disk in ("bootDisk", "disks[]") for source in _MADE}
"""Sizes of disks that are made once: each claim grows, or the words say why not."""

_WRITTEN: Final = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
ROWS: Final[tuple[Json, ...]] = (*_WRITTEN, *_once())


def fields() -> set[str]:
    """Return all leaves of the covered parts of the CRD's schema, items of lists as `[]`."""
    spec = next(schema(kind) for kind in KINDS if kind.model.__name__ == "Workload")["properties"]["spec"]["properties"]
    return {leaf for part in COVERED for leaf in _leaves(spec[part], part)}


def _leaves(node: Json, path: str) -> Iterator[str]:
    if node.get("properties"):
        for name, each in node["properties"].items():
            yield from _leaves(each, f"{path}.{name}")
    elif node.get("type") == "array":
        yield from _leaves(node["items"], f"{path}[]")
    else:
        yield path


def before(row: Json) -> Json:
    """Return the spec of a row's Workload before it is edited."""
    return merged(specs.machine(), row.get("base", {}))


def after(row: Json) -> Json:
    """Return it edited."""
    return merged(before(row), row["edit"])


def merged(spec: Json, patch: Json) -> Json:
    """Return a spec with a JSON merge patch (RFC 7386)."""
    made = copy.deepcopy(spec)
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, dict):
            made[name] = merged(made.get(name) or {}, value)
        else:
            made[name] = copy.deepcopy(value)
    return made


def missing(live: Any, wanted: Any, path: str = "spec") -> list[str]:
    """Return where a live value has not what is wanted: items of lists are found by name, null is absent."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return [text for name, each in wanted.items() for text in missing(live.get(name), each, f"{path}.{name}")]
    if isinstance(wanted, list) and all(isinstance(each, dict) and "name" in each for each in wanted):
        by_name = {each.get("name"): each for each in live or ()}
        return [text for each in wanted for text in missing(by_name.get(each["name"]), each, f"{path}.{each['name']}")]
    return [] if live == wanted else [f"{path} is {live!r}, not {wanted!r}"]
