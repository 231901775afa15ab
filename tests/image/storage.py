"""Where images are kept and by what they are built: buildah in the cache folder, else a container engine of the host."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ground import cache

Say = Callable[[str], object]

DEBIAN_TOOLS = ("buildah", "mmdebstrap", "runc")
ENGINES = ("docker", "podman")
ERROR_TAIL = 4000
# The machines that images are for, as Debian's packages and OCI name them.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class ImageError(RuntimeError):
    """What an image needs is missing, or a step failed; the message says which and shows the end of its output."""


def folder() -> Path:
    """Return the folder in the cache that holds bases, images and what is unpacked of them."""
    made = cache.folder() / "image"
    made.mkdir(parents=True, exist_ok=True)
    return made


def architecture() -> str:
    """Return the name of this machine's processor; raises ImageError for one that no image is made for."""
    try:
        return ARCHITECTURES[platform.machine()]
    except KeyError:
        raise ImageError(f"no image is made for {platform.machine()}") from None


def missing() -> str:
    """Say why the image cannot be built from Debian packages here; empty when it can."""
    if os.geteuid() != 0:
        return "building on a base of Debian packages needs root"
    absent = [name for name in DEBIAN_TOOLS if shutil.which(name) is None]
    return f"{', '.join(absent)} not installed: run `make image-tools` on Debian" if absent else ""


def engine() -> str | None:
    """Return the container engine of the host that answers, if any."""
    return next((name for name in ENGINES if shutil.which(name) and _answers(name)), None)


def _answers(name: str) -> bool:
    return subprocess.run([name, "version"], capture_output=True, check=False).returncode == 0


def buildah(*arguments: str | Path) -> str:
    """Run buildah on the storage of the cache folder and return what it prints; raises ImageError."""
    # vfs and chroot: they need no overlay, no user namespace and no cgroups, so this runs in any sandbox that has chroot.
    root = ["--storage-driver", "vfs", "--root", folder() / "storage", "--runroot", folder() / "run"]
    return run(["buildah", *root, *arguments])


@contextmanager
def held(say: Say) -> Iterator[None]:
    """Hold the storage: one process makes images at a time."""
    with cache.lock(folder() / "build.lock", lambda: say("another process is building an image; waiting for it")):
        yield


def has(image: str) -> bool:
    """Tell whether the storage has an image of this name."""
    return any(image in names for names in _images().values())


def keep(*images: str) -> None:
    """Remove all images from the storage but these."""
    if gone := [number for number, names in _images().items() if not names & set(images)]:
        buildah("rmi", "--force", *gone)


def _images() -> dict[str, set[str]]:
    """Return the names of all images by their numbers."""
    found = json.loads(buildah("images", "--json"))
    return {each["id"]: set(each.get("names") or ()) for each in found}


def run(command: Sequence[str | Path], **environment: str) -> str:
    """Run a command and return what it prints; raises ImageError with the end of its output."""
    answer = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    if answer.returncode:
        raise ImageError(f"{command[0]} failed: {(answer.stdout + answer.stderr)[-ERROR_TAIL:]}")
    return answer.stdout
