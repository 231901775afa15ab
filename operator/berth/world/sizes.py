"""How large what runs is, as the objects that run it say: so that it counts even before anything else is known."""

from dataclasses import dataclass
from typing import Any

from berth.api.quantity import amount, millicores
from berth.world.packed import unpack
from berth.world.records import ChildRecord, GuestExtras


@dataclass(frozen=True, slots=True)
class SeenSize:
    """Replicas, and the processors (millicores; of a machine, virtual ones) and memory (bytes) of each."""

    replicas: int
    cpu: int = 0
    memory: int = 0
    sized: bool = True
    """Whether the object itself says how large a replica is; with an instancetype it does not."""


def seen_size(record: ChildRecord) -> SeenSize:
    """Return the size of a Deployment, Job, VirtualMachine or VirtualMachinePool."""
    spec: dict[str, Any] = unpack(record.content)["spec"]
    if record.kind == "Deployment":
        return _pods(spec.get("replicas", 1), spec["template"]["spec"])
    if record.kind == "Job":
        done = record.complete or record.failed is not None or spec.get("suspend")
        return _pods(0 if done else spec.get("parallelism", 1), spec["template"]["spec"])
    if record.kind == "VirtualMachinePool":
        return _machine(spec.get("replicas", 1), spec["virtualMachineTemplate"]["spec"])
    return _machine(0 if spec.get("runStrategy") == "Halted" else 1, spec)


def _pods(replicas: int, pod: dict[str, Any]) -> SeenSize:
    """Return the size of pods: the most that runs at one time, as the scheduler sums it (KEP-753)."""
    init = pod.get("initContainers") or []
    beside = [each for each in init if each.get("restartPolicy") == "Always"]
    first = [each for each in init if each not in beside]

    def most(resource: str) -> int:
        always = sum(_request(each, resource) for each in beside)
        running = always + sum(_request(each, resource) for each in pod["containers"])
        return max([running, *(always + _request(each, resource) for each in first)])

    return SeenSize(replicas, most("cpu"), most("memory"))


def _request(container: dict[str, Any], resource: str) -> int:
    resources = container.get("resources") or {}
    asked = (resources.get("requests") or {}).get(resource, (resources.get("limits") or {}).get(resource))
    return millicores(asked) if resource == "cpu" else amount(asked)


def _machine(replicas: int, machine: dict[str, Any]) -> SeenSize:
    vcpus, memory = guest_size(machine["template"]["spec"])
    return SeenSize(replicas, vcpus * 1000, memory) if memory else SeenSize(replicas, sized=False)


def guest_size(instance: dict[str, Any]) -> tuple[int, int]:
    """Return the virtual processors and the memory (bytes) of a guest by its spec; no memory where it tells no size."""
    domain = instance.get("domain") or {}
    cpu = domain.get("cpu") or {}
    vcpus = cpu.get("sockets", 1) * cpu.get("cores", 1) * cpu.get("threads", 1)
    return vcpus, amount((domain.get("memory") or {}).get("guest"))


def guest_extras(instance: dict[str, Any]) -> GuestExtras:
    """Return what a guest takes beside its size, by the spec of the instance that runs it."""
    domain = instance.get("domain") or {}
    cpu, devices = domain.get("cpu") or {}, domain.get("devices") or {}
    requests = (domain.get("resources") or {}).get("requests") or {}
    cards = devices.get("interfaces") or ()
    return GuestExtras(
        pinned=bool(cpu.get("dedicatedCpuPlacement")),
        isolated=bool(cpu.get("isolateEmulatorThread")),
        passthrough=bool(devices.get("gpus") or devices.get("hostDevices")) or any("sriov" in card for card in cards),
        overcommitted=0 < amount(requests.get("memory")) < guest_size(instance)[1],
    )
