"""How the containers of a pod end: a pause in which a Service forgets the pod, then SIGTERM, then time to end."""

from typing import Final

from berth.api.workload import WorkloadSpec
from berth.render.model import Object

PRE_STOP_SECONDS: Final = 5
"""Pause of what a Service leads to. Nodes drop an address within 0.4 s when idle; the rest is for loaded ones."""
GRACE_SECONDS: Final = 30
"""Time to end after SIGTERM, as Kubernetes gives a pod without a pause."""


def lifecycle(spec: WorkloadSpec) -> Object | None:
    """Return what the main container does before SIGTERM; None when nothing."""
    seconds = _pause(spec)
    return {"preStop": {"sleep": {"seconds": seconds}}} if seconds else None


def grace_period(spec: WorkloadSpec) -> int | None:
    """Return the seconds from the deletion of a pod to SIGKILL, the pause included; None for Kubernetes' own 30."""
    given, seconds = spec.termination_grace_period_seconds, _pause(spec)
    return GRACE_SECONDS + seconds if given is None and seconds else given


def _pause(spec: WorkloadSpec) -> int:
    given, grace = spec.container and spec.container.lifecycle, spec.termination_grace_period_seconds
    if given:
        return given.pre_stop.sleep.seconds
    if spec.service is None:
        return 0
    return PRE_STOP_SECONDS if grace is None else min(PRE_STOP_SECONDS, grace // 2)
