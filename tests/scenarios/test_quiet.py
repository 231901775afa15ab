"""Where nothing happens nothing is written."""

import pytest

from scenarios import specs
from scenarios.process import Operator
from scenarios.site import Space

pytestmark = pytest.mark.ground


def test_all_sorts_of_workloads_come_to_rest_and_a_restart_writes_nothing(space: Space, operator: Operator) -> None:
    every = {
        "container": specs.container(replicas=2),
        "sandbox": specs.container(trust="Restricted"),
        "kata": specs.container(isolation={"level": "Virtualized"}),
        "machine": specs.machine(),
        "pool": specs.machine(replicas=2),
        "task": specs.task(),
        "nowhere": specs.container(isolation={"level": "Confidential"}),
        "denied": specs.container(serviceAccountName="root"),
    }
    for name, spec in every.items():
        space.workload(name, spec)
    for name in list(every)[:-2]:
        space.ready(name)
    space.expect("nowhere", "Placed", "False")
    space.expect("denied", "Accepted", "False")
    space.quiet(5.0)
    space.silence(8.0)
    operator.stop()
    operator.start()
    space.silence(5.0)
