"""The node's network: names of Services, and policies that are enforced; the ground of what else is tried on it."""

import pytest

from realnode import pods
from scenarios.kinds import NETWORK_POLICY
from scenarios.site import Space

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

RUNTIMES = ("runc", "gvisor")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_pod_finds_a_service_by_name_and_reaches_it(space: Space, runtime: str) -> None:
    pods.serve(space, "web")
    pods.client(space, runtime)
    pods.until_reached(space, "web", 80, wanted=True)
    assert pods.reaches(space, f"web.{space.name}.svc.cluster.local", 80)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_policy_that_allows_nobody_is_enforced_until_it_allows_somebody(space: Space, runtime: str) -> None:
    pods.serve(space, "web")
    pods.client(space, runtime)
    pods.until_reached(space, "web", 80, wanted=True)
    everything = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    space.put(NETWORK_POLICY, "web", everything)
    pods.until_reached(space, "web", 80, wanted=False)
    space.put(NETWORK_POLICY, "web", everything | {"ingress": [{"from": [{"podSelector": pods.CLIENTS}]}]})
    pods.until_reached(space, "web", 80, wanted=True)
