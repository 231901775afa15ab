"""An autoscaler that cannot act is told with its cause and what mends it; the same text while nothing happens."""

import pytest

from berth.api.reasons import Reason
from berth.world import children
from berth.world.autoscaler import NO_FIGURES
from world.raws import Raw, a_raw, condition, conditions

RESOURCES = "failed to get cpu utilization: unable to get metrics for resource cpu: "
NO_API = (
    f"the HPA was unable to compute the replica count: {RESOURCES}unable to fetch metrics from resource metrics API:"
    " the server could not find the requested resource (get pods.metrics.k8s.io)"
)
"""As kube-controller-manager 1.37.2 says it where no metrics API is."""
DOWN = (
    f"{RESOURCES}unable to fetch metrics from resource metrics API:"
    " the server is currently unable to handle the request (get pods.metrics.k8s.io)"
)
NOT_KNOWN_YET = (
    "the HPA controller was unable to get the target's current scale:"
    ' no matches for kind "Workload" in group "berth.dev"'
)
"""As it says of a Workload in the first half minute after the CRDs were made."""
UNREQUESTED = "failed to get cpu utilization: missing request for cpu in container log of Pod web-7595958d85-{}"


def told(status: Raw) -> str | None:
    """Return what is told of an autoscaler with this status."""
    problem = children.child(a_raw("HorizontalPodAutoscaler", status=status)).problem
    assert problem is None or problem.reason == Reason.AUTOSCALER_UNABLE
    return problem and problem.message


def inactive(message: str, reason: str = "FailedGetResourceMetric") -> Raw:
    """Return the status of an autoscaler that computes nothing."""
    able = condition("AbleToScale", "True", "SucceededGetScale")
    return conditions(able, condition("ScalingActive", "False", reason, message))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (NO_API, "the cluster has no metrics API (metrics.k8s.io): install metrics-server, or set replicas, not autoscaling"),
        (DOWN, "the metrics API (metrics.k8s.io) does not answer: see kubectl describe apiservice v1beta1.metrics.k8s.io"),
        (UNREQUESTED.format("kwknt"), "it compares use with requests, and container log requests no cpu: set requests.cpu in the resources of container log"),
        (f"{RESOURCES}no metrics returned from resource metrics API", NO_FIGURES),
        ("failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)", NO_FIGURES),
        ("failed to get cpu utilization: no pods returned by selector while calculating replica count", NO_FIGURES),
        ("pods by selector berth.dev/workload=web are controlled by more than one HPA (e.g. [shop/own shop/web])", "another HorizontalPodAutoscaler scales the same pods: delete one of them"),
        ("container log not found in Pod web-7595958d85-kwknt", "FailedGetResourceMetric: container log not found in a pod"),
    ],
)  # fmt: skip
def test_cause_and_remedy(message: str, text: str) -> None:
    assert told(inactive(message)) == text


def test_one_that_gets_no_scale_says_why() -> None:
    lost = condition("AbleToScale", "False", "FailedGetScale", 'workloads.berth.dev "web" is forbidden: no')
    assert told(conditions(lost)) == 'FailedGetScale: workloads.berth.dev "web" is forbidden: no'


def test_whichever_pod_is_named_the_text_stays() -> None:
    assert len({told(inactive(UNREQUESTED.format(name))) for name in ("kwknt", "zzzzz")}) == 1


@pytest.mark.parametrize(
    "status",
    [
        {},
        conditions(condition("AbleToScale"), condition("ScalingActive", "True", "ValidMetricFound")),
        conditions(condition("ScalingLimited", "False", "DesiredWithinRange")),
        inactive("scaling is disabled since the replica count of the target is zero", "ScalingDisabled"),
        inactive("the HPA target's scale is missing a selector", "InvalidSelector"),
        conditions(condition("AbleToScale", "False", "FailedGetScale", NOT_KNOWN_YET)),
    ],
)
def test_one_that_acts_or_has_nothing_to_do_is_silent(status: Raw) -> None:
    assert told(status) is None
