"""KubeVirt's CRDs for a cluster: the real ones where they are at hand, else the ground's own small ones.

`python -m ground.crds` writes crds/*.yaml from crds_source.yaml, whose head explains its shorthand.
"""

import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ground.api import ApiError, Json, apply, call, eventually
from ground.cluster import Cluster

HERE = Path(__file__).parent
OURS = HERE / "crds"
SOURCE = HERE / "crds_source.yaml"
REAL = HERE.parents[2] / "shared" / "kubevirt-crds"
NOT_KUBEVIRTS = (".cdi.kubevirt.io", ".k8s.cni.cncf.io")
"""Groups of CDI and of multus."""
NOT_FOUND = 404
SERVED_SECONDS = 90.0
REMOVED_SECONDS = 180.0
WHERE = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

KEY = re.compile(r"(?P<name>[^(!]+)(?:\((?P<keys>[^)]*)\))?(?P<required>!)?")
DECIMAL = r"(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
QUANTITY = rf"^(\+|-)?{DECIMAL}(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?{DECIMAL}))?$"
INT_OR_STRING: Json = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
SCALARS: dict[str, Json] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "date-time": {"type": "string", "format": "date-time"},
    "int-or-string": INT_OR_STRING,
    "quantity": {**INT_OR_STRING, "pattern": QUANTITY},
    "anything": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}


def kubevirt_crds() -> list[Path]:
    """Return one file per CRD: KubeVirt's own of $KUBEVIRT_CRDS or ../shared/kubevirt-crds, else ours.

    Those of CDI and multus are always ours. Raises FileNotFoundError when $KUBEVIRT_CRDS names no folder.
    """
    ours = sorted(OURS.glob("*.yaml"))
    real = real_folder()
    if real is None:
        return ours
    return sorted(real.glob("*.yaml")) + [path for path in ours if path.stem.endswith(NOT_KUBEVIRTS)]


def real_folder() -> Path | None:
    """Return the folder of KubeVirt's own CRDs; None when there is none or $KUBEVIRT_CRDS is `small`."""
    given = os.environ.get("KUBEVIRT_CRDS")
    if given == "small":
        return None
    if given and not Path(given).is_dir():
        message = f"KUBEVIRT_CRDS is neither a folder nor `small`: {given}"
        raise FileNotFoundError(message)
    return Path(given) if given else REAL if REAL.is_dir() else None


def install(cluster: Cluster) -> None:
    """Apply all CRDs and wait until the API server serves them; raises ApiError, TimeoutError."""
    serve(cluster, {path.stem: path.read_bytes() for path in kubevirt_crds()})


def serve(cluster: Cluster, definitions: Mapping[str, Json | bytes]) -> None:
    """Apply CRDs, by name, and wait until the API server serves them; raises ApiError, TimeoutError."""
    made = [apply(cluster.kubeconfig, f"{WHERE}/{name}", body) for name, body in definitions.items()]
    for crd in made:
        eventually(partial(_served, cluster, crd), SERVED_SECONDS, f"{crd['metadata']['name']} served")


def remove(cluster: Cluster) -> None:
    """Delete all CRDs with their objects and wait until they are gone; raises TimeoutError when a finalizer holds."""
    names = [path.stem for path in kubevirt_crds() if _exists(cluster, path.stem)]
    for name in names:
        call(cluster.kubeconfig, "DELETE", f"{WHERE}/{name}")
    gone = "CRDs of KubeVirt gone (does a finalizer hold an object?)"
    eventually(lambda: not any(_exists(cluster, name) for name in names), REMOVED_SECONDS, gone)


def small_crds(path: Path = SOURCE) -> dict[str, Json]:
    """Expand crds_source.yaml, or another file in its shorthand: CRD by name."""
    source = yaml.safe_load(path.read_text())
    return {f"{entry['names']['plural']}.{entry['group']}": _crd(entry) for entry in source["crds"]}


def main() -> None:
    """Write the small CRDs to their files."""
    OURS.mkdir(exist_ok=True)
    for name, crd in small_crds().items():
        (OURS / f"{name}.yaml").write_text(written(crd))


def written(crd: Json) -> str:
    """Return the text of a small CRD's file."""
    text: str = yaml.dump(crd, Dumper=_Plain, sort_keys=False)
    return "# Written by `python -m ground.crds` from crds_source.yaml.\n" + text


class _Plain(yaml.SafeDumper):
    """A YAML writer without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _crd(entry: Json) -> Json:
    names = entry["names"]
    version: Json = {"name": entry["version"], "served": True, "storage": True}
    version |= {key: entry[key] for key in ("subresources",) if key in entry}
    version |= {"additionalPrinterColumns": entry["columns"]} if "columns" in entry else {}
    meta = {"apiVersion": "string", "kind": "string", "metadata": {}}
    version["schema"] = {"openAPIV3Schema": schema({**meta, **entry["schema"]})}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{entry['group']}"},
        "spec": {"group": entry["group"], "names": names, "scope": entry["scope"], "versions": [version]},
    }


def schema(short: Any) -> Json:
    """Expand one node of the shorthand into a structural schema."""
    if isinstance(short, list):
        return {"type": "array", "items": schema(short[0])}
    if isinstance(short, str):
        inner = short.removeprefix("map of ")
        return SCALARS[short] if inner == short else {"type": "object", "additionalProperties": SCALARS[inner]}
    fields = [(KEY.fullmatch(key), value) for key, value in short.items()]
    properties = {found["name"]: schema(value) | _list_type(found["keys"]) for found, value in fields if found}
    required = [found["name"] for found, _ in fields if found and found["required"]]
    whole = {"type": "object", "properties": properties, "required": required}
    return {key: value for key, value in whole.items() if value}


def _list_type(keys: str | None) -> Json:
    if keys is None:
        return {}
    if not keys:
        return {"x-kubernetes-list-type": "set"}
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys.split(",")}


def _exists(cluster: Cluster, name: str) -> bool:
    try:
        call(cluster.kubeconfig, "GET", f"{WHERE}/{name}")
    except ApiError as error:
        if error.code == NOT_FOUND:
            return False
        raise
    return True


def _served(cluster: Cluster, crd: Json) -> bool:
    """Tell whether a first list works: Established comes a moment before it."""
    spec = crd["spec"]
    version = next(version["name"] for version in spec["versions"] if version["served"])
    try:
        call(cluster.kubeconfig, "GET", f"/apis/{spec['group']}/{version}/{spec['names']['plural']}?limit=1")
    except ApiError as error:
        if error.code == NOT_FOUND:
            return False
        raise
    return True


if __name__ == "__main__":
    main()
