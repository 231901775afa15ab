"""Every field of Berth's kinds, as their schemas have them, and values for each: fitting ones, and ones that are refused.

A field's path is the way to it through objects and lists; `[]` stands for an item of a list.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import Any

from berth.api.crd import KINDS, schema
from decide.drawing import pick

Json = dict[str, Any]
Path = tuple[str, ...]
ITEM = "[]"

_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PORT = r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
_SITE = r"^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"
TEXTS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    r"^[0-9]+(\.[0-9]+)?([eE][0-9]+|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$": (
        ("1", "500m", "2.5", "1024Mi", "3e9", 7, "64Gi", "2Mi", "0"),
        ("-1", "1 Gi", "1GiB", "one", "", "1" * 33, -1),
    ),
    r"^[-A-Za-z0-9]+$": (("Accept", "x-1"), ("", "a b", "a:b", "\u00e9")),
    r"^[A-Za-z0-9][-A-Za-z0-9._:/@]*$": (
        ("app:1", "registry.example/a/x:1", "registry.example.evil/a/x", "registry.example/a/../b/x", "docker.io/x"),
        ("", "-x", "a b", "a\n", "x" * 1025),
    ),
    r"^\.?[-_a-zA-Z][-._a-zA-Z0-9]*$": (("A", "B_1", ".x"), ("", "1A", "A=B", "A B", "..x")),
    r"^(\.?[-_a-zA-Z][-._a-zA-Z0-9]*)?$": (("A_", ""), ("1A", "A=B", "..")),
    r"^[A-Za-z0-9_-]+$": (("wireguard", "x_1"), ("", "a b", "../x")),
    r"^[a-z0-9]+$": (("amd64", "arm64", "s390x"), ("", "AMD64", "a-b")),
    _LABEL: (("a", "data", "config-1", "0", "shop"), ("", "A", "a.b", "-a", "a-", "x" * 64)),
    f"^{_SUBDOMAIN}$": (("s", "c.d", "fast", "builder", "c1"), ("", "A", "a_b", ".a", "a/b", "a..b", "x" * 254)),
    rf"^{_SUBDOMAIN}{_PORT}/([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*/)*$": (
        ("registry.example/", "registry.example:5000/a/", "docker.io/library/"),
        ("registry.example", "", "/", "https://registry.example/", "registry.example/A/", "registry.example/a"),
    ),
    r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$": (("1", "", "a.B_c"), ("-", "a b", "x" * 64)),
    r"^\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$": (("k", "a.b", ".a"), ("", "a/b", "..", "x" * 254)),
    r"^(\.?[^/.][^/]*)(/\.?[^/.][^/]*)*$": (("k", "a/b", ".x"), ("", "/a", "../a", "a/../b", "..")),
    f"^({_SUBDOMAIN}/)?{_QUALIFIED}$": (
        ("a", "b", "tenant", "example.com/team"),
        ("", "a/b/c", "-a", "a b", "x" * 64),
    ),
    r"^([0-9]-?)*[a-z](-?[a-z0-9])*$": (("http", "h-2", 80, 65535), ("", "8080", "a--b", "sixteen-letters-", 0, 65536)),
    r"^/[^:]*[^/:][^:]*$": (("/srv", "/a/b"), ("", "/", "srv", "/a:b")),
    f"^{_SUBDOMAIN}/{_QUALIFIED}$": (("nvidia.com/A100", "example.com/nic"), ("", "gpu", "a/b/c", "A/b")),
    rf"{_SITE}(/[A-Za-z0-9_][A-Za-z0-9._~+-]*)+$": (
        ("https://images.example/a.iso", "http://h:8080/a/b~1"),
        ("", "ftp://h/a", "https://h", "https://h/../a", "https://h/a?b", "https://u@h/a"),
    ),
    rf"{_SITE}/([A-Za-z0-9_][A-Za-z0-9._~+-]*/)*$": (
        ("https://images.example/", "http://h:8080/a/"),
        ("", "https://h", "https://h/a", "https://h/../", "h/"),
    ),
    r"^docker://[A-Za-z0-9][-A-Za-z0-9._:/@]*$": (
        ("docker://registry.example/a/x:1", "docker://docker.io/library/x"),
        ("", "registry.example/a/x:1", "docker://", "docker://a b"),
    ),
    r"^[A-Za-z0-9._-]+$": (("host-model", "Skylake-Server_v1.0"), ("", "a b", "x" * 64)),
    r"^[A-Za-z_][A-Za-z0-9_.-]*$": (("root", "_svc-1"), ("", "1a", "a b", "x" * 33)),
    r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$": (
        ("5d307ca9-b3ef-428c-8861-06e72d69f223",),
        ("", "5d307ca9", "5d307ca9-b3ef-428c-8861-06e72d69f22g"),
    ),
    r"^[A-Za-z0-9]([A-Za-z0-9 ._:/+-]*[A-Za-z0-9])?$": (("VMware-56 4d", "a"), ("", " a", "a;b", "x" * 65)),
    r"^[a-z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?$": (("q35", "pc-q35-rhel9.4.0"), ("", "Q35", "a/b", "x" * 64)),
    r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$": (("UTC", "Europe/Berlin"), ("", "../etc", "a/b/c/d")),
    "self.matches('^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}$')": (
        ("02:00:00:00:00:01", "00:50:56:aB:cd:EF"),
        ("", "02:00:00:00:00:01:"),
    ),
    "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')": (("a", "win-01"), ("", "x" * 64)),
    rf"^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?{_SUBDOMAIN}$": (("lan", "shop/lan.1"), ("", "a/b/c", "A", "/a")),
    "isCIDR(self)": (("10.0.0.0/8", "192.0.2.0/24"), ()),
}
"""For each pattern and rule on a text that there is, texts that it lets pass and such that it does not."""
BY_NAME: dict[str, tuple[Any, ...]] = {
    "className": ("c0", "c1", "c2", "c9"),
    "serviceAccountName": ("builder", "other", "admin"),
    "priorityClassName": ("high", "system-node-critical"),
    "storageClassName": ("fast", "slow"),
    "expiresAt": ("2026-03-20T10:00:00Z", "2026-11-30T00:00:00+02:00"),
    "when": ("true", "workload.spec.replicas > 1", "ns.name == 'x'"),
}
"""Texts of fields that no pattern bounds, or where some names mean something."""


@cache
def spec_of(kind: str) -> Json:
    """Return the schema of the spec of a kind."""
    found: Json = schema(next(each for each in KINDS if each.model.__name__ == kind))["properties"]["spec"]
    return found


@cache
def fields(kind: str) -> tuple[Path, ...]:
    """Return the paths of all fields of the spec of a kind."""
    return tuple(_fields(spec_of(kind), ()))


def _fields(node: Json, path: Path) -> Iterator[Path]:
    if path and path[-1] != ITEM:
        yield path
    for name, each in node.get("properties", {}).items():
        yield from _fields(each, (*path, name))
    if isinstance(node.get("items"), dict):
        yield from _fields(node["items"], (*path, ITEM))


def with_field(random: Random, kind: str, spec: Json, path: Path, *, fits: bool = True) -> Json:
    """Return a spec with another value in one field, and with the objects that it stands in."""
    found: Json = _put(random, spec_of(kind), spec, path, fits=fits)
    return found


def without_field(spec: Any, path: Path) -> Any:
    """Return a spec without one field; the first item of lists counts."""
    if isinstance(spec, list):
        return [without_field(spec[0], path[1:]), *spec[1:]] if spec and path[0] == ITEM else spec
    if not isinstance(spec, dict) or path[0] not in spec:
        return spec
    if len(path) == 1:
        return {name: value for name, value in spec.items() if name != path[0]}
    return spec | {path[0]: without_field(spec[path[0]], path[1:])}


def _put(random: Random, node: Json, value: Any, path: Path, *, fits: bool) -> Any:
    if not path:
        return a_value(random, node) if fits else a_wrong_value(random, node)
    step, rest = path[0], path[1:]
    if step == ITEM:
        items = value if isinstance(value, list) else []
        first = _put(random, node["items"], items[0] if items else None, rest, fits=fits)
        return [first, *items[1:]]
    inner = node["properties"][step]
    base = value if isinstance(value, dict) else _least(random, node)
    if not rest and fits:
        return base | {step: a_value(random, inner, step)}
    return base | {step: _put(random, inner, base.get(step), rest, fits=fits)}


def _least(random: Random, node: Json) -> Json:
    return {name: a_value(random, node["properties"][name], name) for name in node.get("required", ())}


def a_value(random: Random, node: Json, name: str = "", odds: float = 0.25) -> Any:
    """Draw a value that the schema of a field lets pass; whether its rules do is another matter."""
    kind = node.get("type")
    if kind == "object":
        return _an_object(random, node, odds)
    if kind == "array":
        return _a_list(random, node, odds)
    if kind == "integer":
        low, high = node.get("minimum", 0), node.get("maximum", 100)
        return pick(random, (low, min(high, max(low, 2)), min(high, low + 5), high))
    return pick(random, (False, True) if kind == "boolean" else _texts(node, name))


def _texts(node: Json, name: str) -> Sequence[Any]:
    if "enum" in node or name in BY_NAME:
        found: Sequence[Any] = node.get("enum") or BY_NAME[name]
        return found
    asked = node.get("pattern") or next((rule["rule"] for rule in node.get("x-kubernetes-validations", ())), None)
    texts = TEXTS[asked][0] if asked else ("x", "a text")
    return texts if "x-kubernetes-int-or-string" in node else [text for text in texts if isinstance(text, str)]


def _an_object(random: Random, node: Json, odds: float) -> Json:
    if "properties" not in node:
        keys = [key for key in ("a", "b", "pool") if random.random() < 0.5]
        return {key: pick(random, ("1", "2")) for key in keys or ["a"]}
    required = node.get("required", ())
    chosen = [name for name in node["properties"] if name in required or random.random() < odds]
    if not chosen and node["properties"]:
        chosen = [pick(random, list(node["properties"]))]
    return {name: a_value(random, node["properties"][name], name, odds * 0.6) for name in chosen}


def _a_list(random: Random, node: Json, odds: float) -> list[Any]:
    items: list[Any] = []
    for _ in range(max(node.get("minItems", 0), pick(random, (1, 1, 2)))):
        item = a_value(random, node["items"], "", odds)
        if item not in items:
            items.append(item)
    return items


def a_wrong_value(random: Random, node: Json) -> Any:
    """Draw a value that the schema of a field refuses."""
    kind = node.get("type")
    if "enum" in node:
        return pick(random, ("Unheard", "", 7))
    if kind == "object":
        return pick(random, (7, "x", [], True))
    if kind == "array":
        return pick(random, (7, "x", {}, [[]]))
    if kind == "boolean":
        return pick(random, ("true", 1, 0, []))
    if kind == "integer":
        wrong = ["1", 1.5, True, {}, *([node["minimum"] - 1] if "minimum" in node else [])]
        return pick(random, [*wrong, *([node["maximum"] + 1] if "maximum" in node else [])])
    wrong = [*TEXTS[node["pattern"]][1]] if "pattern" in node else []
    return pick(random, [*wrong, True, {}, 1.5, []])
