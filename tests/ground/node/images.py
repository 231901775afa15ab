"""Test images: layers of Debian packages and of one Go program.

They behave as the images that people have: entry points that start as root, change owners and drop to a user; users by
name and by number; a program that writes to the root file system; one that takes long to start.
"""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ground import cache
from ground.toolchain import Say

Json = dict[str, Any]
APP: Final = Path(__file__).with_name("app")
ENTRY_POINTS: Final = Path(__file__).with_name("entrypoints")
PACKAGES: Final = ("nginx-light", "postgresql-15", "redis-server", "gosu", "openjdk-17-jdk-headless")
LEFT_OUT: Final = ("/usr/share/doc/*", "/usr/share/locale/*", "*/libLLVM*", "/usr/lib/jvm/*/jmods/*")
"""Half of what the packages bring, and nothing that the images run."""
SUITE: Final = "bookworm"
SOURCES: Final = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
USERS: Final = "root:x:0:0::/:/none\napp:x:1001:1001::/:/none\n"


@dataclass(frozen=True)
class Entry:
    """One file of a layer."""

    content: bytes
    mode: int = 0o644
    user: int = 0


@dataclass(frozen=True)
class Image:
    """An image: its name without the registry, its layers as tar files, and how it starts."""

    name: str
    layers: tuple[Path, ...]
    entry_point: tuple[str, ...]
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"


def store() -> Path:
    """Return where layers are kept."""
    return cache.folder() / "ground" / "layers"


def layer(entries: Mapping[str, Entry]) -> Path:
    """Return a tar file with these files, by path; the same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, entry in sorted(entries.items()):
            about = tarfile.TarInfo(path)
            about.size, about.mode, about.uid, about.gid = len(entry.content), entry.mode, entry.user, entry.user
            about.type = tarfile.DIRTYPE if path.endswith("/") else tarfile.REGTYPE
            archive.addfile(about, io.BytesIO(entry.content))
    made = store() / f"{hashlib.sha256(buffer.getvalue()).hexdigest()}.tar"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(buffer.getvalue())
    return made


def debian(say: Say) -> Path:
    """Return the layer of Debian packages that all servers share; made once (a minute), and anew for other packages."""
    recipe = hashlib.sha256(f"{SUITE} {PACKAGES} {LEFT_OUT}".encode()).hexdigest()[:12]
    made = store() / f"debian-{recipe}.tar"
    if not made.exists():
        say("making the images of the real node from Debian packages (a minute)")
        made.parent.mkdir(parents=True, exist_ok=True)
        partial = made.with_suffix(".partial.tar")
        excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
        included = f"--include={','.join(PACKAGES)}"
        sources = [str(path) for path in SOURCES if path.exists()]
        command = ["mmdebstrap", "--quiet", "--variant=minbase", included, *excluded, SUITE, str(partial), *sources]
        subprocess.run(command, check=True)
        partial.replace(made)
    return made
