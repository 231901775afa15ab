"""What isolates is looked at from inside: a class that is found out takes nobody, and an open network is told."""

from collections.abc import Iterator

import pytest

from ground.api import eventually
from ground.chart import NAMESPACE as HOME
from ground.nodes import Shape
from scenarios import objects, site, specs
from scenarios.kinds import CLASS, EVENT, JOB, TENANT, WORKLOAD
from scenarios.objects import SECONDS, Json
from scenarios.process import Operator
from scenarios.site import Space, condition, shows

pytestmark = pytest.mark.ground

SANDBOX: Json = {"level": "Sandboxed", "pod": {"runtimeClassName": "gvisor"}}
IMAGE = "registry.example/berth-probe:1"


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that probes, on a control plane of its own."""
    with site.prepared(kubevirt=False) as cluster:
        operator = Operator(cluster, tmp_path_factory.mktemp("operator"), BERTH_PROBE_IMAGE=IMAGE)
        try:
            yield operator.start()
        finally:
            operator.stop()


@pytest.fixture
def space(probed: Operator) -> Iterator[Space]:
    """A namespace of its own."""
    made = Space.make(probed.cluster)
    yield made
    made.remove()


def says(space: Space, name: str, kind: str, status: str, reason: str, *words: str) -> str:
    """Wait for a condition of a class with these words in its message, and return the message."""
    found = space.until(CLASS, name, lambda found: shows(found, kind, status, reason, says=words))
    message: str = condition(found, kind)["message"]
    return message


def available(found: Json) -> bool:
    """Return whether a class is available."""
    return shows(found, "Available", "True")


def about(space: Space, name: str) -> list[Json]:
    """Return the Events about a class."""
    return [each for each in objects.items(space.cluster, EVENT, "default") if each["regarding"]["name"] == name]


@pytest.mark.parametrize("name", ["container", "container-userns", "gvisor"])
def test_what_the_chart_installs_is_seen_to_be_what_it_says(space: Space, name: str) -> None:
    says(space, name, "NetworkPolicyEnforced", "True", "Verified")
    found = space.until(CLASS, name, lambda found: shows(found, "Probed", "True", "Verified") and available(found))
    assert [probe["seen"]["noNewPrivs"] for probe in found["status"]["probes"]] == ["1"]


def test_a_runtime_that_is_another_is_found_out_and_takes_nobody(space: Space, probed: Operator) -> None:
    node = space.node("impostor")
    name = space.isolation_class("sandbox", SANDBOX | space.pool)
    words = (node, "kernel of the node", "6.18.44", "nodes.selector")
    message = says(space, name, "Available", "False", "IsolationContradicted", *words)
    assert says(space, name, "Probed", "False", "IsolationContradicted") == message
    (event,) = eventually(lambda: about(space, name), SECONDS, f"an Event about {name}")
    assert (event["type"], event["reason"], event["note"]) == ("Warning", "IsolationContradicted", message)
    space.workload("web", specs.pinned(name, specs.container()))
    space.expect("web", "Placed", "False", "IsolationContradicted")
    assert space.children("web") == set()
    seen = f'berth_class_isolation_seen{{class="{name}"}} 0.0'
    eventually(lambda: seen in probed.scrape(), SECONDS, seen)


def test_what_runs_in_a_class_that_is_found_out_is_not_isolated(space: Space) -> None:
    space.node("able")
    name = space.isolation_class("sandbox", SANDBOX | space.pool)
    says(space, name, "Probed", "True", "Verified")
    space.workload("web", specs.pinned(name, specs.container()))
    space.expect("web", "Isolated", "True", "Verified", says="a probe saw from inside")
    space.node("impostor", Shape(user_namespaces=False))  # of another kind, so it is probed as well
    space.expect("web", "Isolated", "False", "IsolationMismatch", says="kernel of the node")


def test_another_value_of_the_annotation_has_it_probed_again(space: Space) -> None:
    space.node("able")
    name = space.isolation_class("sandbox", SANDBOX | space.pool)
    says(space, name, "Probed", "True", "Verified")
    before = space.get(CLASS, name)["status"]["probes"][0]["key"]
    space.merge(CLASS, name, {"metadata": {"annotations": {"berth.dev/probe": "again"}}})
    space.until(CLASS, name, lambda found: [each["key"] for each in found["status"]["probes"]] != [before])
    assert not [job for job in objects.items(space.cluster, JOB, HOME) if job["metadata"]["name"] == f"probe-{before}"]


def test_an_open_network_is_told_on_the_class_and_on_what_is_to_be_isolated(space: Space) -> None:
    space.node("open")
    name = space.isolation_class("open", {"level": "Container", "pod": {}} | space.pool)
    enforced = ("NetworkPolicyEnforced", "False", "NetworkNotEnforced")
    space.until(CLASS, name, lambda found: shows(found, *enforced, says="10.96.0.1:443") and available(found))
    labelled = {"matchLabels": {"kubernetes.io/metadata.name": space.name}}
    space.put(TENANT, space.name, {"namespaceSelector": labelled, "network": {"mode": "Isolated"}})
    space.workload("web", specs.pinned(name, specs.container()))
    space.until(WORKLOAD, "web", lambda found: "10.96.0.1:443" in str(found.get("status", {}).get("warnings")))
