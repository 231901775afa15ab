"""What is in the image, what is not, and what it says of itself."""

import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from berth import __version__
from image import base, build
from image.bytecode import ENTRIES
from image.conftest import PLANTED
from image.layout import Image

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("image")]

LIMIT = 250_000_000
LABEL = "org.opencontainers.image"
RUNS = {"usr/bin/python3.11", "opt/berth/bin/berth", "opt/berth/bin/kubectl-berth"}
TOOLS = re.compile(
    r"(ba|da|z)?sh|busybox|apt(-\w+)*|dpkg(-\w+)*|pip[\d.]*|perl[\d.]*|[gc]?cc|[gc]\+\+|ld|curl|wget|openssl"
)
SCRIPTS = """
import importlib, sys
for entry in sys.argv[1:]:
    importlib.import_module(entry)
for module in list(sys.modules.values()):
    print(module.__name__, getattr(module, "__cached__", None) or "")
"""
EXTENSIONS = """
import importlib, pathlib, sysconfig
for path in pathlib.Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so"):
    importlib.import_module(path.name.partition(".")[0])
"""


def files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def python(root: Path, script: str, *arguments: str) -> str:
    """Run a script by the image's own Python, as its user, and return what it prints."""
    inside = ["chroot", "--userspec=65532:65532", str(root), "/opt/berth/bin/python", "-B", "-c", script, *arguments]
    return subprocess.run(
        inside, capture_output=True, text=True, check=True, env={"PATH": os.defpath + ":/usr/sbin"}
    ).stdout


def test_it_is_small(image: Image) -> None:
    assert image.compressed < image.size < LIMIT, f"{image.size / 1e6:.0f} MB"


def test_it_runs_as_a_user_without_rights(image: Image, root: Path) -> None:
    assert image.configuration["config"]["User"] == "65532:65532"
    assert [path for path in root.rglob("*") if path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)] == []
    writable = [path for path in root.rglob("*") if not path.is_symlink() and path.stat().st_mode & stat.S_IWOTH]
    assert {str(path.relative_to(root)) for path in writable} <= {"tmp", "var/tmp", "var/lock"}
    assert {path.lstat().st_uid for path in root.rglob("*")} == {0}


def test_nothing_can_be_run_in_it_but_berth_and_python(root: Path) -> None:
    paths = {str(path.relative_to(root)) for path in files(root) if path.stat().st_mode & stat.S_IXUSR}
    folders = ("bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/local/", "opt/berth/bin/")
    assert {path for path in paths if path.startswith(folders)} == RUNS
    assert [path for path in root.rglob("*") if TOOLS.fullmatch(path.name) and path.is_file()] == []
    assert not list(root.rglob("site-packages/pip")), "pip"


def test_it_says_what_it_is(image: Image) -> None:
    said = image.configuration["config"]
    assert said["Entrypoint"] == ["/opt/berth/bin/berth"]
    assert said["Cmd"] == ["operator"]
    assert set(said["ExposedPorts"]) == {"8080/tcp", "8443/tcp"}
    labels = {name.removeprefix(f"{LABEL}."): value for name, value in said["Labels"].items()}
    assert labels.keys() == {"title", "description", "licenses", "version", "revision", "source"}
    assert (labels["title"], labels["version"], labels["licenses"]) == ("berth", __version__, "Apache-2.0")
    assert labels["revision"] == (build.committed("%H") or "unknown")


def test_nothing_of_the_machine_that_built_it_is_left(image: Image, root: Path) -> None:
    """A host name that pip was told, where packages come from, the build's own folders, its trusted authorities."""
    words = {PLANTED.encode(), *(host.encode() for host in hosts())}
    told = json.dumps(image.configuration).encode()
    assert [word for word in words if word in told] == []
    assert [path for path in files(root) if any(word in path.read_bytes() for word in words)] == []
    for path in ("etc/pip.conf", "etc/apt", "run/ca.pem", "src", "wheels", "build", "root/.cache"):
        assert not (root / path).exists(), path
    own = sorted((root / "usr/share/ca-certificates/mozilla").iterdir())
    assert (root / base.CERTIFICATES).read_bytes() == b"".join(path.read_bytes() for path in own)


def hosts() -> set[str]:
    """Return the servers that this machine takes packages from, but for those that the whole world does."""
    known = " ".join([*build.pip_options().values(), *(path.read_text() for path in base.SOURCES if path.exists())])
    found = set(re.findall(r"https?://(?:[^/\s@]+@)?([^/\s:]+)", known))
    return {host for host in found if not host.endswith((".debian.org", "pypi.org", "pythonhosted.org"))}


def test_it_starts_without_compiling_anything(root: Path) -> None:
    lines = [line.partition(" ") for line in python(root, SCRIPTS, *ENTRIES).splitlines()]
    cached = {name: root / path.removeprefix("/") for name, _, path in lines if path}
    assert len(cached) > 500
    assert [name for name, path in cached.items() if not path.exists()] == []


def test_every_module_of_its_python_finds_its_libraries(root: Path) -> None:
    python(root, EXTENSIONS)


def test_nobody_imports_what_was_left_out(root: Path) -> None:
    left_out = re.compile(rb"^\s*(from|import) kubernetes(\.aio| import .*\baio\b)", re.MULTILINE)
    sources = (root / "opt/berth/lib/python3.11/site-packages").rglob("*.py")
    assert [path for path in sources if left_out.search(path.read_bytes())] == []
