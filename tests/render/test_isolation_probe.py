"""The Job of a probe."""

from dataclasses import replace

import pytest

from berth.decide.model import ClassFacts, Cost
from berth.render.isolation_probe import isolation_probe, probe_subject
from render.specs import CONTAINER, KATA
from verify.bounds import PROBER

MI = 1 << 20
TAKES = replace(KATA, overhead=Cost(250, 320 * MI))


@pytest.mark.parametrize(
    ("facts", "limit"),
    [(CONTAINER, "256Mi"), (TAKES, "256Mi"), (replace(TAKES, overhead_within=True), "576Mi")],
    ids=["no sandbox", "the kubelet adds to the limit", "within the limit"],
)
def test_a_probe_has_room_beside_what_its_sandbox_takes(facts: ClassFacts, limit: str) -> None:
    made = isolation_probe(probe_subject(PROBER, facts, "probe-0123456789abcdef", "uid-of-class"), facts, "n1")
    (container,) = made.body["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == limit
