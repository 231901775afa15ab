"""Layouts of images: what a layer takes away is gone, and one image of several architectures keeps each as it was."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from image.layout import Image, combine


def blob(folder: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    (folder / "blobs/sha256" / digest).write_bytes(content)
    return f"sha256:{digest}"


def entry(folder: Path, content: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": blob(folder, content), "size": len(content)}


def layer(files: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return written.getvalue()


def layout(folder: Path, architecture: str, *layers: dict[str, str]) -> Image:
    configuration = json.dumps({"architecture": architecture, "os": "linux"}).encode()
    manifest = {
        "config": entry(folder, configuration, "config"),
        "layers": [entry(folder, layer(each), "layer") for each in layers],
    }
    listed = entry(folder, json.dumps(manifest).encode(), "manifest")
    (folder / "index.json").write_text(json.dumps({"manifests": [listed]}))
    return Image(folder)


def test_what_a_layer_removes_is_gone(tmp_path: Path) -> None:
    image = layout(tmp_path / "image", "amd64", {"etc/a": "1", "etc/b": "2"}, {"etc/.wh.a": "", "etc/b": "33"})
    root = image.unpack(tmp_path / "root")
    assert {path.name: path.read_text() for path in (root / "etc").iterdir()} == {"b": "33"}
    assert image.size == 4


def test_one_image_of_two_architectures_keeps_each(tmp_path: Path) -> None:
    images = [layout(tmp_path / name, name, {"etc/name": name}) for name in ("amd64", "arm64")]
    digest = combine(images, tmp_path / "both")
    [listed] = json.loads((tmp_path / "both/index.json").read_text())["manifests"]
    assert listed["digest"] == digest
    content = (tmp_path / "both/blobs" / digest.replace(":", "/")).read_bytes()
    assert (f"sha256:{hashlib.sha256(content).hexdigest()}", len(content)) == (digest, listed["size"])
    manifests = json.loads(content)["manifests"]
    assert [each["digest"] for each in manifests] == [image.digest for image in images]
    assert [each["platform"]["architecture"] for each in manifests] == ["amd64", "arm64"]
    for image in images:
        assert {path.name for path in (image.folder / "blobs/sha256").iterdir()} <= {
            path.name for path in (tmp_path / "both/blobs/sha256").iterdir()
        }
