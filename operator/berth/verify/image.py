"""References to images, read strictly, and the rules for where they may come from.

Grammar: github.com/distribution/reference. What that grammar allows but nobody writes (IPv6 hosts, digests other than
sha256) is refused, so that every reader of a reference takes it for the same image.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from berth.verify.model import Bounds, Images
from berth.verify.table import Complaint, kind_of

DEFAULT_HOST: Final = "docker.io"
_ALIASES: Final = {"index.docker.io": DEFAULT_HOST, "registry-1.docker.io": DEFAULT_HOST}
_OFFICIAL: Final = "library"
_LONGEST_NAME: Final = 255

_LABEL: Final = r"(?:[A-Za-z0-9]|[A-Za-z0-9][-A-Za-z0-9]*[A-Za-z0-9])"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::(?P<port>[1-9][0-9]{{0,4}}))?", re.ASCII)
_PART: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG: Final = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}", re.ASCII)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_PORTS: Final = range(1, 65536)


@dataclass(frozen=True, slots=True)
class Reference:
    """One image: registry, path in it, and what is taken of it."""

    host: str
    """Host and port of the registry."""
    path: tuple[str, ...]
    tag: str | None
    digest: str | None


@lru_cache(maxsize=4096)
def parse(text: str) -> Reference:
    """Return the image that a text refers to; raise ValueError for what is no reference, saying what is wrong."""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError("has a digest other than sha256 and 64 hexadecimal digits")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:  # that colon was the one of a port
        name, colon, tag = rest, "", ""
    if colon and not _TAG.fullmatch(tag):
        raise ValueError("has a tag with other characters than letters, digits, `_`, `.` and `-`")
    host, path = _split(name)
    if len(name) > _LONGEST_NAME or not path or not all(map(_PART.fullmatch, path)):
        raise ValueError("has a path with other characters than small letters, digits and single separators")
    return Reference(host, path, tag or None, digest or None)


def image(value: Any, bounds: Bounds) -> Complaint:
    """Return what is wrong with an image: the Workload must name it, and every rule for images must hold."""
    if not isinstance(value, str):
        return f"is {kind_of(value)}: name an image"
    try:
        reference = parse(value)
    except ValueError as error:
        return f"{error}: write registry/path:tag or registry/path@sha256:..."
    if value not in bounds.named.images:
        return "is an image that the Workload does not name: use one of its own"
    return next((complaint for rule in bounds.images if (complaint := _breaks(reference, rule))), None)


def _breaks(reference: Reference, rule: Images) -> Complaint:
    if rule.digest and reference.digest is None:
        return f"has no digest, and {rule.by} wants one: pin the image by @sha256:..."
    if rule.registries is not None and not any(_within(reference, prefix) for prefix in rule.registries):
        allowed = ", ".join(rule.registries) or "none"
        where = "/".join((reference.host, *reference.path))
        return f"is {where}, and {rule.by} allows images of {allowed} only: use one from there"
    return None


def _within(reference: Reference, prefix: str) -> bool:
    """Return whether an image lies below a prefix, counted in whole parts; a prefix that is none has nothing below."""
    wanted = _prefix(prefix)
    return bool(wanted) and (reference.host, *reference.path)[: len(wanted)] == wanted


@lru_cache(maxsize=1024)
def _prefix(text: str) -> tuple[str, ...]:
    """Return host and path of a prefix, such as `registry.example/acme/`; nothing for what is no prefix."""
    first, *parts = text.removesuffix("/").split("/")
    host, path = (first, tuple(parts)) if _is_host(first) else (DEFAULT_HOST, (first, *parts))
    if not _valid_host(host) or not all(map(_PART.fullmatch, path)):
        return ()
    return (_ALIASES.get(host, host), *path)


def _split(name: str) -> tuple[str, tuple[str, ...]]:
    """Return registry and path of a name, as container runtimes read it: without a registry it is Docker Hub."""
    first, slash, rest = name.partition("/")
    if not slash:
        return DEFAULT_HOST, (_OFFICIAL, name)
    if not _is_host(first):
        return DEFAULT_HOST, tuple(name.split("/"))
    if not _valid_host(first):
        raise ValueError("has a registry that is no host name with or without a port")
    host = _ALIASES.get(first, first)
    path = tuple(rest.split("/"))
    return host, (_OFFICIAL, *path) if host == DEFAULT_HOST and len(path) == 1 else path


def _is_host(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def _valid_host(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and (match["port"] is None or int(match["port"]) in _PORTS)
