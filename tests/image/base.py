"""Two bases from Debian packages: one that builds, and a slim one that is shipped, with Python and nothing to run but it.

The slim one is a list of packages as they were unpacked, never configured: no shell, no package manager, no maintainer
scripts. What dpkg knows of each stands in var/lib/dpkg/status.d, where scanners look for it.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from image import storage
from image.storage import Say

SUITE = "bookworm"
BUILD_PACKAGES = ("python3-venv", "binutils", "ca-certificates")
PACKAGES = (
    "base-files",
    "ca-certificates",
    "gcc-12-base",
    "libbz2-1.0",
    "libc6",
    "libcrypt1",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "libuuid1",
    "python3.11-minimal",
    "zlib1g",
)
# Not shipped: what has no use without a shell or a terminal, and modules of Python whose libraries are not there.
DROPPED = (
    "usr/share/man",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/binfmts",
    "usr/share/doc/*/[!c]*",
    "usr/share/doc/*/changelog*",
    "usr/sbin/*",
    "var/local",
    "usr/lib/*/gconv",
    "usr/lib/python3.11/pydoc_data",
    "usr/lib/python3.11/test",
    "usr/lib/python3.11/lib2to3",
    "usr/lib/python3.11/lib-dynload/_curses*",
    "usr/lib/python3.11/lib-dynload/_dbm*",
    "usr/lib/python3.11/lib-dynload/nis*",
    "usr/lib/python3.11/lib-dynload/readline*",
)
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
FILES = {
    "etc/passwd": "root:x:0:0:root:/:/nonexistent\nberth:x:65532:65532:berth:/tmp:/nonexistent\n",
    "etc/group": "root:x:0:\nberth:x:65532:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
# What apt is told on this host about how to reach packages, and nothing else of it.
APT_OPTIONS = ("Acquire::http", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIPv")
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))


def names() -> tuple[str, str]:
    """Return the names of both images, the one that builds and the slim one: another recipe is another name."""
    recipe = hashlib.sha256(Path(__file__).read_bytes() + storage.architecture().encode()).hexdigest()[:12]
    return f"localhost/berth-build:{recipe}", f"localhost/berth-base:{recipe}"


def make(say: Say = print) -> tuple[str, str]:
    """Make both bases when they are not in the storage, which is held, and return their names; raises ImageError."""
    build, slim = names()
    if not (storage.has(build) and storage.has(slim)):
        say("making the base from Debian packages (a minute)")
        with tempfile.TemporaryDirectory(dir=storage.folder()) as scratch:
            _make(Path(scratch), build, slim)
    return build, slim


def _make(scratch: Path, build: str, slim: str) -> None:
    debs, root = scratch / "debs", scratch / "slim"
    debs.mkdir()
    _bootstrap(scratch, debs)
    _keep(scratch / "build", build)
    _unpack(debs, root)
    _compile(root)
    _keep(root, slim)


def _bootstrap(scratch: Path, debs: Path) -> None:
    """Install what builds, and fetch the packages of the slim base by the same apt, which checks their signatures."""
    options = scratch / "apt.conf"
    dumped = storage.run(["apt-config", "dump"]).splitlines()
    options.write_text("\n".join(line for line in dumped if line.startswith(APT_OPTIONS)))
    fetch = f'cd {debs} && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -o APT::Sandbox::User=root download '
    storage.run(
        [
            "mmdebstrap",
            "--variant=apt",
            f"--include={','.join(BUILD_PACKAGES)}",
            f"--aptopt={options}",
            f"--customize-hook={fetch + ' '.join(PACKAGES)}",
            SUITE,
            scratch / "build",
            *_sources(),
        ],
        SOURCE_DATE_EPOCH="0",
    )


def _sources() -> list[Path]:
    """Return where this host takes its packages from, if it is of the same release; else Debian's own server is asked."""
    release = Path("/etc/os-release").read_text()
    return [path for path in SOURCES if f"VERSION_CODENAME={SUITE}\n" in release and path.exists()]


def _unpack(debs: Path, root: Path) -> None:
    status = root / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    for deb in sorted(debs.iterdir()):
        storage.run(["dpkg-deb", "--extract", deb, root])
        control = storage.run(["dpkg-deb", "--field", deb])
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        name = storage.run(["dpkg-deb", "--field", deb, "Package"]).strip()
        (status / name).write_text(f"{control}Status: install ok installed\nSHA256: {digest}\n")
    _clean(root)
    for path, content in FILES.items():
        (root / path).write_text(content)
    bundle = sorted((root / "usr/share/ca-certificates/mozilla").iterdir())
    (root / CERTIFICATES).parent.mkdir(parents=True, exist_ok=True)
    (root / CERTIFICATES).write_bytes(b"".join(path.read_bytes() for path in bundle))


def _clean(root: Path) -> None:
    for path in (path for pattern in DROPPED for path in root.glob(pattern)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _compile(root: Path) -> None:
    """Compile the standard library: nothing can be written where the operator runs. Content decides, not times."""
    library = "/usr/lib/python3.11"
    command = ["chroot", root, "/usr/bin/python3.11", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    storage.run([*command, library])


def _keep(root: Path, name: str) -> None:
    """Put a folder into the storage as an image."""
    container = storage.buildah("from", "scratch").strip()
    storage.buildah("add", "--quiet", container, root, "/")
    storage.buildah("commit", "--quiet", "--identity-label=false", "--timestamp", "0", "--rm", container, name)
