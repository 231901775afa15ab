"""Pods that a kubelet ended for good: evicted, or refused when they came to their node."""

from typing import Final

from berth.api.reasons import Reason
from berth.world.conditions import MAX_TEXT
from berth.world.ends import patience
from berth.world.parse import Raw, seconds
from berth.world.records import Problem, Trouble
from berth.world.steady import steady

_EVICTED: Final = frozenset({"Evicted", "Preempting", "Terminated", "NodeShutdown", "NodeLost"})
"""Reasons of a pod that was taken away; with any other one its node did not take it (OutOfcpu, NodeAffinity)."""
_LEEWAY_SECONDS: Final = 5.0
"""Seconds by which the clock of a node may be ahead of the API server's, which tells when the successor was made."""
_EVENT: Final = "its event tells why: kubectl get events --field-selector reason=Evicted"
_ADVICE: Final = (
    ("EmptyDir volume", "raise emptyDir.sizeLimit of that volume, or write less to it"),
    ("ephemeral", "raise resources.limits.ephemeral-storage, or write less"),
    ("low on resource", "request what it uses in resources.requests: pods that use more than that are evicted first"),
)


def is_removed(spec: Raw, status: Raw) -> bool:
    """Return whether a kubelet ended a pod: it says so, or the pod is over though its containers never may be.

    One whose containers end by themselves when it is evicted reads as one that succeeded or failed, without a reason.
    """
    if spec.get("restartPolicy") == "Always":
        return status.get("phase") in {"Succeeded", "Failed"}
    return status.get("phase") == "Failed" and bool(status.get("reason"))


def removed(raw: Raw) -> Trouble:
    """Return why a pod was ended, from its end on, for as long as its successor may share its fate."""
    status = raw["status"]
    born = seconds(status.get("startTime") or raw["metadata"].get("creationTimestamp"))
    # One that never was ready turns no condition but those of its sandbox and of the disruption.
    gone = max((seconds(each.get("lastTransitionTime")) for each in status.get("conditions") or ()), default=born)
    reason, said = status.get("reason", "Evicted"), steady(status.get("message", "")).strip().rstrip(".")
    advice = next((text for words, text in _ADVICE if words in said), "")
    told = ": ".join(each for each in (said, advice) if each) or _limits(raw.get("spec") or {})
    kind = Reason.EVICTED if reason in _EVICTED else Reason.UNSCHEDULABLE
    text = f"its node ended a pod ({reason}): {told}"[:MAX_TEXT]
    return Trouble(Problem(kind, text), since=gone - _LEEWAY_SECONDS, until=gone + patience(gone - born))


def _limits(spec: Raw) -> str:
    """Return what a pod was held to that was evicted, and whose status does not tell why."""
    sized = ((each["name"], (each.get("emptyDir") or {}).get("sizeLimit")) for each in spec.get("volumes") or ())
    held = [f"emptyDir.sizeLimit of volume {name} is {size}" for name, size in sized if size]
    for each in spec.get("containers") or ():
        limit = ((each.get("resources") or {}).get("limits") or {}).get("ephemeral-storage")
        held += [f"resources.limits.ephemeral-storage of container {each['name']} is {limit}"] if limit else []
    return "; ".join([*([", ".join(held)] if held else []), _EVENT])
