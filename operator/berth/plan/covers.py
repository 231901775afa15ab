"""Whether a live object already says everything that is wanted of it.

Fields that somebody else added are left alone; fields that Berth no longer wants show as a changed desired-hash
annotation, because every apply configuration carries one.
"""

from typing import Any, Final

_MERGE_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "ownerReferences": ("uid",),
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "port", "protocol"),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""Lists that the API server merges by key (x-kubernetes-list-map-keys of the core kinds). All others are atomic."""

_ABSENT: Final = object()
"""Equal to nothing that anybody wants."""


def covers(live: Any, wanted: Any, *, merges: bool) -> bool:
    """Return whether every value in `wanted` stands in `live` too.

    `merges` says that the kind has list-maps (the core kinds); custom resources without list types have atomic lists.
    """
    return live == wanted or _covers(live, wanted, "", merges=merges)


def _covers(live: Any, wanted: Any, name: str, *, merges: bool) -> bool:
    """Compare two values that are not equal. Most of what is nested in them is, and that is found out in no time."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key, value in wanted.items():
            have = live.get(key, _ABSENT)
            if have != value and not _covers(have, value, key, merges=merges):
                return False
        return True
    return isinstance(wanted, list) and isinstance(live, list) and _covers_list(live, wanted, name, merges=merges)


def _covers_list(live: list[Any], wanted: list[Any], name: str, *, merges: bool) -> bool:
    keys = _MERGE_KEYS.get(name) if merges or name == "ownerReferences" else None
    if keys is None or not all(isinstance(item, dict) for item in (*live, *wanted)):
        return len(live) == len(wanted) and all(
            covers(have, want, merges=merges) for have, want in zip(live, wanted, strict=True)
        )
    by_key = {_identity(item, keys): item for item in live}
    return all(covers(by_key.get(_identity(want, keys), _ABSENT), want, merges=merges) for want in wanted)


def _identity(item: dict[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    # The API server fills in the protocol of a port before it compares.
    return tuple(item.get(key, "TCP" if key == "protocol" else None) for key in keys)
