"""The bill of materials of the image, read from its own files: CycloneDX, the same bytes for the same image."""

import re
from collections.abc import Iterator
from datetime import datetime
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.spdx import fixup_id
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.utils import canonicalize_name, parse_wheel_filename

from berth import __version__
from image import storage
from image.layout import Image

SITE = "opt/berth/lib/python3.11/site-packages"
WHEELS = "opt/berth/wheels.sha256"
STATUS = "var/lib/dpkg/status.d"
LICENCES = LicenseFactory()
# Debian's copyright files name licences in this form, and older ones refer to the texts that base-files has.
NAMED = re.compile(r"^License: *([A-Za-z][\w.+~-]*(?:,? (?:and|or|with) [\w.+-]+(?: exception)?)*)$", re.MULTILINE)
REFERRED = re.compile(r"/usr/share/common-licenses/([A-Za-z]+(?:-[\d.]*\d)?)")


def write(image: Image, root: Path, path: Path) -> int:
    """Write the bill of an image whose files lie in `root`, and return how many parts it has; raises ImageError."""
    bom = bill(image, root)
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    if (wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        raise storage.ImageError(f"the bill of materials does not follow its schema: {wrong}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return len(bom.components)


def bill(image: Image, root: Path) -> Bom:
    """Return the bill of an image: the image itself, its Debian packages and its Python packages."""
    whole = _image(image)
    parts = [*_debian(root), *_python(root)]
    bom = Bom(components=parts, serial_number=uuid5(NAMESPACE_URL, image.digest))
    bom.metadata.component = whole
    bom.metadata.timestamp = datetime.fromisoformat(image.configuration["created"])
    bom.register_dependency(whole, parts)
    return bom


def _image(image: Image) -> Component:
    architecture = {"arch": image.configuration["architecture"]}
    return Component(
        type=ComponentType.CONTAINER,
        name="berth",
        version=__version__,
        bom_ref="image",
        purl=PackageURL("oci", name="berth", version=image.digest, qualifiers=architecture),
        hashes=[_hash(image.digest.removeprefix("sha256:"))],
        licenses=[LICENCES.make_with_id("Apache-2.0")],
    )


def _debian(root: Path) -> Iterator[Component]:
    for stanza in _stanzas(root):
        known = HeaderParser().parsestr(stanza)
        name, version = known["Package"], known["Version"]
        qualifiers = {"arch": known["Architecture"], "distro": "debian-12"}
        source = known["Source"] or name
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"debian/{name}",
            purl=PackageURL("deb", "debian", name, version, qualifiers),
            hashes=[_hash(known["SHA256"])] if known["SHA256"] else [],
            licenses=_named(root / "usr/share/doc" / name / "copyright"),
            properties=[Property(name="debian:source", value=source)],
        )


def _stanzas(root: Path) -> list[str]:
    """Return what dpkg says of each package: in a file each as our own base has it, else in one as dpkg keeps it."""
    folder = root / STATUS
    if folder.is_dir():
        return [path.read_text() for path in sorted(folder.iterdir())]
    return folder.with_name("status").read_text().strip().split("\n\n")


def _named(copyright_file: Path) -> list[License]:
    """Return the licences that a copyright file of Debian names; none where it is not there."""
    text = copyright_file.read_text(errors="replace") if copyright_file.exists() else ""
    names = set(NAMED.findall(text)) or set(REFERRED.findall(text))
    return [LICENCES.make_with_id(name) if fixup_id(name) else LICENCES.make_with_name(name) for name in sorted(names)]


def _python(root: Path) -> Iterator[Component]:
    wheels = _wheels(root)
    for found in sorted(distributions(path=[str(root / SITE)]), key=lambda each: each.name.lower()):
        name = canonicalize_name(found.name)
        licence = _licence(found)
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=found.version,
            bom_ref=f"python/{name}",
            purl=PackageURL("pypi", name=name, version=found.version),
            hashes=[_hash(wheels[name])],
            licenses=[LICENCES.make_from_string(licence)] if licence else [],
        )


def _wheels(root: Path) -> dict[str, str]:
    """Return the hash of each wheel that was installed, by name of its package."""
    lines = [line.split() for line in (root / WHEELS).read_text().splitlines()]
    return {parse_wheel_filename(file)[0]: digest for digest, file in lines}


def _licence(found: Distribution) -> str:
    """Return the licence that a package names: the expression, else its name, else the last word of its classifier."""
    told = found.metadata
    classified = [
        value.rpartition(" :: ")[2] for value in told.get_all("Classifier", []) if value.startswith("License")
    ]
    plain = told.get("License", "")
    return told.get("License-Expression", "") or (plain if "\n" not in plain else "") or " OR ".join(classified)


def _hash(content: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=content)
