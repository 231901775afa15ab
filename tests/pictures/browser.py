"""Builds the page once per version outside the checkout, and draws pictures with it in headless Chromium."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ground import cache
from ground.toolchain import Say
from pictures.looks import Json

PAGE = Path(__file__).parent / "page"
NODE_MINIMUM = 20
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
ERROR_TAIL_LINES = 30


class BrowserError(RuntimeError):
    """No Node or Chromium, a build that failed, or a page that complains; the message says which and what to do."""


def shoot(drawn: Json, out: Path, say: Say = print) -> None:
    """Draw what `picture` has returned into a PNG file; raises BrowserError, with every complaint of the page."""
    dist = built(say)
    command = [_node(), str(dist.parent / "shoot.mjs"), _chromium(say), str(dist)]
    answer = subprocess.run(
        command, input=json.dumps(drawn, allow_nan=False).encode(), capture_output=True, check=False
    )
    if answer.returncode:
        raise BrowserError(answer.stderr.decode(errors="replace").strip())
    out.write_bytes(answer.stdout)


def built(say: Say = print) -> Path:
    """Return the folder of the built page; install the locked packages and build it when it is missing (1-2 minutes)."""
    folder = cache.folder() / "pictures"
    packages = folder / f"packages-{_digest([PAGE / 'package-lock.json'])}"
    home = folder / f"page-{_digest(sorted(path for path in PAGE.rglob('*') if path.is_file()))}"
    with cache.lock(folder / "build.lock", lambda: say("another process builds the page; waiting for it")):
        if not packages.exists():
            say("installing the locked npm packages for pictures (a minute the first time)")
            _install(packages)
        if not home.exists():
            say("building the page for pictures (half a minute)")
            _build(home, packages)
    return home / "dist"


def _digest(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _install(home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        work = Path(scratch) / "packages"
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PAGE / name, work)
        # No install script of any package is run.
        _run([_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
        work.rename(home)


def _build(home: Path, packages: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        work = Path(scratch) / "page"
        shutil.copytree(PAGE, work)
        (work / "node_modules").symlink_to(packages / "node_modules")
        _run([_npm(), "run", "build"], work)
        shutil.copy(work / "index.html", work / "dist")
        work.rename(home)


def _npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise BrowserError(f"pictures need Node >= {NODE_MINIMUM} with npm: install nodejs and npm")
    return npm


def _run(command: list[str], folder: Path) -> None:
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode:
        tail = "\n".join(f"{answer.stdout}{answer.stderr}".splitlines()[-ERROR_TAIL_LINES:])
        raise BrowserError(f"{' '.join(command)} failed:\n{tail}")


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise BrowserError(f"pictures need Node >= {NODE_MINIMUM}: install nodejs and npm")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(said.removeprefix("v").split(".")[0]) < NODE_MINIMUM:
        raise BrowserError(f"pictures need Node >= {NODE_MINIMUM}, not {said}")
    return node


def _chromium(say: Say) -> str:
    """Return Chromium's path; root installs Debian's package when there is none."""
    if found := _found():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("no Chromium on PATH; installing the package chromium")
        _run(["apt-get", "update", "-qq"], Path("/"))
        _run(list(INSTALL), Path("/"))
        if found := _found():
            return found
    raise BrowserError("pictures need Chromium: install the package chromium, or put one on PATH")


def _found() -> str | None:
    return next((path for path in map(shutil.which, BROWSERS) if path), None)
