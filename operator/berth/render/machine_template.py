"""The VirtualMachine's spec that single machines and pools share."""

from typing import Final

from berth.api.levels import WorkloadType
from berth.api.machine import Machine, OperatingSystem
from berth.api.quantity import millicores
from berth.api.size import ResourceList
from berth.api.workload import Needs, Resources, WorkloadSpec
from berth.decide.model import ClassFacts
from berth.render.disks import Attached, attached, disk_entries, volume_entries
from berth.render.fields import canonical, present, written
from berth.render.firmware import firmware, tpm
from berth.render.metadata import pod_labels
from berth.render.model import Object, Subject, Unrenderable
from berth.render.ports import machine_ports
from berth.render.scheduling import anti_affinity, tolerations

NETWORK: Final = "default"
LINUX_GRACE_SECONDS: Final = 180
_NESTED: Final = ("vmx", "svm")
"""Nested virtualization by Intel and by AMD; a node has one of them."""
_UNSET: Final = ResourceList()


def machine_spec(subject: Subject, facts: ClassFacts, *, spread: list[Object] | None = None) -> Object:
    """Return the spec of a VirtualMachine; raise Unrenderable for what machines of this class cannot be.

    What KubeVirt's webhooks fill in (firmware UUID and serial, machine type, architecture) is left to them.
    """
    spec, machine = subject.spec, subject.spec.machine
    if machine is None:
        raise Unrenderable(f"class {facts.name} runs virtual machines: add machine, or use a class of pods")
    return present(
        {
            "runStrategy": _run_strategy(spec),
            "instancetype": _matcher("VirtualMachineClusterInstancetype", machine.instancetype),
            "preference": _matcher("VirtualMachineClusterPreference", machine.preference),
            "template": {
                "metadata": {"labels": pod_labels(subject, facts)},
                "spec": _instance(subject, facts, machine, spread or []),
            },
        }
    )


def _run_strategy(spec: WorkloadSpec) -> str:
    if spec.type is WorkloadType.TASK:
        return "Once" if spec.replicas else "Halted"
    return "Always" if spec.replicas else "Halted"


def _matcher(kind: str, name: str | None) -> Object | None:
    return {"kind": kind, "name": name} if name else None


def _instance(subject: Subject, facts: ClassFacts, machine: Machine, spread: list[Object]) -> Object:
    spec, needs = subject.spec, subject.spec.needs or Needs()
    volumes = attached(subject, machine)
    ports = machine_ports(spec, machine)
    return present(
        {
            "architecture": needs.architecture,
            "domain": {
                **_size(spec, needs, machine),
                **firmware(machine, facts.launch_security, needs.architecture),
                "devices": _devices(needs, machine, volumes, ports),
            },
            "networks": [{"name": NETWORK, "pod": {}}],
            "volumes": volume_entries(volumes),
            "readinessProbe": _readiness(machine, ports),
            "livenessProbe": written(machine.liveness_probe) if machine.liveness_probe else None,
            "evictionStrategy": "LiveMigrateIfPossible",
            "terminationGracePeriodSeconds": _grace(spec, machine),
            "priorityClassName": spec.priority_class_name,
            "serviceAccountName": spec.service_account_name,
            "nodeSelector": dict(facts.node_selector) or None,
            "tolerations": tolerations(facts),
            "affinity": (_nested_affinity(needs) | anti_affinity(subject, facts)) or None,
            "topologySpreadConstraints": spread,
        }
    )


def _devices(needs: Needs, machine: Machine, volumes: list[Attached], ports: list[Object]) -> Object:
    return present(
        {
            "autoattachGraphicsDevice": bool(machine.graphics),
            "logSerialConsole": False,  # it would cost a sidecar
            "rng": None if machine.os is OperatingSystem.WINDOWS else {},
            "tpm": tpm(machine),
            "disks": disk_entries(volumes),
            "interfaces": [present({"name": NETWORK, "masquerade": {}, "ports": ports})],
            **_passed_through(needs),
        }
    )


def _size(spec: WorkloadSpec, needs: Needs, machine: Machine) -> Object:
    """Return processors and memory of the guest, unless an instancetype gives them.

    There is no `resources`: the guest's own size is its limit. A limit on the launcher would also count KubeVirt's
    overhead and kill the guest, and for dedicated processors KubeVirt itself makes requests equal limits.
    """
    features: Object = {"features": _nested_features()} if needs.nested_virtualization else {}
    if machine.instancetype:
        return {"cpu": features} if features else {}
    vcpus, memory = guest_size(spec.resources)
    # Sockets are what KubeVirt can add to a running machine; it does so only if all three are said.
    cpu = {"sockets": vcpus, "cores": 1, "threads": 1, **features}
    if spec.resources and spec.resources.dedicated:
        cpu["dedicatedCpuPlacement"] = True
    return {"cpu": cpu, "memory": {"guest": memory}}


def guest_size(resources: Resources | None) -> tuple[int, str]:
    """Return virtual processors and memory of a guest: its requests, else its limits, as KubeVirt itself takes them.

    Deciding counts the same size. Raises Unrenderable without a memory size.
    """
    requests, limits = (resources and resources.requests) or _UNSET, (resources and resources.limits) or _UNSET
    memory = limits.memory if requests.memory is None else requests.memory
    if memory is None:
        raise Unrenderable("a machine needs a size: set resources.requests.memory, or machine.instancetype")
    cpu = millicores(limits.cpu if requests.cpu is None else requests.cpu)
    return max(1, -(-cpu // 1000)), canonical(memory)


def _nested_features() -> list[Object]:
    return [{"name": name, "policy": "optional"} for name in _NESTED]


def _nested_affinity(needs: Needs) -> Object:
    """Return the `nodeAffinity` for nodes that can nest.

    Requiring either feature would tie the machine to one vendor, so both are optional and the node must have one.
    """
    if not needs.nested_virtualization:
        return {}
    terms = [
        {"matchExpressions": [{"key": f"cpu-feature.node.kubevirt.io/{name}", "operator": "In", "values": ["true"]}]}
        for name in _NESTED
    ]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def _passed_through(needs: Needs) -> Object:
    gpus = [needs.gpu.device_name] * needs.gpu.count if needs.gpu else []
    others = [device.device_name for device in needs.host_devices or () for _ in range(device.count)]
    return {
        "gpus": [{"name": f"gpu-{number}", "deviceName": name} for number, name in enumerate(gpus)],
        "hostDevices": [{"name": f"device-{number}", "deviceName": name} for number, name in enumerate(others)],
    }


def _readiness(machine: Machine, ports: list[Object]) -> Object | None:
    """Return the readiness probe; None for a machine that nobody can connect to, which is ready when it runs.

    The guest agent is asked only where the author says so: most images have none, and would never be ready.
    """
    if machine.readiness_probe:
        return written(machine.readiness_probe)
    tcp = next((port["port"] for port in ports if port["protocol"] == "TCP"), None)
    return {"tcpSocket": {"port": tcp}} if tcp else None


def _grace(spec: WorkloadSpec, machine: Machine) -> int | None:
    """Return the seconds for a shutdown; Windows' preferences know better how long it takes."""
    if spec.termination_grace_period_seconds is not None or machine.os is OperatingSystem.WINDOWS:
        return spec.termination_grace_period_seconds
    return LINUX_GRACE_SECONDS
