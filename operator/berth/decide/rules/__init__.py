"""All rules, as one list: read it as the specification. Every rule is put to every class, and every verdict is kept.

A rule is a pure function of what is asked, what is required and what the class offers; None means that it fits. The
order only says which verdict is shown first. CONTRIBUTING.md tells how to add one.
"""

from collections.abc import Callable
from typing import Final

from berth.decide.model import Ask, ClassFacts, Requirement, Verdict
from berth.decide.rules.allowed import allowed
from berth.decide.rules.available import available
from berth.decide.rules.capacity import capacity
from berth.decide.rules.dedicated import dedicated
from berth.decide.rules.devices import devices
from berth.decide.rules.enabled import enabled
from berth.decide.rules.level import level
from berth.decide.rules.needs import needs
from berth.decide.rules.node_sharing import node_sharing
from berth.decide.rules.operating_system import operating_system
from berth.decide.rules.pinned import pinned
from berth.decide.rules.source import source
from berth.decide.rules.storage import storage
from berth.decide.rules.task import task

Rule = Callable[[Ask, Requirement, ClassFacts], Verdict | None]

RULES: Final[tuple[Rule, ...]] = (
    available,  # the class is valid and this cluster can run it now
    allowed,  # every policy that lists classes lists this one
    level,  # it isolates at least as strongly as is required
    node_sharing,  # its nodes are set apart at least as far as is required
    pinned,  # the author named this class or none
    enabled,  # it takes new workloads
    source,  # the workload brings an image for pods, a boot disk for machines
    operating_system,  # Windows runs in machines only
    needs,  # kernel modules and all capabilities in machines only; user 0 not on a bare shared kernel
    devices,  # devices pass through, are permitted, and some node has them all
    dedicated,  # machines get whole processors only from nodes that pin them
    capacity,  # some node is large enough for a replica and its overhead, with all else it needs
    storage,  # claims exist, pods can mount them, and replicas may share them
    task,  # a machine completes a Task only once
)

POLICY_RULES: Final = frozenset(("allowed", "level", "node_sharing", "pinned", "enabled"))
"""Rules by which people, not the cluster, rule a class out."""
