"""Probes on a real node: what isolates is seen from inside, an impostor is found out, and so is an open network."""

import pytest

from realnode import site
from scenarios import specs
from scenarios.kinds import CLASS, RUNTIME_CLASS
from scenarios.objects import Json
from scenarios.site import Space, shows

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

SECONDS = 120.0
RUNC_AS_SANDBOX: Json = {"level": "Sandboxed", "pod": {"runtimeClassName": "impostor"}}


def until(space: Space, name: str, kind: str, status: str, reason: str, says: str = "") -> Json:
    """Wait for a condition of a class with these words in its message; return the class."""
    return space.until(CLASS, name, lambda found: shows(found, kind, status, reason, says=says), SECONDS)


def until_available(space: Space, name: str, kind: str, status: str, reason: str) -> Json:
    """Wait for a condition of a class that is available; return the class."""
    available = ("Available", "True", "Verified")
    return space.until(
        CLASS, name, lambda found: shows(found, kind, status, reason) and shows(found, *available), SECONDS
    )


@pytest.mark.parametrize(("name", "kernel"), [("container", False), ("container-userns", False), ("gvisor", True)])
def test_what_the_chart_installs_isolates_as_it_says(space: Space, name: str, kernel: bool) -> None:
    found = until_available(space, name, "Probed", "True", "Verified")
    seen = found["status"]["probes"][0]["seen"]
    assert ("gvisor" in seen["kernel"]) is kernel
    assert (seen["noNewPrivs"], seen["capEff"].strip("0")) == ("1", "")


def test_a_policy_that_is_enforced_is_told(space: Space) -> None:
    until(space, "container", "NetworkPolicyEnforced", "True", "Verified")


def test_runc_under_the_name_of_a_sandbox_is_found_out(space: Space) -> None:
    space.put_body(RUNTIME_CLASS, {"metadata": {"name": "impostor"}, "handler": "impostor"})
    name = space.isolation_class("impostor", RUNC_AS_SANDBOX)
    until(space, name, "Available", "False", "IsolationContradicted", "runs on the kernel of the node")
    space.workload("web", specs.pinned(name, specs.container()))
    space.expect("web", "Placed", "False", "IsolationContradicted")
    assert space.children("web") == set()


def test_a_network_that_enforces_nothing_is_told(space: Space) -> None:
    with site.unenforced(space.cluster):
        space.merge(CLASS, "container", {"metadata": {"annotations": {"berth.dev/probe": space.name}}})
        until_available(space, "container", "NetworkPolicyEnforced", "False", "NetworkNotEnforced")
    space.merge(CLASS, "container", {"metadata": {"annotations": {"berth.dev/probe": f"{space.name}-again"}}})
    until(space, "container", "NetworkPolicyEnforced", "True", "Verified")
