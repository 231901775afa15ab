"""All rules, in two tables: read them as the specification. Every rule is put to every class, every verdict is kept.

A rule is a pure function of what is required or of what is asked, and of what the class offers; None means that it
fits. The order only says which verdict is shown first. CONTRIBUTING.md tells how to add one.
"""

from collections.abc import Callable
from typing import Final

from berth.api.levels import WorkloadType
from berth.decide.model import Ask, ClassFacts, Requirement, Verdict
from berth.decide.rules.allowed import allowed
from berth.decide.rules.architecture import architecture
from berth.decide.rules.available import available
from berth.decide.rules.capacity import capacity
from berth.decide.rules.dedicated import dedicated
from berth.decide.rules.devices import devices
from berth.decide.rules.disks import disks
from berth.decide.rules.enabled import enabled
from berth.decide.rules.encryption import encryption
from berth.decide.rules.features import features
from berth.decide.rules.hardware import hardware
from berth.decide.rules.instancetype import instancetype
from berth.decide.rules.level import level
from berth.decide.rules.memory_limit import memory_limit
from berth.decide.rules.needs import needs
from berth.decide.rules.node_sharing import node_sharing
from berth.decide.rules.operating_system import operating_system
from berth.decide.rules.pinned import pinned
from berth.decide.rules.pod_security import pod_security
from berth.decide.rules.preference import preference
from berth.decide.rules.preflight import preflight
from berth.decide.rules.source import source
from berth.decide.rules.storage import storage
from berth.decide.rules.task import task

ClassRule = Callable[[Requirement, ClassFacts], Verdict | None]
WorkloadRule = Callable[[Ask, ClassFacts], Verdict | None]

CLASS_RULES: Final[tuple[ClassRule, ...]] = (
    available,  # the class is valid and this cluster can run it now
    allowed,  # every policy that lists classes lists this one
    level,  # it isolates at least as strongly as is required
    node_sharing,  # its nodes are set apart at least as far as is required
)
"""Rules that do not look at the workload: all workloads under one requirement share their verdicts. They come first."""


def everybody(_ask: Ask) -> bool:
    """Return that a rule concerns whatever workload."""
    return True


WORKLOAD_RULES: Final[dict[WorkloadRule, Callable[[Ask], bool]]] = {
    # the author named this class or none
    pinned: lambda ask: ask.class_name is not None,
    # it takes new workloads
    enabled: everybody,
    # the workload brings an image for pods, a boot disk for machines
    source: everybody,
    # Windows runs in machines only
    operating_system: lambda ask: ask.machine is not None,
    # the preference of a machine gets what it requires
    preference: lambda ask: ask.machine is not None and ask.machine.guest.preference is not None,
    # KubeVirt is new enough for it, and set up for it
    features: lambda ask: (
        ask.machine is not None
        and (ask.service_account is not None or ask.host_devices != () or not ask.machine.guest.plain)
    ),
    # its instancetype contradicts nobody
    instancetype: lambda ask: ask.with_instancetype or (ask.machine is not None and ask.machine.guest.page_size != ""),
    # its memory can be encrypted as the class does
    encryption: lambda ask: ask.machine is not None and not ask.machine.guest.plain,
    # there is such hardware for its architecture
    architecture: lambda ask: ask.machine is not None and not ask.machine.guest.plain,
    # KubeVirt takes its machine type, and some node has that and its model of processor
    hardware: lambda ask: ask.machine is not None,
    # kernel modules and all capabilities in machines only; user 0 not on a bare shared kernel
    needs: lambda ask: ask.root or ask.privileged or ask.nested_virtualization or ask.kernel_modules != (),
    # its namespace takes the pods: Pod Security admission
    pod_security: lambda ask: ask.pod_security is not None,
    # its memory limit leaves something beside the sandbox
    memory_limit: lambda ask: ask.memory_limit > 0,
    # devices pass through, are permitted, and some node has them all
    devices: lambda ask: (
        ask.gpu is not None or ask.host_devices != () or ask.network_devices != () or ask.with_instancetype
    ),
    # machines get whole processors only from nodes that pin them
    dedicated: lambda ask: ask.machine is not None,
    # some node is large enough for a replica and its overhead, with all else it needs
    capacity: everybody,
    # claims exist, pods can mount them, and replicas may share them
    storage: lambda ask: ask.machine is not None or ask.claims != (),
    # disks that are to be made can be, and none of their names has another disk
    disks: lambda ask: ask.origins != () or ask.kept != () or ask.resized != (),
    # a machine completes a Task only once
    task: lambda ask: ask.type is not WorkloadType.SERVICE,
    # the API server takes the machine, with all webhooks and admission policies
    preflight: lambda ask: ask.refusals != (),
}
"""Rules that look at what the workload asks for, or at where it runs; each with the workloads that it concerns. All
others it passes in whatever class, so that it is not put to class after class for them."""

RULES: Final = (*CLASS_RULES, *WORKLOAD_RULES)

POLICY_RULES: Final = frozenset(("allowed", "level", "node_sharing", "pinned", "enabled"))
"""Rules by which people, not the cluster, rule a class out."""
