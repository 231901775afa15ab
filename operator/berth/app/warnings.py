"""What people should know that changes nothing now: policies in mode Warn, waivers that end, autoscalers, no ports."""

from collections.abc import Iterable
from typing import Final

from berth.api.levels import Backend, NetworkMode, WorkloadType
from berth.api.reasons import ConditionType, Reason
from berth.app.events import Note
from berth.app.views import Look
from berth.decide.engine import decide
from berth.decide.model import Decision
from berth.observe.status import timestamp
from berth.render.ports import open_ports
from berth.world.autoscaler import NO_FIGURES
from berth.world.parse import seconds

_MAX_TEXT: Final = 1024
_MOST: Final = 16
_FIRST_FIGURES_SECONDS: Final = 120.0
"""Seconds in which metrics-server has figures of a pod that is ready; by default it reads every 15 seconds."""


def warnings(look: Look, decision: Decision, now: float, ahead: float) -> tuple[Note, ...]:
    """Return all warnings about one Workload, the most urgent kind first.

    Waivers are warned about that end within `ahead` seconds from `now`, which is in seconds since the epoch.
    """
    found = (
        *_conflict(look),
        *_ending(look, now + ahead),
        *_failed(look),
        *_stricter(look, decision),
        *_unable(look, now),
        *_kept(look),
        *_closed(look, decision),
        *_reachable(look, decision),
    )
    return tuple(Note(_kind(reason), str(reason), text[:_MAX_TEXT]) for reason, text in found[:_MOST])


def _kind(reason: Reason) -> str:
    """Return the type of the Event: a machine without ports may be meant so."""
    return "Normal" if reason is Reason.NO_OPEN_PORT else "Warning"


def _conflict(look: Look) -> Iterable[tuple[Reason, str]]:
    tenants = [tenant.name for tenant in look.policy_subject.tenants]
    if len(tenants) > 1:
        text = f"namespace {look.workload.key[0]} belongs to Tenants {' and '.join(tenants)}"
        yield Reason.TENANT_CONFLICT, f"{text}: the strictest of all they say holds until an admin corrects one of them"


def _ending(look: Look, soon: float) -> Iterable[tuple[Reason, str]]:
    for waived in look.waivers:
        if waived.expires <= soon:
            names = ", ".join(sorted(waived.policies))
            text = (
                f"Waiver {waived.name} ends at {timestamp(waived.expires)}: from then on IsolationPolicy {names} holds"
            )
            yield Reason.WAIVER_EXPIRING, f"{text} again: meet it by then, or ask for a new Waiver"


def _failed(look: Look) -> Iterable[tuple[Reason, str]]:
    for name, error in look.effective.errors:
        text = f"the condition of IsolationPolicy {name} failed on this Workload, which counts as a match: {error}"
        yield Reason.MISCONFIGURED, text


def _stricter(look: Look, decision: Decision) -> Iterable[tuple[Reason, str]]:
    """Yield what would be different if the policies in mode Warn were enforced."""
    stricter = look.effective.with_warn
    if stricter is None:
        return
    then = decide(look.ask, stricter, look.catalog.classes, look.current)
    now = decision.chosen
    if then.chosen is not None and now is not None and then.chosen.facts.name == now.facts.name:
        return
    outcome = f"it would run in {then.chosen.facts.name}" if then.chosen else f"nothing would fit ({then.reason})"
    yield Reason.WOULD_CHANGE, f"if policies in mode Warn were enforced, {outcome}: {then.message}"


def _unable(look: Look, now: float) -> Iterable[tuple[Reason, str]]:
    """Yield that its replicas do not follow its load."""
    for child in look.children:
        if child.kind == "HorizontalPodAutoscaler" and child.problem is not None and not child.deleting:
            if child.problem.message == NO_FIGURES and not _ready_before(look, now - _FIRST_FIGURES_SECONDS):
                continue
            text = "replicas stay as they are, for its HorizontalPodAutoscaler cannot act"
            yield Reason.AUTOSCALER_UNABLE, f"{text}: {child.problem.message}"


def _ready_before(look: Look, when: float) -> bool:
    """Return whether it has been ready since then, by its own status."""
    ready = (each for each in look.status.get("conditions", ()) if each["type"] == ConditionType.READY)
    return any(each["status"] == "True" and seconds(each["lastTransitionTime"]) <= when for each in ready)


def _kept(look: Look) -> Iterable[tuple[Reason, str]]:
    """Yield that an instancetype or a preference was edited, and the machine goes by what it was."""
    for what in look.outdated:
        text = f"{what} was edited, and KubeVirt keeps for this machine what it said when the machine was made: that is"
        fix = "to take the edit over, name another and then this one again, and restart the machine"
        yield Reason.KEEPS_OLD, f"{text} what runs and what is counted: {fix}"


def _closed(look: Look, decision: Decision) -> Iterable[tuple[Reason, str]]:
    """Yield that nothing can connect to a machine: people who bring one expect all of its ports to be open."""
    spec, chosen = look.spec, decision.chosen
    is_machine = chosen is not None and chosen.facts.backend is Backend.VIRTUAL_MACHINE
    if is_machine and spec.type is WorkloadType.SERVICE and not open_ports(spec):
        text = "no port is open: machine.ports is empty, so nothing can connect"
        yield Reason.NO_OPEN_PORT, f"{text}: add the ports that the guest listens on to machine.ports"


def _reachable(look: Look, decision: Decision) -> Iterable[tuple[Reason, str]]:
    """Yield that the network does not keep apart what a tenant has isolated, as a probe of the class saw it."""
    chosen = decision.chosen.facts if decision.chosen else None
    if chosen is not None and chosen.leaks and look.effective.requirement.network is NetworkMode.ISOLATED:
        found = ", ".join(chosen.leaks)
        text = f"its network is to be Isolated, but a probe of class {chosen.name} reached {found}"
        fix = "have an admin install a network that enforces NetworkPolicies"
        yield Reason.NETWORK_NOT_ENFORCED, f"{text}, which a NetworkPolicy forbids: {fix}"
