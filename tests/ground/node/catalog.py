"""Every test image by its name, and what it is like."""

from pathlib import Path

from ground.node.images import APP, ENTRY_POINTS, USERS, Entry, Image, debian, layer
from ground.toolchain import Say, go_build, tool

PROBE = Path(__file__).resolve().parents[3] / "operator" / "probe"
ENTRY = "/entrypoint"
WWW_DATA = 33
MAKE = Entry(b"#!/bin/sh\nsleep 3\necho 12 passed\n", 0o755)


def images(say: Say = print) -> tuple[Image, ...]:
    """Return all images; builds what is missing."""
    probe = layer({"berth-probe": Entry(go_build(PROBE, say).read_bytes(), 0o755)})
    dns = layer({"coredns": Entry(tool("coredns", say).read_bytes(), 0o755)})
    return (
        *_of_program(go_build(APP, say)),
        *_of_packages(debian(say)),
        Image("berth-probe:1", (probe,), ("/berth-probe",), "65532"),
        Image("ground/coredns:1", (dns,), ("/coredns", "-conf", "/etc/coredns/Corefile")),
    )


def _of_program(app: Path) -> tuple[Image, ...]:
    """Return images of the Go program alone: with a user by number, by name, or none."""
    files = {"app": Entry(app.read_bytes(), 0o755), "tmp/": Entry(b"", 0o1777), "etc/passwd": Entry(USERS.encode())}
    own = layer(files | {"srv/": Entry(b"", 0o755, 65532)})
    plain = layer(files | {"srv/": Entry(b"", 0o755)})
    return (
        Image("ground/pause:1", (own,), ("/app", "pause"), "65532"),
        Image("demo/goweb:1", (own,), ("/app",), "65532"),
        Image("demo/goweb:2", (own,), ("/app",), "65532", {"VERSION": "2"}),
        Image("demo/goroot:1", (own,), ("/app",)),
        Image("demo/gonamed:1", (own,), ("/app",), "app"),
        # Writes to a folder of the image: one that its user owns, and one that is root's.
        Image("demo/gowriter:1", (own,), ("/app",), "65532", {"WRITE_TO": "/srv/state.db"}),
        Image("demo/gowriter:2", (plain,), ("/app",), "65532", {"WRITE_TO": "/srv/state.db"}),
        # Those of manifests/examples.
        Image("shop/checkout:1.9", (own,), ("/app",), "65532"),
        Image("shop/search:3.1", (own,), ("/app",), "65532", {"PORT": "9200"}),
        Image("demo/slow:1", (own,), ("/app",), "65532", {"START_AFTER": "25"}),
    )


def _of_packages(base: Path) -> tuple[Image, ...]:
    """Return images of Debian packages, whose entry points start as root unless they say another user."""
    conf = {"etc/nginx/berth.conf": _file("nginx.conf")}
    owned = {path: Entry(b"", 0o755, WWW_DATA) for path in ("var/cache/nginx/", "etc/nginx/conf.d/", "run/")}
    return (
        Image("demo/nginx:1", (base, _script("nginx", conf)), (ENTRY,)),
        Image("demo/nginx-unprivileged:1", (base, _script("nginx", conf | owned)), (ENTRY,), "33", {"PORT": "8080"}),
        Image("demo/postgres:1", (base, _script("postgres")), (ENTRY,)),
        Image("demo/redis:1", (base, _script("redis", {"data/": Entry(b"", 0o755)})), (ENTRY,), folder="/data"),
        Image("ci/build:2.4", (base, layer({"usr/local/bin/make": MAKE})), ("sh",)),
        Image("demo/script:1", (base, _script("script")), (ENTRY,)),
        Image("demo/jvm:1", (base, layer({"srv/Main.java": _file("Main.java")})), ("java", "/srv/Main.java"), "1000"),
    )


def _file(name: str) -> Entry:
    return Entry((ENTRY_POINTS / name).read_bytes())


def _script(name: str, more: dict[str, Entry] | None = None) -> Path:
    """Return the layer of an entry point, with more files."""
    return layer({"entrypoint": Entry((ENTRY_POINTS / f"{name}.sh").read_bytes(), 0o755), **(more or {})})
