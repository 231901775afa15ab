"""The small CRDs say nothing that KubeVirt's own do not say: same types, same required fields, same list kinds."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ground import crds

Json = dict[str, Any]

SMALL = crds.small_crds()
OF_KUBEVIRT = sorted(name for name in SMALL if not name.endswith(crds.NOT_KUBEVIRTS))
TYPE_OF = ("type", "format", "x-kubernetes-int-or-string", "pattern", "x-kubernetes-preserve-unknown-fields")


def differences(ours: Json, real: Json, where: str) -> Iterator[str]:
    """Yield every way in which a node of our schema differs from KubeVirt's."""
    for key in TYPE_OF:
        if ours.get(key) != real.get(key):
            yield f"{where}: {key} is {ours.get(key)!r}, KubeVirt's is {real.get(key)!r}"
    if merged(ours) != merged(real):
        yield f"{where}: list of kind {merged(ours)}, KubeVirt's is {merged(real)}"
    for part in ("items", "additionalProperties"):
        if part in ours:
            yield from differences(ours[part], real[part], f"{where}[]")
    if "properties" in ours:
        yield from of_properties(ours, real, where)


def of_properties(ours: Json, real: Json, where: str) -> Iterator[str]:
    """Yield the differences below an object: unknown fields, other types, other required fields."""
    for name, node in ours["properties"].items():
        if name in real["properties"]:
            yield from differences(node, real["properties"][name], f"{where}.{name}")
        else:
            yield f"{where}.{name}: KubeVirt has no such field"
    if set(ours.get("required", [])) != set(real.get("required", [])):
        yield f"{where}: required {ours.get('required')}, KubeVirt's are {real.get('required')}"


def merged(node: Json) -> tuple[str, list[str]] | None:
    """Return how server-side apply merges a list; a list that says nothing is atomic."""
    if node.get("type") != "array":
        return None
    return node.get("x-kubernetes-list-type", "atomic"), node.get("x-kubernetes-list-map-keys", [])


def real_crd(name: str) -> Json:
    """Read KubeVirt's own CRD, or skip where it is not at hand."""
    folder = crds.real_folder()
    if folder is None:
        pytest.skip("KubeVirt's own CRDs are not at hand")
    return dict(yaml.load((folder / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader))


@pytest.mark.parametrize("name", OF_KUBEVIRT)
def test_every_field_is_one_of_kubevirt(name: str) -> None:
    """Each field of ours is in KubeVirt's CRD with the same type, and the object is served in the same way."""
    ours, real = SMALL[name]["spec"], real_crd(name)["spec"]
    version = ours["versions"][0]
    same = next(candidate for candidate in real["versions"] if candidate["name"] == version["name"])
    found = list(differences(version["schema"]["openAPIV3Schema"], same["schema"]["openAPIV3Schema"], name))
    assert found == []
    assert (ours["scope"], ours["group"], ours["names"]) == (real["scope"], real["group"], real["names"])
    assert version.get("subresources") == same.get("subresources")


def test_the_comparison_sees_differences() -> None:
    """A field that is wrong in any one way is found."""
    real = crds.schema({"a": "string", "b": ["int32"], "c(name)": [{"name!": "string"}], "d": "quantity"})
    other_types: list[Json] = [{"a": "int32"}, {"a!": "string"}, {"b": "int32"}, {"b": ["int64"]}, {"x": "string"}]
    other_kinds: list[Json] = [{"c": [{"name!": "string"}]}, {"d": "string"}, {"d": "int-or-string"}]
    for wrong in (*other_types, *other_kinds):
        assert list(differences(crds.schema(wrong), real, "")), wrong


def test_written_files_are_fresh() -> None:
    """crds/ holds what `python -m ground.crds` writes, and nothing else."""
    kept = {path.stem: path.read_text() for path in crds.OURS.glob("*.yaml")}
    assert kept == {name: crds.written(crd) for name, crd in SMALL.items()}


def test_choice_between_small_and_real(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBEVIRT_CRDS chooses; those of CDI and multus are ours in either case; a wrong path is not passed over."""
    monkeypatch.setenv("KUBEVIRT_CRDS", "small")
    assert {path.stem for path in crds.kubevirt_crds()} == set(SMALL)
    (tmp_path / "virtualmachines.kubevirt.io.yaml").write_text("")
    monkeypatch.setenv("KUBEVIRT_CRDS", str(tmp_path))
    chosen = {path.stem for path in crds.kubevirt_crds()}
    assert chosen == {"virtualmachines.kubevirt.io"} | (set(SMALL) - set(OF_KUBEVIRT))
    monkeypatch.setenv("KUBEVIRT_CRDS", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError):
        crds.kubevirt_crds()
