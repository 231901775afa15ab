"""The bill of materials names everything that is in the image: which version, from where, by which hash and licence."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from berth import __version__
from image import base, sbom
from image.build import REPOSITORY
from image.layout import Image

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("image")]

Parts = Mapping[str, dict[str, Any]]
# Older copyright files tell in prose.
UNNAMED = 2


@pytest.fixture(scope="module")
def bill(image: Image, root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    sbom.write(image, root, path)
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def parts(bill: dict[str, Any]) -> Parts:
    return {each["bom-ref"]: each for each in bill["components"]}


def digest(part: dict[str, Any]) -> str:
    [found] = part["hashes"]
    assert found["alg"] == "SHA-256"
    return str(found["content"])


def locked() -> dict[str, tuple[str, set[str]]]:
    """Return version and hashes of every package that is locked for where the image runs."""
    entries = re.split(r"\n(?=\S)", (REPOSITORY / "requirements.lock").read_text().replace("\\\n", " "))
    found = {}
    for entry in entries:
        asked = Requirement(entry.partition(" --hash")[0])
        if asked.marker is None or asked.marker.evaluate({"python_version": "3.11", "sys_platform": "linux"}):
            [version] = [each.version for each in asked.specifier]
            found[canonicalize_name(asked.name)] = version, set(re.findall(r"sha256:(\w+)", entry))
    return found


def test_every_locked_package_is_in_it_by_a_locked_hash(parts: Parts) -> None:
    python = {ref.removeprefix("python/"): part for ref, part in parts.items() if ref.startswith("python/")}
    wanted = locked()
    assert python.keys() == wanted.keys() | {"berth"}
    for name, (version, hashes) in wanted.items():
        assert python[name]["version"] == version
        assert python[name]["purl"] == f"pkg:pypi/{name}@{version}"
        assert digest(python[name]) in hashes, name
    assert python["berth"]["version"] == __version__


def test_every_debian_package_is_in_it(parts: Parts, root: Path) -> None:
    debian = {ref.removeprefix("debian/"): part for ref, part in parts.items() if ref.startswith("debian/")}
    assert debian.keys() == set(base.PACKAGES)
    for name, part in debian.items():
        status = (root / sbom.STATUS / name).read_text()
        assert f"\nVersion: {part['version']}\n" in status
        assert f"\nSHA256: {digest(part)}\n" in status
        assert part["purl"].startswith("pkg:deb/debian/")
        assert part["purl"].endswith("distro=debian-12")


def test_licences_are_named_where_they_are_known(parts: Parts) -> None:
    unnamed = [ref for ref, part in parts.items() if not part.get("licenses")]
    assert [ref for ref in unnamed if ref.startswith("python/")] == []
    assert len(unnamed) <= UNNAMED, unnamed
    names = [
        each["license"].get("name", "")
        for part in parts.values()
        for each in part.get("licenses", [])
        if "license" in each
    ]
    assert [name for name in names if len(name) > 60] == [], "prose"


def test_it_is_about_this_image_and_always_the_same(
    bill: dict[str, Any], image: Image, root: Path, tmp_path: Path
) -> None:
    whole = bill["metadata"]["component"]
    assert whole["type"] == "container"
    assert f"sha256:{digest(whole)}" == image.digest
    assert bill["dependencies"]
    sbom.write(image, root, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == bill
