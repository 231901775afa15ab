"""Whole processors can be had: a machine needs a node that pins them. For pods the kubelet pins whole requests."""

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict


def dedicated(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machines with dedicated processors where no node has KubeVirt's CPU manager label."""
    if facts.backend is not Backend.VIRTUAL_MACHINE or ask.machine is None or facts.unavailable is not None:
        return None
    if not ask.pinned or any(shape.cpu_manager for shape in facts.shapes):
        return None
    message = (
        "dedicated processors: no node of the class has label kubevirt.io/cpumanager=true: enable CPUManager in"
        " KubeVirt and the static CPU manager of a node, or do without dedicated"
    )
    return Verdict(Outcome.NOT_NOW, "dedicated", Reason.NO_CAPABLE_NODE, message)
