"""This KubeVirt has what the machine needs: the feature gates are on, and its version knows the fields."""

from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict
from berth.decide.versions import HOST_DEVICES, SERVICE_ACCOUNTS, VIDEO

_EXPANDS: Final = (
    "KubeVirt's instancetype.referencePolicy replaces instancetype and preference of a machine by what they say, while"
    " the Workload names them: set it to reference, or remove machine.instancetype and machine.preference"
)


def features(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machines that this KubeVirt cannot run before it is set up for them, or upgraded."""
    if ask.machine is None or facts.backend is not Backend.VIRTUAL_MACHINE or facts.unavailable is not None:
        return None
    message = _missing(ask, facts)
    return Verdict(Outcome.NOT_NOW, "features", Reason.KUBEVIRT_NOT_READY, message) if message else None


def _missing(ask: Ask, facts: ClassFacts) -> str | None:
    version = facts.kubevirt_version
    if ask.service_account is not None and version is not None and version < SERVICE_ACCOUNTS:
        return (
            f"a machine has a ServiceAccount since KubeVirt {_name(SERVICE_ACCOUNTS)}, this is {_name(version)}:"
            " upgrade KubeVirt, or remove spec.serviceAccountName"
        )
    guest = ask.machine.guest if ask.machine else None
    if facts.expands and guest and not ask.pooled and (guest.instancetype or guest.preference):
        return _EXPANDS
    kind = guest.instancetype if guest else None
    if HOST_DEVICES in facts.gates_off and (ask.host_devices or (kind and "hostDevices" in kind.sets)):
        return _off(HOST_DEVICES, "needs.hostDevices")
    if VIDEO in facts.gates_off and guest and guest.video:
        return _off(VIDEO, "the video device of the preference")
    return None


def _off(gate: str, what: str) -> str:
    return f"feature gate {gate} of KubeVirt is off, and {what} needs it: add it to developerConfiguration.featureGates"


def _name(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
