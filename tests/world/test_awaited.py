"""What a machine that runs and is not ready waits for, in words that say what to do."""

import pytest

from berth.api.reasons import Reason
from berth.world import children
from world.raws import Raw, a_raw, condition, conditions

AGENT = "waits for the guest agent: install and start qemu-guest-agent in it, or set another machine.readinessProbe"


def awaited(probe: Raw | None, *found: Raw, phase: str = "Running") -> str | None:
    """Return what a machine with this probe and these conditions waits for on its way."""
    spec = {"readinessProbe": probe} if probe else {}
    raw = a_raw("VirtualMachineInstance", spec=spec, status=conditions(*found, phase=phase))
    problem = children.machine(raw).problem
    return problem.message if problem and problem.reason == Reason.PROVISIONING else None


@pytest.mark.parametrize("probe", [{"guestAgentPing": {}}, {"exec": {"command": ["true"]}}])
def test_without_a_guest_agent_it_says_to_install_one(probe: Raw) -> None:
    assert awaited(probe, condition("Ready", "False")) == AGENT
    assert "does not pass yet" in str(awaited(probe, condition("Ready", "False"), condition("AgentConnected")))


@pytest.mark.parametrize(
    ("probe", "way"),
    [
        ({"tcpSocket": {"port": 22}}, "accept connections at port 22"),
        ({"httpGet": {"port": "web"}}, "answer the HTTP readinessProbe at port web"),
    ],
)
def test_a_port_that_does_not_answer_is_named(probe: Raw, way: str) -> None:
    wanted = f"waits for the guest to {way}: start what listens there, or change machine.readinessProbe"
    assert awaited(probe, condition("Ready", "False")) == wanted


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        ((condition("Ready"),), "Running"),
        ((condition("Ready", "False"), condition("Paused")), "Running"),
        ((condition("Ready", "False"),), "Scheduling"),
    ],
)
def test_what_is_ready_paused_or_not_started_waits_for_no_probe(found: tuple[Raw, ...], phase: str) -> None:
    assert awaited({"guestAgentPing": {}}, *found, phase=phase) is None


def test_a_machine_without_a_probe_waits_for_none() -> None:
    assert awaited(None, condition("Ready", "False")) is None


def test_a_failure_comes_before_what_the_probe_waits_for() -> None:
    failed = condition("Synchronized", "False", "FailedCreate", "x is forbidden")
    raw = a_raw(
        "VirtualMachineInstance",
        spec={"readinessProbe": {"guestAgentPing": {}}},
        status=conditions(failed, phase="Running"),
    )
    problem = children.machine(raw).problem
    assert problem is not None
    assert problem.reason == Reason.CHILD_REJECTED
