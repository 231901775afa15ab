"""The API server takes the pods in this namespace: Pod Security admission, by the labels of the namespace.

Source: k8s.io/pod-security-admission, whose checks the tests put every version of to a real API server. Of what Berth
renders, and KubeVirt for machines, `baseline` refuses nothing; `restricted` refuses the capabilities of root in every
version, and since 1.19 a pod without a seccomp profile.
"""

from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, PodSecurity, Verdict
from berth.policy.pod_security import BASELINE, LABEL, RESTRICTED

_SECCOMP: Final = 19
"""Minor version since which `restricted` wants a seccomp profile."""


def pod_security(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse root and, unless KubeVirt is set up for it, machines in namespaces that enforce `restricted`."""
    enforced = ask.pod_security
    if enforced is None or enforced.level != RESTRICTED:
        return None
    if facts.backend is Backend.VIRTUAL_MACHINE:
        return None if facts.restricted_seccomp or _older(enforced) else _machine(enforced)
    return _root(enforced) if ask.root else None


def _older(enforced: PodSecurity) -> bool:
    return enforced.minor is not None and enforced.minor < _SECCOMP


def _root(enforced: PodSecurity) -> Verdict:
    message = _refused(
        enforced, "the capabilities of needs.root", "set securityContext.runAsUser in place of needs.root"
    )
    return Verdict(Outcome.NEVER, "pod_security", Reason.NO_ELIGIBLE_CLASS, message)


def _machine(enforced: PodSecurity) -> Verdict:
    profile = "seccompConfiguration.virtualMachineInstanceProfile.customProfile.runtimeDefaultProfile"
    message = _refused(enforced, "pods of machines without a seccomp profile", f"set {profile} of KubeVirt to true")
    return Verdict(Outcome.NOT_NOW, "pod_security", Reason.KUBEVIRT_NOT_READY, message)


def _refused(enforced: PodSecurity, what: str, instead: str) -> str:
    return (
        f"namespace {enforced.namespace} enforces Pod Security {enforced.level}, which refuses {what}: {instead}, or"
        f" label the namespace {LABEL}={BASELINE}"
    )
