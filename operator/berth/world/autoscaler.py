"""A HorizontalPodAutoscaler that cannot act: why, and what mends it (reference: its controller, podautoscaler).

Its messages name pods, whichever comes first, so what is told is in words of ours where the cause is known.
"""

import re
from typing import Final

from berth.api.reasons import Reason
from berth.world.conditions import MAX_TEXT, condition
from berth.world.parse import Raw
from berth.world.records import Problem
from berth.world.steady import steady

NO_FIGURES: Final = "it gets no figures of its pods: see whether metrics-server runs, and reaches their kubelets"
"""What is told of pods without figures; so it also is in the first minute of a pod."""

_PASSING: Final = frozenset({"ScalingDisabled", "InvalidSelector"})
"""Reasons that tell of nothing wrong: no replicas are asked for, or it looked before there was a status."""
_NOT_KNOWN_YET: Final = "no matches for kind"
"""What its controller says of Workloads until it looks for new kinds again, 30 s after Berth's CRDs were made."""
_NOT_REQUESTED: Final = re.compile(r"missing request for cpu in container (\S+) of Pod")
_POD: Final = re.compile(r"\bPod \S+")
_CAUSES: Final = (
    (
        "could not find the requested resource",
        "the cluster has no metrics API (metrics.k8s.io): install metrics-server, or set replicas, not autoscaling",
    ),
    (
        "unable to handle the request",
        "the metrics API (metrics.k8s.io) does not answer: see kubectl describe apiservice v1beta1.metrics.k8s.io",
    ),
    ("no metrics returned", NO_FIGURES),
    ("did not receive metrics", NO_FIGURES),
    ("no pods returned by selector", NO_FIGURES),
    (
        "are controlled by more than one HPA",
        "another HorizontalPodAutoscaler scales the same pods: delete one of them",
    ),
)
"""What a message holds, and what is told then."""


def unable(status: Raw) -> Problem | None:
    """Return why a HorizontalPodAutoscaler with this status cannot act; None where it can, or has yet to look."""
    for kind in ("AbleToScale", "ScalingActive"):
        found = condition(status, kind, "False")
        if found is not None and not _passes(found):
            return Problem(Reason.AUTOSCALER_UNABLE, _told(found)[:MAX_TEXT])
    return None


def _passes(found: Raw) -> bool:
    return found.get("reason") in _PASSING or _NOT_KNOWN_YET in found.get("message", "")


def _told(found: Raw) -> str:
    message = found.get("message", "")
    if container := _NOT_REQUESTED.search(message):
        field = f"set requests.cpu in the resources of container {container[1]}"
        return f"it compares use with requests, and container {container[1]} requests no cpu: {field}"
    known = (told for said, told in _CAUSES if said in message)
    return next(known, f"{found.get('reason', '')}: {steady(_POD.sub('a pod', message))}")
