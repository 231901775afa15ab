"""A registry of the ground, which serves layers from where they are kept: `python -m ground.node.registry FOLDER ADDRESS`.

It has what containerd pulls by (OCI distribution, sections "Pulling manifests" and "Pulling blobs"), and refuses whoever
asks for an image of `private/`.
"""

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import urllib3

from ground import beside
from ground.node.images import CONFIG, LAYER, MANIFEST, Image, Json
from ground.node.place import REGISTRY_PORT, Place
from image.storage import architecture

NAME = "registry"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRIVATE = "private/"
ASKED = re.compile(r"/v2/(?:(?P<repository>[\w./-]+)/(?P<kind>manifests|blobs)/(?P<reference>[\w.:-]+))?")
CHUNK = 1 << 20


def start(place: Place) -> None:
    """Run the registry at this machine's end of the cable, with the images that were published; nothing when it runs."""
    if beside.pid(place.cluster, NAME) is None:
        environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", __spec__.name, str(_folder(place)), place.gateway]
        beside.start(place.cluster, NAME, command, lambda: _answers(place), **environment)


def stop(place: Place) -> None:
    """End the registry: nothing can be pulled."""
    beside.stop(place.cluster, NAME)


def publish(place: Place, images: Iterable[Image]) -> None:
    """Make images known; layers stay where they are."""
    folder = _folder(place)
    for image in images:
        layers = [_layer(folder, path) for path in image.layers]
        config = _blob(folder, json.dumps(_config(image, layers)).encode(), CONFIG)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        repository, _, tag = image.name.partition(":")
        tags = folder / "manifests" / repository
        tags.mkdir(parents=True, exist_ok=True)
        (tags / tag).write_text(_blob(folder, json.dumps(manifest).encode(), MANIFEST)["digest"])


def _folder(place: Place) -> Path:
    return place.cluster.workdir / "registry"


def _config(image: Image, layers: list[Json]) -> Json:
    process: Json = {
        "Entrypoint": list(image.entry_point),
        "Env": [f"{key}={value}" for key, value in ({"PATH": PATH} | dict(image.environment)).items()],
        "WorkingDir": image.folder,
    }
    return {
        "architecture": architecture(),
        "os": "linux",
        "config": process | ({"User": image.user} if image.user else {}),
        "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in layers]},
    }


def _layer(folder: Path, path: Path) -> Json:
    digest, linked = _digest(path), folder / "blobs" / _digest(path)
    linked.parent.mkdir(parents=True, exist_ok=True)
    linked.unlink(missing_ok=True)
    linked.symlink_to(path)
    return {"mediaType": LAYER, "digest": digest, "size": path.stat().st_size}


@cache
def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"


def _blob(folder: Path, content: bytes, kind: str) -> Json:
    """Store a blob and return its descriptor."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    (folder / "blobs" / digest).write_bytes(content)
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def _answers(place: Place) -> bool:
    try:
        url = f"http://{place.gateway}:{REGISTRY_PORT}/v2/"
        return urllib3.request("GET", url, retries=False, timeout=2.0).status == HTTPStatus.OK
    except urllib3.exceptions.HTTPError:
        return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def do_HEAD(self) -> None:
        """Answer with headers alone."""
        self._answer()

    def do_GET(self) -> None:
        """Answer with a manifest or a blob."""
        if content := self._answer():
            with content.open("rb") as source:
                shutil.copyfileobj(source, self.wfile, CHUNK)

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _answer(self) -> Path | None:
        asked = ASKED.fullmatch(self.path.partition("?")[0])
        if asked is None or not asked["kind"]:
            return self._refuse(HTTPStatus.NOT_FOUND if asked is None else HTTPStatus.OK)
        if asked["repository"].startswith(PRIVATE):
            return self._refuse(HTTPStatus.UNAUTHORIZED, ("WWW-Authenticate", 'Basic realm="registry"'))
        found = self._found(**asked.groupdict())
        if not found.is_file():
            return self._refuse(HTTPStatus.NOT_FOUND)
        self._head(HTTPStatus.OK, found.stat().st_size)
        self.send_header("Content-Type", MANIFEST if asked["kind"] == "manifests" else "application/octet-stream")
        self.send_header("Docker-Content-Digest", found.name)
        self.end_headers()
        return found

    def _found(self, repository: str, kind: str, reference: str) -> Path:
        tag = self.folder / "manifests" / repository / reference
        digest = tag.read_text() if kind == "manifests" and tag.is_file() else reference
        return self.folder / "blobs" / digest

    def _refuse(self, status: HTTPStatus, *headers: tuple[str, str]) -> None:
        self._head(status, 0)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def _head(self, status: HTTPStatus, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))


def main() -> None:
    """Serve until ended."""
    _Handler.folder = Path(sys.argv[1])
    ThreadingHTTPServer((sys.argv[2], REGISTRY_PORT), _Handler).serve_forever()


if __name__ == "__main__":
    main()
