"""A registry of the ground: started beside a cluster, filled over its own API."""

import hashlib
import json
from collections.abc import Iterable

import urllib3
import yaml

from ground import beside
from ground.node.images import CONFIG, LAYER, MANIFEST, Image, Json
from ground.node.place import REGISTRY_PORT, Place
from ground.toolchain import tool

NAME = "registry"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOUND = 200
FIRST_ERROR = 400


def start(place: Place) -> str:
    """Run the registry at this machine's end of the cable; return its URL."""
    url, folder = f"http://{place.gateway}:{REGISTRY_PORT}", place.cluster.workdir / "registry"
    folder.mkdir(exist_ok=True)
    settings = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "content")}},
        "http": {"addr": f"{place.gateway}:{REGISTRY_PORT}"},
    }
    (folder / "registry.yaml").write_text(yaml.safe_dump(settings))
    if beside.pid(place.cluster, NAME) is None:
        command = [str(tool("registry")), "serve", str(folder / "registry.yaml")]
        beside.start(place.cluster, NAME, command, lambda: _answers(url))
    return url


def stop(place: Place) -> None:
    """End the registry: nothing can be pulled."""
    beside.stop(place.cluster, NAME)


def push(url: str, images: Iterable[Image]) -> None:
    """Store images that are not there yet."""
    for image in images:
        layers = [_blob(url, image.name, path.read_bytes(), LAYER) for path in image.layers]
        config = _blob(url, image.name, json.dumps(_config(image, layers)).encode(), CONFIG)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        repository, _, tag = image.name.partition(":")
        target = f"{url}/v2/{repository}/manifests/{tag}"
        _ask("PUT", target, json.dumps(manifest).encode(), {"Content-Type": MANIFEST})


def _config(image: Image, layers: list[Json]) -> Json:
    process: Json = {
        "Entrypoint": list(image.entry_point),
        "Env": [f"{key}={value}" for key, value in ({"PATH": PATH} | dict(image.environment)).items()],
        "WorkingDir": image.folder,
    }
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": process | ({"User": image.user} if image.user else {}),
        "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in layers]},
    }


def _blob(url: str, name: str, content: bytes, kind: str) -> Json:
    """Store a blob unless it is there, and return its descriptor."""
    digest, repository = f"sha256:{hashlib.sha256(content).hexdigest()}", name.partition(":")[0]
    where = f"{url}/v2/{repository}/blobs"
    if urllib3.request("HEAD", f"{where}/{digest}").status != FOUND:
        upload = _ask("POST", f"{where}/uploads/", b"", {})
        joint = "&" if "?" in upload else "?"
        _ask("PUT", f"{upload}{joint}digest={digest}", content, {"Content-Type": "application/octet-stream"})
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def _ask(method: str, url: str, body: bytes, headers: dict[str, str]) -> str:
    answer = urllib3.request(method, url, body=body, headers=headers)
    if answer.status >= FIRST_ERROR:
        message = f"{method} {url}: {answer.status} {answer.data.decode()}"
        raise RuntimeError(message)
    return answer.headers.get("Location", "")


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/v2/", retries=False, timeout=2.0).status == FOUND
    except urllib3.exceptions.HTTPError:
        return False
