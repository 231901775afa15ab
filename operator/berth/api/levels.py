"""The orders that policy speaks in: isolation level, node sharing, network."""

from enum import StrEnum


class IsolationLevel(StrEnum):
    """How strongly a workload is kept from its host, weakest first. The order is fixed."""

    CONTAINER = "Container"
    """Shares the host's kernel."""
    SANDBOXED = "Sandboxed"
    """Runs on a kernel in user space (gVisor)."""
    VIRTUALIZED = "Virtualized"
    """Has a kernel of its own behind hardware virtualization (Kata, KubeVirt)."""
    CONFIDENTIAL = "Confidential"
    """Virtualized, with memory encrypted against the host (SEV-SNP, TDX)."""

    @property
    def rank(self) -> int:
        """Place in the order, 0 is weakest."""
        return _LEVEL_RANK[self]


class NodeSharing(StrEnum):
    """Who else may run on the node of a workload, most sharing first. The order is fixed."""

    SHARED = "Shared"
    """Anyone."""
    TENANT = "Tenant"
    """Only workloads of the same tenant."""
    EXCLUSIVE = "Exclusive"
    """Nothing but this workload."""

    @property
    def rank(self) -> int:
        """Place in the order, 0 is weakest."""
        return _SHARING_RANK[self]


class NetworkMode(StrEnum):
    """Whom a workload may talk to, most open first. The order is fixed."""

    OPEN = "Open"
    """Anyone may reach its ports, and it may reach anyone."""
    ISOLATED = "Isolated"
    """Only its tenant's namespaces, DNS, and what the tenant lists."""

    @property
    def rank(self) -> int:
        """Place in the order, 0 is most open."""
        return _NETWORK_RANK[self]


class Backend(StrEnum):
    """What kind of object runs a workload."""

    POD = "Pod"
    """Pods of a Deployment or a Job."""
    VIRTUAL_MACHINE = "VirtualMachine"
    """A KubeVirt VirtualMachine or VirtualMachinePool."""


class PolicyMode(StrEnum):
    """What a matching policy does."""

    ENFORCE = "Enforce"
    """Its requirements hold."""
    WARN = "Warn"
    """They do not hold; what they would change is said on the Workload."""
    AUDIT = "Audit"
    """They do not hold; what they would change is counted and listed on the policy only."""


class Trust(StrEnum):
    """What the author says of the code."""

    TRUSTED = "Trusted"
    RESTRICTED = "Restricted"
    UNTRUSTED = "Untrusted"


class WorkloadType(StrEnum):
    """How a workload ends."""

    SERVICE = "Service"
    """Runs until it is deleted."""
    TASK = "Task"
    """Runs to completion."""


_LEVEL_RANK = {level: rank for rank, level in enumerate(IsolationLevel)}
_SHARING_RANK = {sharing: rank for rank, sharing in enumerate(NodeSharing)}
_NETWORK_RANK = {mode: rank for rank, mode in enumerate(NetworkMode)}
