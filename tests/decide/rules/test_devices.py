"""GPUs and host devices reach the workload."""

from dataclasses import replace

import pytest

from berth.decide.model import Ask, ClassFacts, Outcome
from berth.decide.rules.devices import devices
from decide.builders import LINUX_VM, SHAPE, an_ask, machines, pods

A100, NIC = "nvidia.com/A100", "vendor.example/nic"
WITH_GPU = (replace(SHAPE, devices=((A100, 2), (NIC, 1))),)
PERMITTED = frozenset({A100})


@pytest.mark.parametrize(
    ("ask", "facts"),
    [
        (an_ask(), pods()),
        (an_ask(gpu=(A100, 2)), pods(shapes=WITH_GPU)),
        (an_ask(gpu=(A100, 1)), pods("kata", "Virtualized", shapes=WITH_GPU)),
        (an_ask(gpu=(A100, 1), host_devices=((A100, 1),)), pods(shapes=WITH_GPU)),
        (an_ask(machine=LINUX_VM, gpu=(A100, 1)), machines(shapes=WITH_GPU, permitted_devices=PERMITTED)),
        (an_ask(machine=LINUX_VM, network_devices=((NIC, 1),)), machines(shapes=WITH_GPU)),
        (an_ask(machine=LINUX_VM, network_devices=((NIC, 1),)), pods()),
    ],
    ids=["none", "pods", "kata", "gpu and host device of one kind", "machine", "network", "network of pods"],
)
def test_fits(ask: Ask, facts: ClassFacts) -> None:
    assert devices(ask, facts) is None


@pytest.mark.parametrize(
    ("ask", "facts", "outcome", "says"),
    [
        (an_ask(gpu=(A100, 1)), pods("gvisor", "Sandboxed", shapes=WITH_GPU), Outcome.NEVER, "does not pass devices"),
        (an_ask(gpu=(A100, 1)), pods(), Outcome.NOT_NOW, "no node of the class has 1 nvidia.com/A100"),
        (an_ask(gpu=(A100, 3)), pods(shapes=WITH_GPU), Outcome.NOT_NOW, "has 3 nvidia.com/A100"),
        (an_ask(gpu=(A100, 2), host_devices=((A100, 1),)), pods(shapes=WITH_GPU), Outcome.NOT_NOW, "has 3 nvidia"),
        (an_ask(machine=LINUX_VM, gpu=(A100, 1)), machines(shapes=WITH_GPU), Outcome.NOT_NOW, "permittedHostDevices"),
        (
            an_ask(machine=LINUX_VM, network_devices=((NIC, 2),)),
            machines(shapes=WITH_GPU),
            Outcome.NOT_NOW,
            f"no node of the class has 2 {NIC}: add one, or drop the devices; machine.networks take {NIC}",
        ),
    ],
    ids=["sandbox", "no node", "too many", "too many together", "not permitted", "networks"],
)
def test_refuses(ask: Ask, facts: ClassFacts, outcome: Outcome, says: str) -> None:
    verdict = devices(ask, facts)
    assert verdict is not None
    assert verdict.outcome is outcome
    assert says in verdict.message
