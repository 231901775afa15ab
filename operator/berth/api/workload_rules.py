"""What the parts of a Workload's spec must be to each other: CEL rules, asked by the API server."""

from typing import Final

from berth.api.base import Rule
from berth.api.machine_disks import LAUNCHER_VOLUMES

_TYPE: Final = (
    Rule("self.type == oldSelf.type", "type is immutable: delete the Workload and create it anew", ".type"),
    Rule(
        "self.deletionPolicy == oldSelf.deletionPolicy || !has(self.machine) || !has(oldSelf.machine)",
        "deletionPolicy of a machine is immutable, for its disks were made with it: restore it, and clone what is to be"
        " kept into a disk of another Workload",
        ".deletionPolicy",
    ),
    Rule(
        "self.type != 'Task' || !has(self.autoscaling)",
        "a Task cannot be autoscaled: remove autoscaling, or set type to Service",
        ".autoscaling",
    ),
    Rule(
        "self.type == 'Task' || !has(self.task)",
        "task is for type Task only: remove it, or set type to Task",
        ".task",
    ),
    Rule(
        "self.type != 'Task' || !has(self.service)",
        "a Task has no service: remove service, or set type to Service",
        ".service",
    ),
)

_SOURCES: Final = (
    Rule("has(self.container) || has(self.machine)", "nothing to run: give container, machine or both"),
    Rule(
        "has(self.container) || (!has(self.initContainers) && !has(self.sidecars))",
        "initContainers and sidecars need a container: add container or remove them",
    ),
    Rule(
        "!has(self.sidecars) || !has(self.initContainers) ||"
        " self.sidecars.all(one, !self.initContainers.exists(other, other.name == one.name))",
        "a sidecar has the name of an init container: rename one of them",
        ".sidecars",
    ),
    Rule(
        "(!has(self.sidecars) || self.sidecars.all(one, one.name != 'main')) &&"
        " (!has(self.initContainers) || self.initContainers.all(one, one.name != 'main'))",
        "the name main belongs to the main container: rename the init container or sidecar",
    ),
    Rule(
        "!self.?needs.?root.orValue(false) || (!self.?securityContext.?runAsUser.hasValue() &&"
        " !self.?container.?securityContext.?runAsUser.hasValue())",
        "needs.root and runAsUser contradict each other: remove one of them",
        ".needs",
    ),
)

_SIZE: Final = (
    Rule(
        "!has(self.machine) || !has(self.machine.instancetype) || has(self.container) || !has(self.resources)",
        "the instancetype gives the machine its size: remove resources or machine.instancetype",
        ".resources",
    ),
    Rule(
        "!has(self.machine) || has(self.machine.instancetype) ||"
        " self.?resources.?requests.?memory.hasValue() || self.?resources.?limits.?memory.hasValue()",
        "a machine needs a size: set resources.requests.memory, or machine.instancetype",
    ),
    Rule(
        "!has(self.machine) || !has(self.machine.instancetype) ||"
        " (!has(self.machine.cpu) && !has(self.machine.hugepages))",
        "the instancetype gives the machine its processors and memory: remove machine.cpu and machine.hugepages",
        ".machine",
    ),
    Rule(
        "!has(self.machine) || !has(self.machine.cpu) || !self.?resources.?requests.?cpu.hasValue() ||"
        " (!has(self.machine.cpu.sockets) && !has(self.machine.cpu.cores) && !has(self.machine.cpu.threads)) ||"
        " quantity(string(self.resources.requests.cpu)).asApproximateFloat() =="
        " double(self.machine.cpu.?sockets.orValue(1) * self.machine.cpu.?cores.orValue(1) *"
        " self.machine.cpu.?threads.orValue(1))",
        "sockets, cores and threads of machine.cpu make another number of processors than is asked for: set"
        " resources.requests.cpu to their product",
        ".machine",
    ),
    Rule(
        "!has(self.machine) || !has(self.machine.cpu) || !has(self.machine.cpu.numa) ||"
        " (self.?resources.?dedicated.orValue(false) && has(self.machine.hugepages))",
        "NUMA nodes are seen by dedicated processors with huge pages only: set resources.dedicated and"
        " machine.hugepages, or remove machine.cpu.numa",
        ".machine",
    ),
    Rule(
        "has(self.container) || (!self.?resources.?requests.?ephemeral__dash__storage.hasValue() &&"
        " !self.?resources.?limits.?ephemeral__dash__storage.hasValue())",
        "a machine has no ephemeral-storage, for each of its disks has a size: remove it from requests and limits",
        ".resources",
    ),
    Rule(
        "!has(self.autoscaling) || self.?machine.?instancetype.hasValue() ||"
        " self.?resources.?requests.?cpu.hasValue() || self.?resources.?limits.?cpu.hasValue()",
        "autoscaling compares use with the request: set resources.requests.cpu",
        ".autoscaling",
    ),
    Rule(
        "!has(self.autoscaling) || !has(self.sidecars) || self.sidecars.all(one,"
        " one.?resources.?requests.?cpu.hasValue() || one.?resources.?limits.?cpu.hasValue())",
        "autoscaling compares use with the requests of all containers: set resources.requests.cpu of every sidecar",
        ".sidecars",
    ),
)


def _mounts(what: str, field: str, each: str) -> Rule:
    """Return the rule that some containers mount volumes of the Workload only."""
    known = "has(self.volumes) && self.volumes.exists(volume, volume.name == mount.name)"
    return Rule(
        f"!has(self.{field}) || " + each.format(known=known),
        f"{what} mounts a volume that is not in volumes: add it there",
        f".{field}",
    )


_EACH: Final = "all(one, !has(one.volumeMounts) || one.volumeMounts.all(mount, {known}))"
_MAIN: Final = "!has(self.container.volumeMounts) || self.container.volumeMounts.all(mount, {known})"

_VOLUMES: Final = (
    _mounts("container", "container", _MAIN),
    _mounts("an init container", "initContainers", f"self.initContainers.{_EACH}"),
    _mounts("a sidecar", "sidecars", f"self.sidecars.{_EACH}"),
    Rule(
        "!has(self.volumes) || self.volumes.all(one, !(one.name in ['root', 'cloudinit', 'sysprep']))",
        "root, cloudinit and sysprep are disks that Berth adds itself: give the volume another name",
        ".volumes",
    ),
    Rule(
        "!has(self.volumes) || !has(self.machine) || !has(self.machine.disks) ||"
        " self.volumes.all(one, !self.machine.disks.exists(disk, disk.name == one.name))",
        "a volume has the name of a disk of the machine, which sees both as disks: rename one of them",
        ".volumes",
    ),
    Rule(
        f"!has(self.volumes) || !has(self.machine) || self.volumes.all(one, !(one.name in {list(LAUNCHER_VOLUMES)}))",
        "a volume has the name of one that KubeVirt adds to the machine's pod, as private, public or sockets are: give"
        " it another name",
        ".volumes",
    ),
    Rule(
        "!has(self.volumes) || !has(self.machine) || self.volumes.all(one, !has(one.persistentVolumeClaim) || ("
        "self.volumes.exists_one(other, has(other.persistentVolumeClaim) &&"
        " other.persistentVolumeClaim.claimName == one.persistentVolumeClaim.claimName) &&"
        " self.machine.bootDisk.?persistentVolumeClaim.?claimName.orValue('') !="
        " one.persistentVolumeClaim.claimName && (!has(self.machine.disks) || !self.machine.disks.exists(disk,"
        " disk.?persistentVolumeClaim.?claimName.orValue('') == one.persistentVolumeClaim.claimName))))",
        "a volume is the same claim as another volume or disk, which a machine cannot have twice: remove one of them",
        ".volumes",
    ),
    Rule(
        "!has(self.machine) || !(self.?needs.?architecture.orValue('') in ['arm64', 's390x']) ||"
        " (self.machine.bootDisk.?disk.?bus.orValue('') != 'sata' &&"
        " self.machine.bootDisk.?cdrom.?bus.orValue('') != 'sata' &&"
        " (!has(self.machine.disks) || self.machine.disks.all(one, one.?disk.?bus.orValue('') != 'sata' &&"
        " one.?cdrom.?bus.orValue('') != 'sata')))",
        "machines of arm64 and s390x have no sata: set the bus of that disk to scsi, or to virtio if it is no CD-ROM",
        ".machine",
    ),
    Rule(
        "!has(self.volumes) || !has(self.machine) ||"
        " self.volumes.all(one, !has(one.emptyDir) || has(one.emptyDir.sizeLimit))",
        "a machine sees an emptyDir as a disk, which needs a size: set emptyDir.sizeLimit",
        ".volumes",
    ),
)

_SERVICE: Final = (
    Rule(
        "!has(self.service) || !has(self.container) || self.service.ports.all(port,"
        " type(port.?targetPort.orValue(1)) == int || (has(self.container.ports) && self.container.ports.exists(given,"
        " has(given.name) && given.name == port.targetPort && given.protocol == port.protocol)))",
        "a service port has a targetPort that is not in container.ports by that name and protocol: add it there, or"
        " write the number",
        ".service",
    ),
    Rule(
        "!has(self.service) || !has(self.machine) || self.service.ports.all(port,"
        " has(self.machine.ports) && self.machine.ports.exists(given, given.protocol == port.protocol &&"
        " (port.?targetPort.orValue(port.port) == given.port ||"
        " (has(given.name) && has(port.targetPort) && given.name == port.targetPort))))",
        "a service port leads to a port of the machine that is closed: add it to machine.ports with its protocol",
        ".service",
    ),
)

_ENDING: Final = (
    Rule(
        "!has(self.terminationGracePeriodSeconds) || !has(self.container) || !has(self.container.lifecycle) ||"
        " self.container.lifecycle.preStop.sleep.seconds == 0 ||"
        " self.container.lifecycle.preStop.sleep.seconds < self.terminationGracePeriodSeconds",
        "preStop.sleep leaves nothing of terminationGracePeriodSeconds, so the container would be killed at once: set"
        " terminationGracePeriodSeconds above lifecycle.preStop.sleep.seconds, or remove it",
        ".terminationGracePeriodSeconds",
    ),
)


def _one_of_a_kind(what: str, given: str) -> Rule:
    """Return the rule that a guest which is known by something is alone: every member of a pool would have it."""
    return Rule(
        f"!({given}) || (self.replicas <= 1 && self.?autoscaling.?maxReplicas.orValue(1) <= 1)",
        f"several replicas of a machine cannot have one {what}: run one, or remove {what}",
        ".machine",
    )


_CARDS: Final = (
    "has(self.machine) && has(self.machine.interfaces) && self.machine.interfaces.exists(one, has(one.macAddress))"
)

_REPLICAS: Final = (
    _one_of_a_kind("hostname", "self.?machine.?hostname.hasValue()"),
    _one_of_a_kind("firmware.uuid", "self.?machine.?firmware.?uuid.hasValue()"),
    _one_of_a_kind("firmware.serial", "self.?machine.?firmware.?serial.hasValue()"),
    _one_of_a_kind("macAddress", _CARDS),
    Rule(
        "!has(self.machine) || has(self.container) || !has(self.machine.disks) ||"
        " (self.replicas <= 1 && self.?autoscaling.?maxReplicas.orValue(1) <= 1) ||"
        " self.machine.disks.all(disk, has(disk.containerDisk))",
        "several replicas of a machine cannot share a disk: run one, or use containerDisk for disks",
        ".machine",
    ),
    Rule(
        "!has(self.machine) || has(self.container) || has(self.machine.bootDisk.containerDisk) ||"
        " (self.replicas <= 1 && self.?autoscaling.?maxReplicas.orValue(1) <= 1)",
        "several replicas of a machine cannot share a boot disk: run one, or boot from a containerDisk",
        ".machine",
    ),
)

SPEC_RULES: Final = (*_TYPE, *_SOURCES, *_SIZE, *_VOLUMES, *_SERVICE, *_ENDING, *_REPLICAS)
"""Every rule between the fields of a spec. `replicas` is not compared with `autoscaling`: the autoscaler writes it."""
