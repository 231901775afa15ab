"""What the readiness probe of a machine waits for, read from a VirtualMachineInstance that runs and is not ready."""

from typing import Any, Final

from berth.api.reasons import Reason
from berth.world.records import Problem

_AGENT: Final = (
    "waits for the guest agent: install and start qemu-guest-agent in it, or set another machine.readinessProbe"
)


def awaited(vmi: dict[str, Any]) -> Problem | None:
    """Return what keeps a guest that runs from being ready, in words that name the fix; None when nothing does.

    KubeVirt has the condition AgentConnected only while an agent answers (virt-handler, kubevirt 1.9).
    """
    status, probe = vmi.get("status") or {}, (vmi.get("spec") or {}).get("readinessProbe") or {}
    states = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    if status.get("phase") != "Running" or states.get("Ready") == "True" or states.get("Paused") == "True":
        return None
    text = _for_handler(probe, agent=states.get("AgentConnected") == "True")
    return Problem(Reason.PROVISIONING, text) if text else None


def _for_handler(probe: dict[str, Any], *, agent: bool) -> str | None:
    if {"guestAgentPing", "exec"} & probe.keys():
        return "the readinessProbe, which the guest agent runs, does not pass yet" if agent else _AGENT
    port = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
    if port is None:
        return None
    way = "answer the HTTP readinessProbe" if "httpGet" in probe else "accept connections"
    return f"waits for the guest to {way} at port {port}: start what listens there, or change machine.readinessProbe"
