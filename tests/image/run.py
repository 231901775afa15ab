"""Runs the image's own entry point as a cluster would: as its own user, no right beyond, nothing to write but /tmp."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from image import storage
from image.layout import Image

KUBECONFIG = "BERTH_KUBECONFIG"
INSIDE = "/run/berth/kubeconfig"
NAMESPACES = ("pid", "ipc", "uts", "mount")  # not the network's: the test ground listens on loopback
PROC = {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]}


def run(image: Image, arguments: Sequence[str]) -> int:
    """Run the image's entry point with these arguments, else with its own ones, and return its exit status.

    Variables BERTH_* go in with it, and so does the kubeconfig that BERTH_KUBECONFIG names; its user must be able to
    read that. Signals are passed on. Raises ImageError when this machine cannot.
    """
    if reason := storage.missing():
        raise storage.ImageError(reason)
    settings = {name: value for name, value in os.environ.items() if name.startswith("BERTH_")}
    content = configuration(image, unpacked(image), arguments, settings)
    with tempfile.TemporaryDirectory() as bundle:
        (Path(bundle) / "config.json").write_text(json.dumps(content))
        state = ["--root", str(storage.folder() / "runc")]
        process = subprocess.Popen(["runc", *state, "run", "--bundle", bundle, f"berth-{uuid4().hex[:8]}"])
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda number, _: process.send_signal(number))
        return process.wait()


def unpacked(image: Image) -> Path:
    """Return the folder with the files of the image, beside its layout; those of older images are removed."""
    home = image.folder.with_name("image-files")
    root = home / image.digest.removeprefix("sha256:")
    if not root.exists():
        shutil.rmtree(home, ignore_errors=True)
        image.unpack(home / "partial").rename(root)
    return root


def configuration(image: Image, root: Path, arguments: Sequence[str], settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the runtime's configuration: of what the image says nothing is changed, and nothing is granted."""
    said = image.configuration["config"]
    user, group = map(int, said["User"].split(":"))
    outside = settings.get(KUBECONFIG)
    lent = {KUBECONFIG: INSIDE} if outside else {}
    environment = [f"{name}={value}" for name, value in {**settings, **lent}.items()]
    return {
        "ociVersion": "1.0.2",
        "root": {"path": str(root), "readonly": True},
        "process": {
            "user": {"uid": user, "gid": group},
            "args": [*said["Entrypoint"], *(arguments or said["Cmd"])],
            "env": [*said["Env"], *environment],
            "cwd": said.get("WorkingDir") or "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "mounts": _mounts(outside),
        "linux": {
            "namespaces": [{"type": name} for name in NAMESPACES],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }


def _mounts(kubeconfig: str | None) -> list[dict[str, Any]]:
    empty = [_tmpfs("/dev", "mode=755"), *(_tmpfs(path, "nodev", "noexec", "mode=1777") for path in ("/run", "/tmp"))]
    names = [_file(path, path) for path in ("/etc/resolv.conf", "/etc/hosts")]
    return [PROC, *empty, *names, *([_file(kubeconfig, INSIDE)] if kubeconfig else [])]


def _tmpfs(path: str, *options: str) -> dict[str, Any]:
    return {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=16m", *options]}


def _file(source: str, destination: str) -> dict[str, Any]:
    return {"destination": destination, "type": "bind", "source": source, "options": ["bind", "ro"]}
