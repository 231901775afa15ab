"""Where an image comes from, and whether it is pinned. Grammar: https://github.com/distribution/reference."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

_REFERENCE: Final = re.compile(
    r"(?P<name>[^@:]+(?::[0-9]+/[^@:]+)?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>[^@]+))?",
    re.ASCII,
)
_HOST: Final = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[0-9]{1,5})?", re.ASCII)
_PART: Final = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_DEFAULT_HOST: Final = "docker.io"
_DEFAULT_HOSTS: Final = ("docker.io", "index.docker.io")


class Image(NamedTuple):
    """One image, with the host and path that short names leave out."""

    repository: str
    """Host, path and name: `docker.io/library/nginx`."""
    pinned: bool
    """Whether a digest says which bytes it is."""


@lru_cache(maxsize=4096)
def parse_image(text: str) -> Image | None:
    """Return what an image reference names, None for what is no reference."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    digest = found["digest"]
    if digest is not None and not _DIGEST.fullmatch(digest):
        return None
    host, slash, path = found["name"].partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = _DEFAULT_HOST, found["name"]
    if host in _DEFAULT_HOSTS:
        host, path = _DEFAULT_HOST, path if "/" in path else f"library/{path}"
    if not _HOST.fullmatch(host) or not all(_PART.fullmatch(part) for part in path.split("/")):
        return None
    return Image(f"{host.lower()}/{path}", digest is not None)
