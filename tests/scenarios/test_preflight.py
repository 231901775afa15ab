"""A machine is put to the API server before it is placed: what is refused is told, and the next class is tried."""

from collections import Counter

import pytest

from ground.api import ApiError, call, eventually
from ground.kubevirt_sim.kinds import POOL, VM
from scenarios import specs
from scenarios.kinds import WORKLOAD, Kind
from scenarios.objects import SECONDS, Json
from scenarios.process import Operator
from scenarios.site import Space

pytestmark = pytest.mark.ground

RULE = Kind("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", False)
BINDING = Kind(
    "ValidatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/v1",
    "validatingadmissionpolicybindings",
    namespaced=False,
)
SAYS = "machines of this sort are not for this namespace"
HEALS_SECONDS = 180.0
"""A refusal is asked about again after 15, 30, 60 and 120 s at most: as many may have come on a machine that is busy."""
LARGE: Json = {"resources": {"requests": {"cpu": "4", "memory": "1Gi"}}}


def refuse(space: Space, expression: str, probe: Json) -> None:
    """Refuse the machines of a namespace for which an expression is false; wait until one of them, `probe`, is."""
    rules = [{"apiGroups": ["kubevirt.io"], "apiVersions": ["v1"], "resources": ["virtualmachines"]}]
    rules[0]["operations"] = ["CREATE", "UPDATE"]
    match = {"namespaceSelector": space.selector["namespaceSelector"], "resourceRules": rules}
    validations = [{"expression": expression, "message": SAYS}]
    space.put(RULE, space.name, {"matchConstraints": match, "validations": validations})
    space.put(BINDING, space.name, {"policyName": space.name, "validationActions": ["Deny"]})
    path = f"{VM.path(space.name)}?dryRun=All"

    def refused() -> bool:
        try:
            call(space.cluster.kubeconfig, "POST", path, probe)
        except ApiError as error:
            return SAYS in str(error)
        return False

    eventually(refused, SECONDS, "the policy of the test holds")


def a_machine(labels: dict[str, str], sockets: int = 1) -> Json:
    """Return a machine as small as KubeVirt takes it, that nobody stores."""
    devices = {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]}
    domain = {"cpu": {"sockets": sockets}, "memory": {"guest": "1Gi"}, "devices": devices}
    volumes = [{"name": "root", "containerDisk": {"image": specs.DISK}}]
    spec = {"runStrategy": "Halted", "template": {"spec": {"domain": domain, "volumes": volumes}}}
    return {"apiVersion": VM.api, "kind": VM.name, "metadata": {"name": "probe", "labels": labels}, "spec": spec}


def asked(space: Space) -> dict[str, int]:
    """Return how many dry runs were answered in a namespace, by kind."""
    return dict(Counter(each.resource for each in space.audit.dry_runs(space.name) if not each.refused))


def candidate(found: Json, name: str) -> Json:
    """Return what a status tells of one class."""
    told: Json = next(each for each in found["status"]["candidates"] if each["className"] == name)
    return told


def refused_in_vm(found: Json) -> bool:
    """Tell whether a status says that its machine is refused in class vm."""
    return SAYS in candidate(found, "vm")["message"]


def test_what_is_alike_is_asked_about_once_and_what_runs_never_again(space: Space, operator: Operator) -> None:
    names = ["one", "two", "three", "large", "pool"]
    for name in names[:3]:
        space.workload(name, specs.machine())
    space.workload("large", specs.machine(**LARGE))
    space.workload("pool", specs.machine(replicas=2))
    for name in names:
        space.ready(name)
    space.quiet(5.0)
    once = {VM.plural: 2, POOL.plural: 1}
    assert asked(space) == once
    operator.stop()
    operator.start()
    space.silence(5.0)
    assert asked(space) == once


def test_a_refused_class_gives_way_to_the_next_and_it_heals_when_the_policy_goes(space: Space) -> None:
    other = space.isolation_class("next", {"level": "Virtualized", "virtualMachine": {}})
    labels = {"berth.dev/class": "vm"}
    refuse(space, "object.metadata.labels['berth.dev/class'] != 'vm'", a_machine(labels))
    space.workload("web", specs.machine())
    space.workload("pinned", specs.pinned("vm", specs.machine()))
    ready = space.ready("web")
    assert ready["status"]["placement"]["className"] == other
    told = candidate(ready, "vm")
    assert (told["verdict"], told["rule"], SAYS in told["message"]) == ("Never", "preflight", True)
    space.expect("pinned", "Placed", "False", "ChildRejected")
    space.until(WORKLOAD, "pinned", refused_in_vm)
    assert space.children("pinned") == set()
    space.delete(BINDING, space.name)
    space.expect("pinned", "Ready", "True", seconds=HEALS_SECONDS)
    assert space.get(WORKLOAD, "web")["status"]["placement"]["className"] == other


def test_a_machine_goes_on_as_it_is_while_its_edit_is_refused(space: Space) -> None:
    space.workload("web", specs.machine())
    space.ready("web")
    refuse(space, "object.spec.template.spec.domain.cpu.sockets < 4", a_machine({}, sockets=4))
    before = space.get(VM, "web")
    space.workload("web", specs.machine(**LARGE))
    space.expect("web", "Placed", "False")
    space.until(WORKLOAD, "web", refused_in_vm)
    space.quiet()
    assert space.get(VM, "web")["spec"] == before["spec"]
    space.delete(BINDING, space.name)
    space.until(VM, "web", lambda found: sockets(found) == 4, HEALS_SECONDS)


def sockets(machine: Json) -> int:
    """Return the processors of a machine."""
    found: int = machine["spec"]["template"]["spec"]["domain"]["cpu"]["sockets"]
    return found
