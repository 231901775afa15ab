"""An image as an OCI layout on disk: its configuration and its files, whatever engine wrote it."""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

WHITEOUT = ".wh."
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Image:
    """One image of one architecture in a folder of the layout."""

    folder: Path

    @cached_property
    def digest(self) -> str:
        """Digest of the manifest: what a Deployment names."""
        digest: str = self._index["manifests"][0]["digest"]
        return digest

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """What the image says of itself: user, entry point, environment, labels, history."""
        return self._json(self._manifest["config"]["digest"])

    @property
    def compressed(self) -> int:
        """Bytes that a node pulls."""
        return sum(layer["size"] for layer in self._manifest["layers"])

    @cached_property
    def size(self) -> int:
        """Bytes of all files as a node keeps them."""
        total = 0
        for layer in self._manifest["layers"]:
            with tarfile.open(self._blob(layer["digest"])) as archive:
                total += sum(member.size for member in archive)
        return total

    @property
    def entry(self) -> dict[str, Any]:
        """How an index of several architectures names this image."""
        said = self.configuration
        platform = {"architecture": said["architecture"], "os": said["os"]}
        named = self._index["manifests"][0]
        return {key: named[key] for key in ("mediaType", "digest", "size")} | {"platform": platform}

    def unpack(self, root: Path) -> Path:
        """Lay the files of all layers into a folder, with their owners and modes, and return it."""
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        for layer in self._manifest["layers"]:
            with tarfile.open(self._blob(layer["digest"])) as archive:
                _lay(archive, root)
        return root

    @cached_property
    def _index(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "index.json").read_text()))

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return self._json(self.digest)

    def _json(self, digest: str) -> dict[str, Any]:
        return dict(json.loads(self._blob(digest).read_text()))

    def _blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest.replace(":", "/")


def combine(images: Sequence[Image], folder: Path) -> str:
    """Lay one image of several architectures into a folder, their manifests as they are, and return its digest."""
    shutil.rmtree(folder, ignore_errors=True)
    for image in images:
        shutil.copytree(image.folder, folder, dirs_exist_ok=True)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image.entry for image in images]}
    content = json.dumps(index, sort_keys=True).encode()
    digest = hashlib.sha256(content).hexdigest()
    (folder / "blobs" / "sha256" / digest).write_bytes(content)
    entry = {"mediaType": INDEX, "digest": f"sha256:{digest}", "size": len(content)}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return f"sha256:{digest}"


def _lay(archive: tarfile.TarFile, root: Path) -> None:
    """Extract one layer; what it says is gone goes first."""
    members = archive.getmembers()
    for name in (PurePosixPath(member.name) for member in members if WHITEOUT in member.name):
        gone = root / name.with_name(name.name.removeprefix(WHITEOUT))
        shutil.rmtree(gone) if gone.is_dir() and not gone.is_symlink() else gone.unlink(missing_ok=True)
    wanted = [member for member in members if WHITEOUT not in member.name]
    archive.extractall(root, wanted, numeric_owner=True, filter="fully_trusted")
