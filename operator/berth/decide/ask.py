"""WorkloadSpec -> Ask: everything that placement depends on, with sizes as the scheduler sums them."""

from collections.abc import Callable, Iterable

from berth.api.machine import Machine
from berth.api.machine_disks import DiskSource, MadeDisk
from berth.api.quantity import amount, millicores
from berth.api.size import ContainerResources
from berth.api.workload import Device, Isolation, Needs, WorkloadSpec
from berth.decide.guest import Described, guest_of, requested_of
from berth.decide.model import Ask, ClaimAsk, Cost, MachineAsk
from berth.world.records import ClaimRecord

FindClaim = Callable[[str], ClaimRecord | None]
"""Finds a claim of the workload's namespace by name: the `get` of a mapping will do."""


def ask_of(spec: WorkloadSpec, claims: FindClaim, described: Described) -> Ask:
    """Return what a spec asks of a class. Raises ValueError for a quantity that is none."""
    isolation, needs = spec.isolation or Isolation(), spec.needs or Needs()
    size = _pod_size(spec) if spec.container else Cost()
    return Ask(
        type=spec.type,
        replicas=spec.replicas,
        has_container=spec.container is not None,
        machine=_machine(spec, spec.machine, described) if spec.machine else None,
        cpu=size.cpu,
        memory=size.memory,
        memory_limit=_memory_limit(spec),
        dedicated=bool(spec.resources and spec.resources.dedicated),
        level=isolation.level,
        class_name=isolation.class_name,
        trust=spec.trust,
        attachments=_attachments(spec.machine),
        service_account=spec.service_account_name,
        priority_class=spec.priority_class_name,
        root=bool(needs.root),
        privileged=bool(needs.privileged),
        kernel_modules=tuple(sorted(needs.kernel_modules or ())),
        nested_virtualization=bool(needs.nested_virtualization),
        gpu=_device(needs.gpu) if needs.gpu else None,
        host_devices=tuple(sorted(map(_device, needs.host_devices or ()))),
        architecture=needs.architecture,
        claims=tuple(_claims(spec, claims)),
        task_limits=_task_limits(spec),
        max_replicas=spec.autoscaling.max_replicas if spec.autoscaling else 0,
    )


def images_of(spec: WorkloadSpec) -> tuple[str, ...]:
    """Return every image that a spec names, of containers and of disks, each once."""
    containers = [each.image for each in (*(spec.init_containers or ()), *(spec.sidecars or ()))]
    main = [spec.container.image] if spec.container else []
    disks = [disk.container_disk.image for disk in _disks(spec.machine) if disk.container_disk]
    disks += [disk.registry.url.removeprefix("docker://") for disk in _disks(spec.machine) if disk.registry]
    return tuple(sorted({*main, *containers, *disks}))


def unsized_of(spec: WorkloadSpec) -> tuple[tuple[str, str], ...]:
    """Return resource and container of every request that is missing; a machine always has a size."""
    if spec.container is None:
        return ()
    found: list[tuple[str, ContainerResources | None]] = [("the container", spec.resources)]
    found += [(f"init container {each.name}", each.resources) for each in spec.init_containers or ()]
    found += [(f"sidecar {each.name}", each.resources) for each in spec.sidecars or ()]
    sizes = ((name, _requested(resources)) for name, resources in found)
    return tuple(
        (resource, name)
        for name, size in sizes
        for resource, amount in (("cpu", size.cpu), ("memory", size.memory))
        if not amount
    )


def _task_limits(spec: WorkloadSpec) -> tuple[str, ...]:
    if spec.task is None:
        return ()
    given = (("activeDeadlineSeconds", spec.task.active_deadline_seconds), ("backoffLimit", spec.task.backoff_limit))
    return tuple(f"task.{name}" for name, value in given if value is not None)


def _attachments(machine: Machine | None) -> tuple[str, ...]:
    return tuple(sorted({each.multus.network_name for each in (machine and machine.networks) or ()}))


def _device(device: Device) -> tuple[str, int]:
    return device.device_name, device.count


def _requested(resources: ContainerResources | None) -> Cost:
    """Return what one container sets aside."""
    if resources is None:
        return Cost()
    return Cost(millicores(requested_of(resources, "cpu")), amount(requested_of(resources, "memory")))


def limits_of(spec: WorkloadSpec) -> Cost:
    """Return what all containers of one replica may use together, those that have a limit."""
    running = [spec.resources, *(each.resources for each in spec.sidecars or ())]
    limits = [each.limits for each in running if each and each.limits]
    return Cost(sum(millicores(each.cpu) for each in limits), sum(amount(each.memory) for each in limits))


def _pod_size(spec: WorkloadSpec) -> Cost:
    """Return the request of one pod: the most that runs at one time.

    Sidecars are init containers that restart; they start first, so they also run beside every init container (KEP-753).
    """
    sidecars = sum((_requested(each.resources) for each in spec.sidecars or ()), Cost())
    running = _requested(spec.resources) + sidecars
    starting = [_requested(each.resources) + sidecars for each in spec.init_containers or ()]
    return Cost(max(each.cpu for each in (running, *starting)), max(each.memory for each in (running, *starting)))


def _memory_limit(spec: WorkloadSpec) -> int:
    """Return the memory limit of one pod, as the kubelet sums it: 0 when a container has none."""
    if spec.container is None:
        return 0
    sidecars = [_limit(each.resources) for each in spec.sidecars or ()]
    starting = [_limit(each.resources) for each in spec.init_containers or ()]
    main = _limit(spec.resources)
    if not all((main, *sidecars, *starting)):
        return 0
    return sum(sidecars) + max([main, *starting])


def _limit(resources: ContainerResources | None) -> int:
    return amount(resources.limits.memory) if resources and resources.limits else 0


def _machine(spec: WorkloadSpec, machine: Machine, described: Described) -> MachineAsk:
    return MachineAsk(
        os=machine.os,
        guest=guest_of(spec, machine, described),
        missing=described.missing(machine),
        boots_from=_boots_from(machine.boot_disk),
        cloned_disks=sum(1 for disk in machine.disks or () if disk.made is not None),
        storage=sum(amount(disk.storage) for disk in _made(machine)),
        storage_classes=tuple(sorted({disk.storage_class_name or "" for disk in _made(machine)})),
    )


def _made(machine: Machine) -> list[MadeDisk]:
    return [disk.made for disk in _disks(machine) if disk.made is not None]


def _boots_from(disk: DiskSource) -> str:
    if disk.container_disk is not None:
        return "containerDisk"
    return "dataSource" if disk.made is not None else "persistentVolumeClaim"


def _claims(spec: WorkloadSpec, find: FindClaim) -> Iterable[ClaimAsk]:
    """Yield every claim that the workload uses, by name. A machine sees volumes as disks."""
    volumes = {
        volume.persistent_volume_claim.claim_name for volume in spec.volumes or () if volume.persistent_volume_claim
    }
    disks = {disk.persistent_volume_claim.claim_name for disk in _disks(spec.machine) if disk.persistent_volume_claim}
    for name in sorted(volumes | disks):
        record = find(name)
        yield ClaimAsk(
            name=name,
            found=record is not None,
            access_modes=record.access_modes if record else (),
            block=record.block if record else False,
            by_container=spec.container is not None and name in volumes,
            by_machine=spec.machine is not None,
            storage_class=record.storage_class if record else "",
        )


def _disks(machine: Machine | None) -> tuple[DiskSource, ...]:
    return () if machine is None else (machine.boot_disk, *(machine.disks or ()))
