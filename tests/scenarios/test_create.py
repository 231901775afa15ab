"""Every sort of Workload becomes Ready with the right children and no write too many."""

import pytest

from ground.cluster import Cluster
from scenarios import specs
from scenarios.acting import plays
from scenarios.audit import lasted
from scenarios.kinds import DEPLOYMENT, JOB, POOL, VM, VMI, WORKLOAD
from scenarios.objects import Json, merge
from scenarios.process import PROGRESS_SECONDS
from scenarios.site import Space, condition

pytestmark = pytest.mark.ground

STATUS = "patch workloads/status"
ADDRESSED = {"create networkpolicies": 1, "create services": 1}


def placed(space: Space, name: str, class_name: str, backend: str) -> Json:
    """Wait until a Workload is ready and seen to be isolated, look at where it runs, and return it."""
    space.ready(name)
    found = space.expect(name, "Isolated", "True")
    placement = found["status"]["placement"]
    assert (placement["className"], placement["backend"]) == (class_name, backend)
    assert {each["type"] for each in found["status"]["conditions"]} == {
        "Accepted",
        "Placed",
        "Isolated",
        "Ready",
        "Reconciling",
        "Stalled",
    }
    return found


def assert_writes(space: Space, children: dict[str, int]) -> None:
    """One write per child, nothing else but at most two of status, and numbers at their pace where it takes long."""
    space.quiet(1.0)
    told = [write for write in space.audit.writes(space.name) if write.resource == "workloads/status"]
    writes = space.writes()
    assert 1 <= writes.pop(STATUS) <= 2 + lasted(told) // PROGRESS_SECONDS
    assert writes == children


def test_a_container_runs_as_pods(space: Space) -> None:
    space.workload("web", specs.container())
    placed(space, "web", "container", "Pod")
    assert space.children("web") == {"Deployment web", "Service web", "NetworkPolicy web"}
    assert "runtimeClassName" not in space.get(DEPLOYMENT, "web")["spec"]["template"]["spec"]
    assert_writes(space, {"create deployments": 1, **ADDRESSED})


def test_replicas_and_load_bring_a_budget_and_an_autoscaler(space: Space) -> None:
    scaling = {"minReplicas": 2, "maxReplicas": 4}
    space.workload("web", specs.container(replicas=2, autoscaling=scaling))
    space.ready("web")
    # The ground has no metrics API, which the autoscaler's controller finds out once it knows Workloads: that is not told.
    told = "the cluster has no metrics API (metrics.k8s.io): install metrics-server, or set replicas, not autoscaling"

    def warned(found: Json) -> bool:
        return [text.partition(": ")[2] for text in found["status"].get("warnings", ())] == [told]

    found = space.until(WORKLOAD, "web", warned)
    assert condition(found, "Ready")["reason"] == "Running"
    space.told("web", "AutoscalerUnable")
    assert space.children("web") == {
        "Deployment web",
        "Service web",
        "NetworkPolicy web",
        "PodDisruptionBudget web",
        "HorizontalPodAutoscaler web",
    }
    made = {"create deployments": 1, "create poddisruptionbudgets": 1, "create horizontalpodautoscalers": 1}
    assert_writes(space, made | ADDRESSED | {"create events": 1})


def test_less_trust_runs_in_a_sandbox(space: Space) -> None:
    space.workload("web", specs.container(trust="Restricted"))
    placed(space, "web", "gvisor", "Pod")
    assert space.get(DEPLOYMENT, "web")["spec"]["template"]["spec"]["runtimeClassName"] == "gvisor"
    assert {pod["spec"]["runtimeClassName"] for pod in space.pods("web")} == {"gvisor"}
    assert_writes(space, {"create deployments": 1, **ADDRESSED})


def test_a_policy_for_a_kernel_of_its_own_runs_an_image_in_kata_pods(space: Space) -> None:
    space.policy({"level": "Virtualized"})
    space.workload("web", specs.container())
    placed(space, "web", "kata", "Pod")
    pod = space.pods("web")[0]["spec"]
    assert (pod["runtimeClassName"], pod["overhead"]) == ("kata", {"cpu": "250m", "memory": "320Mi"})
    assert_writes(space, {"create deployments": 1, **ADDRESSED})


def test_a_disk_runs_as_a_machine(space: Space) -> None:
    space.workload("erp", specs.machine())
    placed(space, "erp", "vm", "VirtualMachine")
    assert space.children("erp") == {"VirtualMachine erp", "Service erp", "NetworkPolicy erp"}
    space.until(VM, "erp", lambda vm: vm["status"]["printableStatus"] == "Running")
    assert_writes(space, {"create virtualmachines": 1, **ADDRESSED})


def test_replicas_of_a_disk_run_as_a_pool(space: Space) -> None:
    space.workload("gate", specs.machine(replicas=3))
    found = placed(space, "gate", "vm", "VirtualMachine")
    assert (found["status"]["replicas"], found["status"]["readyReplicas"]) == (3, 3)
    assert space.children("gate") == {
        "VirtualMachinePool gate",
        "Service gate",
        "NetworkPolicy gate",
        "PodDisruptionBudget gate",
    }
    space.until(POOL, "gate", lambda pool: pool["status"].get("readyReplicas") == 3)
    assert_writes(space, {"create virtualmachinepools": 1, "create poddisruptionbudgets": 1, **ADDRESSED})


def test_a_task_runs_to_completion(space: Space) -> None:
    space.workload("build", specs.task())
    found = space.expect("build", "Ready", "True", "Completed")
    assert found["status"]["ready"] == "1/1"
    assert space.children("build") == {"Job build", "NetworkPolicy build"}
    assert space.get(JOB, "build")["status"]["succeeded"] == 1
    assert_writes(space, {"create jobs": 1, "create networkpolicies": 1})


@plays("edit a Task")
def test_a_task_on_a_disk_that_is_edited_when_it_has_ended_runs_anew(space: Space) -> None:
    power_off = {"metadata": {"annotations": {"ground.berth.dev/succeed-after": "0s"}}}
    space.workload("build", specs.machine_task())
    first = space.until(VM, "build", lambda vm: vm.get("status", {}).get("printableStatus") == "Running")
    space.merge(VM, "build", power_off)
    space.expect("build", "Ready", "True", "Completed")
    space.workload("build", specs.machine_task(resources={"requests": {"cpu": "2", "memory": "1Gi"}}))
    space.expect("build", "Ready", "False", "Provisioning")
    again = space.until(VMI, "build", lambda vmi: vmi.get("status", {}).get("phase") == "Running")
    assert space.get(VM, "build")["metadata"]["uid"] != first["metadata"]["uid"]
    assert again["spec"]["domain"]["cpu"]["sockets"] == 2
    space.merge(VM, "build", power_off)
    space.expect("build", "Ready", "True", "Completed")


def test_a_task_on_a_disk_runs_until_the_guest_powers_off(space: Space, cluster: Cluster) -> None:
    space.workload("build", specs.machine_task())
    space.until(VM, "build", lambda vm: vm.get("status", {}).get("printableStatus") == "Running")
    power_off = {"metadata": {"annotations": {"ground.berth.dev/succeed-after": "1s"}}}
    merge(cluster, VM, space.name, "build", power_off)
    found = space.expect("build", "Ready", "True", "Completed")
    assert found["status"]["ready"] == "1/1"
    assert space.children("build") == {"VirtualMachine build", "NetworkPolicy build"}
    space.quiet()
    space.silence(2.0)
    assert condition(space.get(WORKLOAD, "build"), "Ready") == condition(found, "Ready")
