"""What probes saw from inside of a class of pods, against what the class promises.

Sources: proc(5) for boot_id, uid_map, Seccomp, NoNewPrivs and CapEff; node.status.nodeInfo for the node's own.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import orjson

from berth.api.isolation_class import IsolationClassSpec, Sight
from berth.api.levels import IsolationLevel
from berth.api.reasons import Reason
from berth.decide.model import Unavailable
from berth.world.records import ClassRecord, NodeRecord, RuntimeClassRecord, Software

_FILTERED: Final = "2"
_GVISOR: Final = "gvisor"
"""Part of the release that gVisor's kernel gives itself."""


def kind_of(record: ClassRecord, runtime: RuntimeClassRecord | None, software: Software) -> str:
    """Return the hash of all that may change what a probe of a class sees on nodes with this software."""
    spec = record.spec
    declared = [runtime.uid, runtime.handler] if runtime else []
    features = dict(software.features).get(runtime.handler if runtime else "", ())
    about = [record.uid, spec and (spec.level, spec.pod and spec.pod.model_dump()), record.asked, declared, features]
    said = orjson.dumps([*about, software.kubelet, software.runtime, software.kernel], option=orjson.OPT_SORT_KEYS)
    return blake2b(said, digest_size=8).hexdigest()


def shares_kernel(seen: Sight, node: NodeRecord) -> bool | None:
    """Return whether a pod runs on the kernel of its node; None where nothing tells."""
    for inside, outside in ((seen.boot_id, node.boot_id), (seen.kernel, node.software.kernel)):
        if inside and outside:
            return inside == outside
    return None


def contradictions(spec: IsolationClassSpec, seen: Sight, node: NodeRecord) -> tuple[str, ...]:
    """Return what was seen that a class does not promise, each as a sentence; nothing where it is as it says."""
    shares = shares_kernel(seen, node)
    found: list[str] = []
    if spec.level is not IsolationLevel.CONTAINER:
        if shares:
            found.append(f"it runs on the kernel of the node, {seen.kernel} with boot ID {seen.boot_id or 'unknown'}")
        elif spec.level is not IsolationLevel.SANDBOXED and _GVISOR in seen.kernel.lower():
            found.append(f"it runs on gVisor's kernel in user space, {seen.kernel}, not in a virtual machine")
    elif shares is not False:
        if spec.pod is not None and spec.pod.user_namespaces and _is_users_of_node(seen.uid_map):
            found.append(f"no user namespace keeps it from root: its map of user ids is {seen.uid_map or 'unknown'}")
        if seen.seccomp != _FILTERED:
            found.append(f"no seccomp filter is on: Seccomp is {seen.seccomp or 'unknown'}, not {_FILTERED}")
    if seen.no_new_privs != "1":
        found.append(f"programs may gain privileges: NoNewPrivs is {seen.no_new_privs or 'unknown'}, not 1")
    if seen.cap_eff.strip("0") or not seen.cap_eff:
        found.append(f"it may have capabilities: CapEff is {seen.cap_eff or 'unknown'}, not 0")
    return tuple(found)


def _is_users_of_node(uid_map: str) -> bool:
    """Return whether user 0 of the node is among the users of a pod, or nothing tells: each line has three numbers."""
    outside = uid_map.split()[1::3]
    return not outside or "0" in outside


def contradicted(record: ClassRecord) -> Unavailable | None:
    """Return why a class is found out; None as long as no probe has seen less than it promises."""
    wrong = [probe for probe in record.probes if probe.contradictions]
    if not wrong:
        return None
    first = min(wrong, key=lambda probe: probe.node)
    text = (
        f"a probe of class {record.name} on node {first.node} (kernel {first.kernel}) saw from inside that"
        f" {'; '.join(first.contradictions or ())}: correct the runtime on such nodes, or leave them out by"
        " nodes.selector; the class is probed again every few minutes"
    )
    return Unavailable(Reason.ISOLATION_CONTRADICTED, text)


def proven(record: ClassRecord, kinds: Mapping[str, tuple[NodeRecord, ...]]) -> bool:
    """Return whether a probe has seen, on every kind of nodes, what can be seen from inside of a class's promise.

    That memory is encrypted cannot, so a Confidential class is never proven.
    """
    spec, known = record.spec, {probe.key: probe for probe in record.probes}
    if spec is None or spec.level is IsolationLevel.CONFIDENTIAL:
        return False
    return bool(kinds) and all(
        key in known
        and (probe := known[key]).seen is not None
        and not probe.contradictions
        and (spec.level is IsolationLevel.CONTAINER or _apart(probe.seen, nodes))
        for key, nodes in kinds.items()
    )


def provable(level: IsolationLevel) -> str:
    """Return what a probe has seen of a class of this level that is proven: not by what hardware it is kept apart."""
    return "a kernel that is not the node's" if level is IsolationLevel.VIRTUALIZED else "all that the class promises"


def _apart(seen: Sight, nodes: tuple[NodeRecord, ...]) -> bool:
    return all(shares_kernel(seen, node) is False for node in nodes)


def leaks(record: ClassRecord) -> tuple[str, ...]:
    """Return what pods of a class reach though a NetworkPolicy forbids it, as probes saw it; sorted."""
    return tuple(sorted({address for probe in record.probes if probe.seen for address in probe.seen.reached or ()}))
