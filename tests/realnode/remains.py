"""What a node might leave on its machine."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ground.node.place import CGROUPS, Place

SETTINGS = ("kernel", "vm", "net/ipv4", "net/ipv6/conf/all", "net/ipv6/conf/default", "net/bridge", "net/netfilter")
MOVING = (
    "kernel/random/",
    "kernel/ns_last_pid",
    "kernel/pty/nr",
    "kernel/perf_",
    "_count",
    "vm/stat_refresh",
    "/berth",
)
"""Settings that the kernel changes by itself, and those of links."""


@dataclass(frozen=True)
class Machine:
    """What every process of the machine sees; it must be as before."""

    mounts: frozenset[str]
    settings: dict[str, str]
    rules: str
    """Those of the packet filter."""
    links: frozenset[str]


def machine() -> Machine:
    """Look at the machine."""
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    mounted = (line.split()[3:5] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return Machine(
        frozenset(" ".join(each) for each in mounted),
        _settings(),
        rules,
        frozenset(each.name for each in Path("/sys/class/net").iterdir()),
    )


def _settings() -> dict[str, str]:
    root = Path("/proc/sys")
    found = (path for part in SETTINGS for path in (root / part).rglob("*") if path.is_file())
    return {str(path): _read(path) for path in found if not any(each in str(path) for each in MOVING)}


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return "write only"


def of_node(place: Place) -> list[str]:
    """Return what bears the name of a node: processes, links, cgroups, files."""
    links = [f"link {place.id}"] if Path("/sys/class/net", place.id).exists() else []
    cgroups = [f"cgroup {folder}" for folder, _, _ in os.walk(CGROUPS) if place.id in folder]
    files = [f"file {place.folder}"] if place.folder.exists() else []
    return [*_processes(place), *links, *cgroups, *files]


def _processes(place: Place) -> list[str]:
    marks = (f"{place.cluster.workdir}/".encode(), place.id.encode())
    found = [path for path in Path("/proc").glob("[0-9]*") if any(mark in _facts(path) for mark in marks)]
    return [f"process {path.name} {_facts(path)!r}" for path in found]


def _facts(process: Path) -> bytes:
    """Return what a process was started with, and its cgroups; nothing once it has ended."""
    try:
        return (process / "cmdline").read_bytes() + (process / "cgroup").read_bytes()
    except OSError:
        return b""
