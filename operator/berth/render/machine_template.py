"""The VirtualMachine's spec that single machines and pools share."""

from typing import Final

from berth.api.guest import Clock, EvictionStrategy
from berth.api.levels import WorkloadType
from berth.api.machine import InstancetypeKind, Machine, OperatingSystem, PreferenceKind
from berth.api.workload import Needs, WorkloadSpec
from berth.decide.guest import AMD64, Described, architecture_of, guest_of, requested_of
from berth.decide.model import ClassFacts, Guest
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
            "instancetype": _matcher(machine.instancetype_kind or InstancetypeKind.CLUSTER, machine.instancetype),
            "preference": _matcher(machine.preference_kind or PreferenceKind.CLUSTER, machine.preference),
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


def _matcher(kind: InstancetypeKind | PreferenceKind, name: str | None) -> Object | None:
    return {"kind": kind.value, "name": name} if name else None


def _instance(subject: Subject, facts: ClassFacts, machine: Machine, spread: list[Object]) -> Object:
    spec, needs = subject.spec, subject.spec.needs or Needs()
    shape = guest(subject, machine)
    architecture = architecture_of(shape, facts)
    volumes = attached(subject, machine, architecture)
    ports = machine_ports(spec, machine)
    return present(
        {
            # Pools get no default, and without one KubeVirt refuses encrypted memory.
            "architecture": needs.architecture or (AMD64 if facts.launch_security else None),
            "domain": {
                **_size(spec, needs, machine, shape),
                **firmware(machine, facts.launch_security, architecture),
                **_hardware(machine),
                "devices": _devices(needs, machine, shape, volumes, ports),
            },
            "networks": [{"name": NETWORK, "pod": {}}, *(written(each) for each in machine.networks or ())],
            "volumes": volume_entries(volumes),
            "accessCredentials": [written(each) for each in machine.access_credentials or ()],
            "hostname": machine.hostname,
            "readinessProbe": _readiness(machine, ports),
            "livenessProbe": written(machine.liveness_probe) if machine.liveness_probe else None,
            "evictionStrategy": str(machine.eviction_strategy or EvictionStrategy.LIVE_MIGRATE_IF_POSSIBLE),
            "terminationGracePeriodSeconds": _grace(spec, machine),
            "priorityClassName": spec.priority_class_name,
            "serviceAccountName": spec.service_account_name,
            "nodeSelector": dict(facts.node_selector) or None,
            "tolerations": tolerations(facts),
            "affinity": (_nested_affinity(needs) | anti_affinity(subject, facts)) or None,
            "topologySpreadConstraints": spread,
        }
    )


def _devices(needs: Needs, machine: Machine, guest: Guest, volumes: list[Attached], ports: list[Object]) -> Object:
    return present(
        {
            # A preference with a video device wants a screen; where it is the one to say, nothing else must.
            "autoattachGraphicsDevice": None if guest.video and guest.graphics is None else bool(guest.graphics),
            "logSerialConsole": bool(machine.log_serial_console),  # on by default in KubeVirt, and costs a sidecar
            "rng": None if machine.os is OperatingSystem.WINDOWS else {},
            "tpm": tpm(machine),
            "disks": disk_entries(volumes),
            "interfaces": [_pod_interface(machine, ports), *_further_interfaces(machine)],
            **_passed_through(needs),
        }
    )


def guest(subject: Subject, machine: Machine) -> Guest:
    """Return the guest to render: the one that was decided about, or what the spec alone says."""
    return subject.guest or guest_of(subject.spec, machine, Described())


def _pod_interface(machine: Machine, ports: list[Object]) -> Object:
    """Return the card in the pod network. A preference chooses its model, which it can only where none is set."""
    card = next((each for each in machine.interfaces or () if each.name == NETWORK), None)
    given = written(card) if card else {}
    return present({**given, "name": NETWORK, "masquerade": {}, "ports": ports})


def _further_interfaces(machine: Machine) -> list[Object]:
    """Return the cards in further networks, in the order of the networks."""
    cards = {each.name: written(each) for each in machine.interfaces or ()}
    return [cards[network.name] for network in machine.networks or () if network.name in cards]


def _hardware(machine: Machine) -> Object:
    """Return machine type and clock, as far as they are to be set."""
    return present(
        {
            "machine": {"type": machine.machine_type} if machine.machine_type else None,
            "clock": _clock(machine.clock) if machine.clock else None,
        }
    )


def _clock(clock: Clock) -> Object:
    """Return `domain.clock`. An offset of 0 says more than none: what the guest sets outlives a restart."""
    utc = present({"offsetSeconds": clock.utc.offset_seconds}) if clock.utc else None
    return present({"utc": utc, "timezone": clock.timezone})


def _size(spec: WorkloadSpec, needs: Needs, machine: Machine, guest: Guest) -> Object:
    """Return processors and memory of the guest, unless an instancetype gives them.

    There is no `resources`: the guest's own size is its limit. A limit on the launcher would also count KubeVirt's
    overhead and kill the guest, and for dedicated processors KubeVirt itself makes requests equal limits.
    """
    cpu: Object = {"features": _nested_features()} if needs.nested_virtualization else {}
    if spec.resources and spec.resources.dedicated and _may_pin(machine, guest):
        cpu["dedicatedCpuPlacement"] = True
    if machine.instancetype:
        return {"cpu": cpu} if cpu else {}
    memory = requested_of(spec.resources, "memory") if spec.resources else None
    if memory is None:
        raise Unrenderable("a machine needs a size: set resources.requests.memory, or machine.instancetype")
    # Sockets are what KubeVirt can add to a running machine; it does so only if all three are said.
    topology = {"sockets": guest.sockets, "cores": guest.cores, "threads": guest.threads}
    own = written(machine.cpu) if machine.cpu else {}
    pages = written(machine.hugepages) if machine.hugepages else None
    return {"cpu": {**own, **topology, **cpu}, "memory": present({"guest": canonical(memory), "hugepages": pages})}


def _may_pin(machine: Machine, guest: Guest) -> bool:
    """Return whether a machine may ask for dedicated processors itself: where its instancetype says so, it must not."""
    kind = guest.instancetype
    return not machine.instancetype or (kind is not None and "cpu.dedicatedCPUPlacement" not in kind.sets)


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
