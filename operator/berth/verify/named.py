"""What a Workload's spec names, read from the spec alone."""

from collections.abc import Iterator

from berth.api.container import ContainerBase
from berth.api.guest import EvictionStrategy
from berth.api.levels import WorkloadType
from berth.api.machine import Machine
from berth.api.machine_disks import DiskSource
from berth.api.workload import DeletionPolicy, WorkloadSpec
from berth.verify.model import Card, Credential, Filling, Guest, Named

_BOOT_DISK = "root"
_HARMLESS = frozenset({"NET_BIND_SERVICE"})
"""Capabilities that the Pod Security Standard *restricted* lets a container add."""


def named_in(namespace: str, name: str, spec: WorkloadSpec) -> Named:
    """Return everything that the spec of a Workload names: its children may refer to nothing else."""
    machine, needs = spec.machine, spec.needs
    sized = None if machine is None or machine.instancetype else machine  # else its instancetype has the say
    disks = list(_disks(machine))
    devices = (*([needs.gpu] if needs and needs.gpu else ()), *((needs and needs.host_devices) or ()))
    return Named(
        images=frozenset(_images(spec, disks)),
        claims=frozenset(_claims(spec, disks)),
        secrets=frozenset(_secrets(spec, disks)),
        config_maps=frozenset(_config_maps(spec)),
        fillings=frozenset(_fillings(namespace, disks)),
        disks=frozenset(f"{name}-{disk}" for disk, source in disks if source.made),
        made_from=frozenset(_made_from(source) for _, source in disks if source.made),
        storage_classes=frozenset(_storage_classes(disks)),
        devices=frozenset(device.device_name for device in devices),
        capabilities=frozenset(_capabilities(spec)) & _HARMLESS,
        ports=frozenset(_ports(spec)),
        task=spec.type is WorkloadType.TASK,
        replicas=spec.replicas,
        architecture=needs.architecture if needs else None,
        service_type=spec.service.type.value if spec.service else None,
        instancetype=_instancetype(machine) if machine else None,
        cpu_model=sized.cpu.model if sized and sized.cpu else None,
        numa=sized is not None and sized.cpu is not None and sized.cpu.numa is not None,
        page_size=sized.hugepages.page_size.value if sized and sized.hugepages else None,
        preference=_preference(machine) if machine else None,
        dedicated=bool(spec.resources and spec.resources.dedicated),
        nested=bool(needs and needs.nested_virtualization),
        guest=_guest(machine) if machine else Guest(),
        disks_go=spec.deletion_policy is DeletionPolicy.DELETE,
    )


def _instancetype(machine: Machine) -> tuple[str, str] | None:
    kind = machine.instancetype_kind or "VirtualMachineClusterInstancetype"
    return (str(kind), machine.instancetype) if machine.instancetype else None


def _preference(machine: Machine) -> tuple[str, str] | None:
    kind = machine.preference_kind or "VirtualMachineClusterPreference"
    return (str(kind), machine.preference) if machine.preference else None


def _guest(machine: Machine) -> Guest:
    firmware, clock = machine.firmware, machine.clock
    return Guest(
        uuid=firmware.uuid if firmware else None,
        serial=firmware.serial if firmware else None,
        machine_type=machine.machine_type,
        hostname=machine.hostname,
        timezone=clock.timezone if clock else None,
        utc=bool(clock and clock.utc),
        utc_offset=clock.utc.offset_seconds if clock and clock.utc else None,
        console_log=bool(machine.log_serial_console),
        stays=machine.eviction_strategy is EvictionStrategy.NONE,
        credentials=tuple(_credentials(machine)),
        cards=tuple(_cards(machine)),
    )


def _cards(machine: Machine) -> Iterator[Card]:
    """Yield the card in the pod network, which there always is, and those in further ones."""
    pod, given = Card().name, {each.name: each for each in machine.interfaces or ()}
    networks = [(pod, None), *((each.name, each.multus.network_name) for each in machine.networks or ())]
    for name, network in networks:
        card = given.get(name)
        further = "sriov" if card and card.sriov else "bridge"
        yield Card(
            name=name,
            model=str(card.model) if card and card.model else None,
            mac_address=card.mac_address if card else None,
            network=network,
            binding="masquerade" if name == pod else further,
        )


def _credentials(machine: Machine) -> Iterator[Credential]:
    for given in machine.access_credentials or ():
        if given.user_password:
            yield Credential("userPassword", given.user_password.source.secret.secret_name, "qemuGuestAgent")
        if given.ssh_public_key:
            secret, ways = given.ssh_public_key.source.secret.secret_name, given.ssh_public_key.propagation_method
            if ways.qemu_guest_agent:
                yield Credential("sshPublicKey", secret, "qemuGuestAgent", tuple(ways.qemu_guest_agent.users))
            else:
                yield Credential("sshPublicKey", secret, "noCloud" if ways.no_cloud else "configDrive")


def _containers(spec: WorkloadSpec) -> Iterator[ContainerBase]:
    if spec.container:
        yield spec.container
    yield from spec.init_containers or ()
    yield from spec.sidecars or ()


def _disks(machine: Machine | None) -> Iterator[tuple[str, DiskSource]]:
    if machine:
        yield _BOOT_DISK, machine.boot_disk
        yield from ((disk.name, disk) for disk in machine.disks or ())


def _capabilities(spec: WorkloadSpec) -> Iterator[str]:
    for container in _containers(spec):
        given = container.security_context
        yield from (given and given.capabilities and given.capabilities.add) or ()


def _images(spec: WorkloadSpec, disks: list[tuple[str, DiskSource]]) -> Iterator[str]:
    yield from (container.image for container in _containers(spec))
    yield from (disk.container_disk.image for _, disk in disks if disk.container_disk)
    yield from (disk.registry.url.removeprefix("docker://") for _, disk in disks if disk.registry)


def _claims(spec: WorkloadSpec, disks: list[tuple[str, DiskSource]]) -> Iterator[str]:
    yield from (each.persistent_volume_claim.claim_name for each in spec.volumes or () if each.persistent_volume_claim)
    yield from (disk.persistent_volume_claim.claim_name for _, disk in disks if disk.persistent_volume_claim)


def _secrets(spec: WorkloadSpec, disks: list[tuple[str, DiskSource]]) -> Iterator[str]:
    yield from (each.name for each in spec.image_pull_secrets or ())
    yield from (each.secret.secret_name for each in spec.volumes or () if each.secret)
    for container in _containers(spec):
        sources = (each.value_from for each in container.env or () if each.value_from)
        yield from (each.secret_key_ref.name for each in sources if each.secret_key_ref)
        yield from (each.secret_ref.name for each in container.env_from or () if each.secret_ref)
    for _, disk in disks:
        if disk.container_disk and disk.container_disk.image_pull_secret:
            yield disk.container_disk.image_pull_secret
    if spec.machine:
        yield from _first_boot_secrets(spec.machine)


def _first_boot_secrets(machine: Machine) -> Iterator[str]:
    for first in (machine.cloud_init, machine.cloud_init_config_drive):
        if first:
            yield first.secret_ref.name
        if first and first.network_data_secret_ref:
            yield first.network_data_secret_ref.name
    for credential in machine.access_credentials or ():
        found = credential.ssh_public_key or credential.user_password
        if found:
            yield found.source.secret.secret_name
    if machine.sysprep and machine.sysprep.secret:
        yield machine.sysprep.secret.name


def _config_maps(spec: WorkloadSpec) -> Iterator[str]:
    yield from (each.config_map.name for each in spec.volumes or () if each.config_map)
    for container in _containers(spec):
        sources = (each.value_from for each in container.env or () if each.value_from)
        yield from (each.config_map_key_ref.name for each in sources if each.config_map_key_ref)
        yield from (each.config_map_ref.name for each in container.env_from or () if each.config_map_ref)
    if spec.machine and spec.machine.sysprep and spec.machine.sysprep.config_map:
        yield spec.machine.sysprep.config_map.name


def _storage_classes(disks: list[tuple[str, DiskSource]]) -> Iterator[str]:
    made = (disk.made for _, disk in disks if disk.made)
    yield from (each.storage_class_name for each in made if each.storage_class_name)


def _made_from(disk: DiskSource) -> str:
    kind, name = "blank", ""
    if disk.data_source:
        kind, name = "dataSource", f" {disk.data_source.name}"
    if disk.pvc:
        kind, name = "pvc", f" {disk.pvc.name}"
    if disk.http:
        kind, name = "http", f" {disk.http.url}"
    if disk.registry:
        kind, name = "registry", f" {disk.registry.url}"
    stored = disk.made.storage_class_name if disk.made else None
    return kind + name + (f" in StorageClass {stored}" if stored else "")


def _fillings(namespace: str, disks: list[tuple[str, DiskSource]]) -> Iterator[Filling]:
    for _, disk in disks:
        if disk.blank:
            yield "blank", ()
        if disk.pvc:
            yield "pvc", (("name", disk.pvc.name), ("namespace", namespace))
        for kind, remote in (("http", disk.http), ("registry", disk.registry)):
            if remote:
                given = {"certConfigMap": remote.cert_config_map, "secretRef": remote.secret_ref, "url": remote.url}
                yield kind, tuple((name, value) for name, value in given.items() if value)


def _ports(spec: WorkloadSpec) -> Iterator[tuple[int, str]]:
    """Yield the ports of both sources, and those that the service targets by number."""
    if spec.container:
        yield from ((each.container_port, each.protocol.value) for each in spec.container.ports or ())
    if spec.machine:
        yield from ((each.port, each.protocol.value) for each in spec.machine.ports or ())
    for each in spec.service.ports if spec.service else ():
        target = each.port if each.target_port is None else each.target_port
        if isinstance(target, int):
            yield target, each.protocol.value
