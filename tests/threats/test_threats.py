"""Sixty threats, each tried for real by whoever would try it: refused by the layer that must refuse it, and told why."""

import re

import pytest

from threats.attempt import attempt, by_the_operator, gateway, manifest
from threats.controls import OF_CONTAINERS, OF_PODS
from threats.load import titles, vectors
from threats.model import Answer, Layer, Manifest, Vector
from threats.people import kubeconfig
from threats.report import table, wrong
from threats.site import Site
from threats.specs import BASES

pytestmark = pytest.mark.ground

OURS = {Layer.POLICY, Layer.VERIFIER, Layer.GATEWAY}
FIX = re.compile(
    r"(: |\. |, |; )(add|ask|bind|change|choose|create|decide|delete|drop|give|have|keep|leave|list|lower|make|move|name|"
    r"pin|point|push|put|raise|remove|rename|render|report|restore|say|set|use|wait|write)\b",
    re.IGNORECASE,
)
CVE = re.compile(r"CVE-\d{4}-\d+")


@pytest.mark.parametrize("vector", vectors(), ids=str)
def test_it_is_refused_by_the_layer_that_must_refuse_it(shared: Site, vector: Vector) -> None:
    answer = attempt(shared, vector)
    assert not wrong(vector, answer)
    if answer.layer in OURS or "ValidatingAdmissionPolicy" in answer.says:
        assert FIX.search(answer.says), f"nobody is told what to do: {answer.says}"


@pytest.mark.parametrize("base", sorted(BASES.keys() - {"none"}))
def test_what_attacks_start_from_is_let_through(shared: Site, base: str) -> None:
    """Else everything would be refused for the wrong reason."""
    tried = Vector("control", 0, "nothing wrong", Layer.SCHEMA, workload=Manifest(base))
    answer = attempt(shared, tried)
    assert (answer.layer, answer.says) == (Layer.ACCEPTED, "the API server took it")
    assert manifest("control", Manifest(base))["spec"] == BASES[base]
    assert kubeconfig(shared.cluster, "developer").exists()


def test_children_that_attacks_start_from_may_be_written(shared: Site) -> None:
    for name, body in shared.children.items():
        bounds = shared.bounds[name.split("/")[0]]
        assert gateway(body, bounds) == Answer(Layer.ACCEPTED, "it was written"), name
        assert by_the_operator(shared, body) == Answer(Layer.ACCEPTED, "the API server took it from the operator"), name
        assert (
            shared.stored(name)["metadata"]["annotations"]["berth.dev/desired-hash"]
            == (body["metadata"]["annotations"]["berth.dev/desired-hash"])
        ), f"{name} is not what the operator wrote"


def test_every_threat_is_tried_and_there_are_many_vectors() -> None:
    assert titles().keys() == {vector.threat for vector in vectors()} == set(range(1, 61))
    assert len(vectors()) >= 400


def test_more_than_twenty_known_vulnerabilities_are_tried_by_name() -> None:
    named = {cve for vector in vectors() for name in vector.precedent for cve in CVE.findall(name)}
    assert len(named) >= 20, sorted(named)


def test_all_eighteen_controls_of_pod_security_are_tried() -> None:
    assert len({control.name for control in (*OF_PODS, *OF_CONTAINERS)}) == 18


def test_the_table_ends_with_the_numbers() -> None:
    [one, other] = vectors()[:2]
    said = table([(one, Answer(one.layer, "no")), (other, Answer(Layer.ACCEPTED, "yes"))])
    assert said.splitlines()[-1] == "threats: 2 tried, 1 accepted"
