"""Builds the images from their Dockerfiles and lays them down as OCI layouts in build/."""

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from berth import __version__
from ground.toolchain import go_build
from image import base, storage
from image.layout import Image
from image.storage import Say

REPOSITORY = Path(__file__).resolve().parents[2]
LAYOUT = REPOSITORY / "build" / "image"
PROBE_LAYOUT = REPOSITORY / "build" / "probe"
PROBE = REPOSITORY / "operator" / "probe"
PROBE_NAME = f"localhost/berth-probe:{__version__}"
NAME = f"localhost/berth:{__version__}"
# What pip is told on this host about how to reach an index; where wheels lie on this host is of no use in the build.
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def build(say: Say = print) -> Image:
    """Build the image with what this machine has and return it; raises ImageError when it has nothing."""
    reason = storage.missing()
    if not reason:
        with storage.held(say):
            return _with_buildah(*base.make(say), say)
    if (engine := storage.engine()) is None:
        raise storage.ImageError(f"neither docker nor podman answers, and {reason}")
    return _with_engine(engine, say)


def build_probe(say: Say = print) -> Image:
    """Build the image of probes with what this machine has and return it; raises ImageError when it has nothing."""
    reason, engine = storage.missing(), storage.engine()
    if reason and engine is None:
        raise storage.ImageError(f"neither docker nor podman answers, and {reason}")
    with tempfile.TemporaryDirectory() as scratch, storage.held(say):
        shutil.copy(PROBE / "Dockerfile", scratch)
        shutil.copy(go_build(PROBE, say), Path(scratch) / "berth-probe")
        if not reason:
            options = ("--isolation", "chroot", "--identity-label=false", "--timestamp", committed("%ct") or "0")
            storage.buildah("build", *options, "--tag", PROBE_NAME, *_arguments(_labels()), scratch)
            return _laid_by_buildah(PROBE_NAME, PROBE_LAYOUT)
        storage.run([str(engine), "build", "--tag", PROBE_NAME, *_arguments(_labels()), scratch])
        return _laid_by_engine(str(engine), PROBE_NAME, PROBE_LAYOUT)


def built() -> Image:
    """Return the image that was built last; raises ImageError when none was."""
    if not (LAYOUT / "index.json").exists():
        raise storage.ImageError("there is no image yet: run `make image`")
    return Image(LAYOUT)


def _with_buildah(build_base: str, slim: str, say: Say) -> Image:
    say("building the image with buildah")
    with _secrets() as secrets:
        storage.buildah(
            *(
                "build",
                "--isolation",
                "chroot",
                "--identity-label=false",
                "--tag",
                NAME,
                "--timestamp",
                committed("%ct") or "0",
            ),
            *_arguments({"BUILD_BASE": build_base, "BASE": slim} | _labels()),
            *secrets,
            REPOSITORY,
        )
    storage.keep(build_base, slim, NAME, PROBE_NAME)
    return _laid_by_buildah(NAME, LAYOUT)


def _laid_by_buildah(name: str, layout: Path) -> Image:
    shutil.rmtree(layout, ignore_errors=True)
    layout.parent.mkdir(exist_ok=True)
    storage.buildah("push", "--quiet", name, f"oci:{layout}:{__version__}")
    return Image(layout)


def _with_engine(engine: str, say: Say) -> Image:
    """Build on the base that the Dockerfile names: an engine of the host can pull it."""
    say(f"building the image with {engine}")
    with _secrets() as secrets:
        storage.run([engine, "build", "--tag", NAME, *_arguments(_labels()), *secrets, REPOSITORY])
    return _laid_by_engine(engine, NAME, LAYOUT)


def _laid_by_engine(engine: str, name: str, layout: Path) -> Image:
    shutil.rmtree(layout, ignore_errors=True)
    layout.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / "image.tar"
        form = ["--format", "oci-archive"] if engine == "podman" else []
        storage.run([engine, "save", *form, "--output", saved, name])
        shutil.unpack_archive(saved, layout, filter="data")
    return Image(layout)


def _arguments(values: Mapping[str, str]) -> list[str]:
    return [f"--build-arg={name}={value}" for name, value in values.items()]


def _labels() -> dict[str, str]:
    """Return what the image says of where it is from; $BERTH_SOURCE is the address of the repository."""
    revision = committed("%H") or "unknown"
    return {"VERSION": __version__, "REVISION": revision, "SOURCE": os.environ.get("BERTH_SOURCE", "unknown")}


def committed(what: str) -> str:
    """Return something of the commit that is checked out; nothing outside a repository."""
    command = ["git", "-C", str(REPOSITORY), "log", "-1", f"--format={what}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def _secrets() -> Iterator[list[str]]:
    """Give the options that lend the build this host's way to an index: they are mounted, never copied."""
    with tempfile.TemporaryDirectory() as scratch:
        told = pip_options()
        secrets = {}
        if authority := _authority(told):
            secrets["ca"] = authority
        settings = configparser.ConfigParser(interpolation=None)
        known = {name: told[name] for name in PIP_OPTIONS if name in told}
        settings["global"] = known | ({"cert": "/run/ca.pem"} if authority else {})
        secrets["pip"] = Path(scratch) / "pip.conf"
        with secrets["pip"].open("w") as file:
            settings.write(file)
        yield [f"--secret=id={name},src={path}" for name, path in secrets.items()]


def pip_options() -> dict[str, str]:
    """Return pip's options by name, from files and from the environment, which wins."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = storage.run(command).replace("'", "").splitlines()
    found = [line.partition("=") for line in listed]
    ranked = sorted(found, key=lambda line: line[0].startswith(":env:"))
    return {name.rpartition(".")[2]: value for name, _, value in ranked}


def _authority(told: Mapping[str, str]) -> Path | None:
    """Return the file of the authorities that this host trusts for an index, if it names one."""
    named = [told.get("cert"), *(os.environ.get(name) for name in CERTIFICATES)]
    return next((Path(path) for path in named if path and Path(path).is_file()), None)
