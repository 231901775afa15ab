"""What one object showed, one state after the other, as a recording tells it and as the simulator shows it.

An object has facets: its phase, each of its conditions, its generations and so on. A facet's states in order, each that
differs from the one before, are its trace. Times are left out, the random ends of names are cut off, and so are messages
after as many characters as the recording keeps.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Json = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace, name."""

MESSAGE_LENGTH = 220
ABSENT = "-"
POD_NAME = re.compile(r"(virt-launcher-[a-z0-9-]+)-[a-z0-9]{5}\b")
STATE_CLAIM = re.compile(r"(persistent-state-for-[a-z0-9-]+?)(-[a-z0-9]{5})?$")
PLAIN = {
    "VM": ("printableStatus", "runStrategy"),
    "VMI": ("phase", "qosClass"),
    "POD": ("phase",),
    "VMIM": ("phase",),
    "DV": ("phase",),
    "PVC": ("phase",),
    "POOL": ("replicas", "readyReplicas"),
}
CONDITIONS = {"POD": ("kubevirt.io/virtual-machine-unpaused",), "PVC": ()}
"""Of these kinds only these conditions count: the others are those of Kubernetes."""
UNREAD = "False[VMIConditionMissing] VMI is missing the Ready condition"
STARTING = "False[GuestNotRunning] Guest VM is not reported as running"
"""What a machine copies from an instance that starts: nothing yet, then this. A controller that is behind copies the
next state at once."""


def states(kind: str, seen: Json) -> dict[str, str]:
    """Return the state of every facet in one observation, in the form of the recording."""
    life = "gone" if seen.get("DELETED") else "deleting" if seen.get("deleting") else "there"
    found = {"life": life} | {name: str(seen.get(name, ABSENT)) for name in PLAIN[kind]}
    if seen.get("gen") is not None and seen.get("gen") == seen.get("desiredGeneration"):
        found["generation/observedGeneration"] = f"{seen['gen']}/{seen.get('observedGeneration', ABSENT)}"
    wanted = CONDITIONS.get(kind)
    for text in seen.get("conds", []):
        type_, _, rest = text.partition("=")
        if wanted is None or type_ in wanted:
            found[f"condition {type_}"] = _state(kind, rest)
    return found


def _state(kind: str, text: str) -> str:
    """Return status, reason and message of a condition; of a pod's that holds, only that it does."""
    if kind == "POD" and text.startswith("True"):
        return "True"
    status, bracket, message = text.partition("] ")
    if not bracket:
        status, _, message = text.partition(" ")
        bracket = " " if message else ""
    return f"{status}{bracket}{_plain(message)}".strip()


def observed(kind: str, found: Json) -> Json:
    """Return a live object in the form of the recording."""
    meta, status = found["metadata"], found.get("status", {})
    seen: Json = {name: status[name] for name in PLAIN[kind] if status.get(name) not in (None, "", 0)}
    seen |= {name: status[name] for name in ("observedGeneration", "desiredGeneration") if name in status}
    seen |= {"gen": meta.get("generation"), "deleting": "deletionTimestamp" in meta}
    seen["conds"] = [_condition(item) for item in status.get("conditions", [])]
    return seen


def _condition(item: Json) -> str:
    reason = f"[{item['reason']}]" if item.get("reason") else ""
    return f"{item['type']}={item['status']}{reason} {item.get('message', '')}".strip()


def _plain(message: str) -> str:
    return POD_NAME.sub(r"\1-*", message[:MESSAGE_LENGTH])


@dataclass
class Trace:
    """The traces of all facets of all objects, and in which states they came to rest, where that is known."""

    facets: dict[tuple[Key, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    rests: dict[tuple[Key, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    names: dict[Key, str] = field(default_factory=dict)
    latest: dict[Key, dict[str, str]] = field(default_factory=dict)

    def add(self, kind: str, namespace: str, name: str, seen: Json) -> None:
        """Take in one observation."""
        key = kind, namespace, self._role(kind, namespace, name)
        new, old = states(kind, seen), self.latest.get(key, {})
        if new["life"] == "gone":
            new = {"life": "gone"}
        # What has no generation now has kept the last one; a condition that is not there any more is absent.
        gone = {facet: ABSENT for facet in old if facet not in new and facet.startswith("condition ")}
        self.latest[key] = {**old, **gone, **new}
        for facet, state in {**gone, **new}.items():
            _append(self.facets[key, facet], state)

    def rest(self, namespace: str) -> None:
        """Note that everything of a namespace has come to rest."""
        for key, found in self.latest.items():
            if key[1] == namespace:
                for facet, state in found.items():
                    _append(self.rests[key, facet], state)

    def namespaces(self) -> list[str]:
        """Return all namespaces, in order."""
        return sorted({key[1] for key, _ in self.facets})

    def of(self, namespace: str) -> Iterator[tuple[Key, str]]:
        """Return all facets of a namespace, in order."""
        yield from sorted(each for each in self.facets if each[0][1] == namespace)

    def _role(self, kind: str, namespace: str, name: str) -> str:
        """Return a name without what is random in it: launcher pods are numbered as they come."""
        key = kind, namespace, name
        if key not in self.names:
            base = POD_NAME.sub(r"\1", STATE_CLAIM.sub(r"\1", name))
            before = sum(known[:2] == key[:2] and role.split(" ")[0] == base for known, role in self.names.items())
            self.names[key] = f"{base} #{before + 1}" if kind == "POD" else base
        return self.names[key]


def differences(recorded: Trace, shown: Trace, namespace: str) -> list[tuple[str, str]]:
    """Return kind and facet of every difference of a namespace, and what differs.

    All that was recorded must have been shown, in this order: the recording may have missed what lasted a moment. And
    all in which an object came to rest must have been recorded, in this order: nothing that stays is made up.
    """
    found = []
    for key, facet in sorted({*recorded.of(namespace), *shown.of(namespace)}):
        was, is_, stays = (_known(trace, key, facet) for trace in (recorded.facets, shown.facets, shown.rests))
        where = f"{key[0]} {facet}"
        if not _within(_required(key[0], was), is_):
            found.append((where, f"{key[2]}: recorded {' > '.join(was)}, shown {' > '.join(is_)}"))
        elif not _within(stays, was):
            found.append((where, f"{key[2]}: stays {' > '.join(stays)}, recorded {' > '.join(was)}"))
    return found


def _required(kind: str, was: list[str]) -> Iterator[str]:
    """Yield the recorded states that must be shown: all but what a machine copies while its instance starts."""
    for state, following in pairwise([*was, ""]):
        missed = (state == UNREAD and following) or (state == STARTING and following == "True")
        if kind != "VM" or not missed:
            yield state


def _known(traces: dict[tuple[Key, str], list[str]], key: Key, facet: str) -> list[str]:
    """Return a trace without the absence that a condition starts with."""
    found = traces.get((key, facet), [])
    return found[1:] if found[:1] == [ABSENT] else found


def _within(part: Iterable[str], whole: Iterable[str]) -> bool:
    """Tell whether a trace is another one with some states left out."""
    rest = iter(whole)
    return all(state in rest for state in part)


def _append(trace: list[str], state: str) -> None:
    if trace[-1:] != [state]:
        trace.append(state)
