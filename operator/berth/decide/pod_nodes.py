"""What nodes offer for classes of pods: the handler of their RuntimeClass, and user namespaces.

Sources: node.status.runtimeHandlers and its features (KEP-3857, KEP-127).
"""

import orjson

from berth.api.reasons import Reason
from berth.decide.model import Unavailable
from berth.decide.proof import contradicted
from berth.world.records import ClassRecord, NodeRecord, RuntimeClassRecord


def pod_nodes(
    record: ClassRecord, runtime: RuntimeClassRecord | None, nodes: tuple[NodeRecord, ...]
) -> tuple[Unavailable | None, tuple[NodeRecord, ...]]:
    """Return why no pod of a class can run, and which of the nodes that may take it could run it."""
    missing, able = _with_runtime(record, runtime, nodes)
    return missing or (contradicted(record) if able else None), able


def _with_runtime(
    record: ClassRecord, runtime: RuntimeClassRecord | None, nodes: tuple[NodeRecord, ...]
) -> tuple[Unavailable | None, tuple[NodeRecord, ...]]:
    wanted = record.spec.pod.runtime_class_name if record.spec and record.spec.pod else None
    if wanted is None:
        return _with_user_namespaces(record, None, nodes)
    if runtime is None:
        text = (
            f"RuntimeClass {wanted} does not exist: install that runtime, or correct pod.runtimeClassName of"
            f" IsolationClass {record.name}"
        )
        return Unavailable(Reason.RUNTIME_CLASS_MISSING, text), nodes
    vouched = vouched_handler(record)
    if vouched is not None and runtime.handler != vouched:
        text = (
            f"RuntimeClass {wanted} has handler {runtime.handler}, but IsolationClass {record.name} vouches for"
            f" {vouched}: restore the RuntimeClass, or set pod.handler of the class if that isolates as"
            " well"
        )
        return Unavailable(Reason.RUNTIME_CHANGED, text), nodes
    # A node that does not say which handlers it has may have this one; kubelets before 1.30 and fakes say nothing.
    able = tuple(node for node in nodes if node.handlers is None or runtime.handler in node.handlers)
    return _with_user_namespaces(record, runtime, able)


def _with_user_namespaces(
    record: ClassRecord, runtime: RuntimeClassRecord | None, nodes: tuple[NodeRecord, ...]
) -> tuple[Unavailable | None, tuple[NodeRecord, ...]]:
    """Return the nodes that give pods the user namespaces that a class promises.

    A kubelet that knows of user namespaces refuses `hostUsers: false` where its handler has none. One that says nothing
    of them may be old enough to ignore that field, and root would be root of the node (KEP-127, version skew): as long
    as the scheduler may take such a node, nothing runs in the class.
    """
    if record.spec is None or record.spec.pod is None or not record.spec.pod.user_namespaces:
        return None, nodes
    silent = sorted(node.name for node in nodes if node.user_namespaces is None)
    if silent:
        text = (
            f"{len(silent)} of {len(nodes)} nodes, {silent[0]} among them, do not say whether their runtime has user"
            " namespaces, and an old kubelet ignores them: upgrade kubelet and runtime there, or leave these nodes out"
            f" by nodes.selector of IsolationClass {record.name}"
        )
        return Unavailable(Reason.NO_CAPABLE_NODE, text), nodes
    handler = runtime.handler if runtime else ""
    return None, tuple(node for node in nodes if handler in (node.user_namespaces or ()))


def vouched_handler(record: ClassRecord) -> str | None:
    """Return the handler that a class vouches for: the one its admin names, else the first one that was seen.

    That one is remembered in the status of the class. It can only rule a RuntimeClass out, never let one in.
    """
    spec = record.spec
    if spec is None or spec.pod is None or spec.pod.runtime_class_name is None:
        return None
    remembered = orjson.loads(record.status or b"{}").get("handler")
    return spec.pod.handler or (str(remembered) if remembered else None)
