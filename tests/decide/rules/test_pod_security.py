"""The API server takes the pods in this namespace: Pod Security admission, by the labels of the namespace."""

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, PodSecurity
from berth.decide.rules.pod_security import pod_security
from decide.builders import a_machine, an_ask, machines, pods

USERNS = pods(user_namespaces=True)
GVISOR = pods("gvisor", "Sandboxed")
KATA = pods("kata", "Virtualized")
RESTRICTED = PodSecurity("shop", "restricted")
BASELINE = PodSecurity("shop", "baseline")
OLD = PodSecurity("shop", "restricted", 18)
SINCE = PodSecurity("shop", "restricted", 19)


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (an_ask(root=True), GVISOR),
        (an_ask(root=True, pod_security=BASELINE), USERNS),
        (an_ask(root=True, pod_security=BASELINE), GVISOR),
        (an_ask(root=True, pod_security=BASELINE), KATA),
        (an_ask(pod_security=RESTRICTED), pods()),
        (a_machine(pod_security=BASELINE), machines()),
        (a_machine(pod_security=OLD), machines()),
        (a_machine(pod_security=RESTRICTED), machines(restricted_seccomp=True)),
        (a_machine(root=True, pod_security=RESTRICTED), machines(restricted_seccomp=True)),
    ],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert pod_security(ask, facts) is None


@pytest.mark.parametrize("facts", [USERNS, GVISOR, KATA], ids=lambda facts: facts.name)
@pytest.mark.parametrize("enforced", [RESTRICTED, OLD, SINCE])
def test_restricted_refuses_root_whatever_its_version(enforced: PodSecurity, facts: ClassFacts) -> None:
    verdict = pod_security(an_ask(root=True, pod_security=enforced), facts)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.NO_ELIGIBLE_CLASS)
    assert verdict.message == (
        "namespace shop enforces Pod Security restricted, which refuses the capabilities of needs.root: set"
        " securityContext.runAsUser in place of needs.root, or label the namespace"
        " pod-security.kubernetes.io/enforce=baseline"
    )


@pytest.mark.parametrize("enforced", [RESTRICTED, SINCE])
def test_restricted_refuses_machines_until_kubevirt_gives_their_pods_a_seccomp_profile(enforced: PodSecurity) -> None:
    verdict = pod_security(a_machine(pod_security=enforced), machines())
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.KUBEVIRT_NOT_READY)
    assert "customProfile.runtimeDefaultProfile of KubeVirt to true" in verdict.message
