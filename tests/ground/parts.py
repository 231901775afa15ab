"""The processes of a cluster: each notes its pid in `pids/` of the cluster's folder, and what it prints in `logs/`."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOG_TAIL_LINES = 15

_attended: dict[Path, None] = {}
"""Folders of the clusters that this process has brought up, and not down again."""


@dataclass(frozen=True)
class Component:
    """One process of a cluster; `pid` is None when it does not run, `memory` is resident bytes."""

    name: str
    pid: int | None
    memory: int


def component(workdir: Path, name: str) -> Component:
    """Read a part's process; a pid that now belongs to another program counts as not running."""
    try:
        pid = int(_noted(workdir, name).read_text())
        ours = any(
            f"{workdir}/".encode() in Path(f"/proc/{pid}/{each}").read_bytes() for each in ("cmdline", "environ")
        )
        memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return Component(name, None, 0)
    return Component(name, pid if ours else None, memory if ours else 0)


def components(workdir: Path) -> list[Component]:
    """Return every part that has noted its process, by name."""
    return [component(workdir, path.stem) for path in sorted((workdir / "pids").glob("*.pid"))]


def note(workdir: Path, name: str, pid: int) -> None:
    """Note the process of a part. Its command line or environment has to name the folder, by which it is known again."""
    _noted(workdir, name).write_text(str(pid))


def forget(workdir: Path, name: str) -> None:
    """Note that a part is to run no more."""
    _noted(workdir, name).unlink(missing_ok=True)


def log(workdir: Path, name: str) -> Path:
    """Return where a part prints to."""
    return workdir / "logs" / f"{name}.log"


def tail(path: Path) -> str:
    """Return the end of a log."""
    with suppress(FileNotFoundError):
        return end(path.read_text(errors="replace"))
    return "no log"


def end(text: str) -> str:
    """Return the last lines of what a program has printed."""
    return "\n".join(text.splitlines()[-LOG_TAIL_LINES:])


def attend(workdir: Path) -> None:
    """Have waits that fail tell which parts of this cluster do not run."""
    _attended[workdir] = None


def dismiss(workdir: Path) -> None:
    """Do not look at this cluster any more."""
    _attended.pop(workdir, None)


def ended() -> str:
    """Say which parts of this process's clusters have ended by themselves, with the end of their logs; else nothing."""
    down = [(each, part.name) for each in _attended for part in components(each) if part.pid is None]
    return "".join(
        f"\n{name} of cluster {workdir.name} does not run ({log(workdir, name)}):\n{tail(log(workdir, name))}"
        for workdir, name in down
    )


def _noted(workdir: Path, name: str) -> Path:
    return workdir / "pids" / f"{name}.pid"
