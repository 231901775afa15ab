"""Condition types and the one closed list of reasons.

Conditions, events, metrics and the command line share these reasons. Their order is their
precedence: when several hold, the first one is shown.
"""

from enum import StrEnum
from typing import Final


class ConditionType(StrEnum):
    """Conditions of a Workload. `Reconciling` and `Stalled` follow the kstatus contract."""

    ACCEPTED = "Accepted"
    """The spec is valid and no policy forbids it."""
    PLACED = "Placed"
    """An IsolationClass was found."""
    ISOLATED = "Isolated"
    """What runs was seen to have the isolation that is required."""
    READY = "Ready"
    """All replicas serve, or the task has completed."""
    RECONCILING = "Reconciling"
    """Work is under way."""
    STALLED = "Stalled"
    """No progress until somebody changes something."""


ACTIVE: Final = "Active"
"""Condition of a Waiver: it holds now."""

EVADABLE: Final = "Evadable"
"""Condition of an IsolationPolicy: authors could write their Workloads so that it does not match."""

AVAILABLE: Final = "Available"
"""Condition of an IsolationClass: this cluster can run it."""


class Reason(StrEnum):
    """Why. Ordered by precedence."""

    MISCONFIGURED = "Misconfigured"
    """The spec contradicts itself or the cluster's rules."""
    POLICY_DENIED = "PolicyDenied"
    """A policy forbids it whatever the cluster can do."""
    TENANT_CONFLICT = "TenantConflict"
    """The namespace belongs to several tenants, so that the strictest of all they say holds."""
    NO_ELIGIBLE_CLASS = "NoEligibleClass"
    """Every IsolationClass is ruled out, for different reasons."""
    NO_BOOTABLE_IMAGE = "NoBootableImage"
    """The source that the remaining classes need is missing."""
    RUNTIME_CLASS_MISSING = "RuntimeClassMissing"
    """The RuntimeClass of the remaining classes does not exist."""
    RUNTIME_CHANGED = "RuntimeChanged"
    """The RuntimeClass has another handler than the IsolationClass vouches for."""
    NO_CAPABLE_NODE = "NoCapableNode"
    """No schedulable node can run it: runtime handler, KVM, device or size."""
    KUBEVIRT_NOT_READY = "KubeVirtNotReady"
    """KubeVirt is not installed, or not deployed yet."""
    EXCEEDS_QUOTA = "ExceedsQuota"
    """Larger than the quota: it never fits."""
    WAITING_FOR_QUOTA = "WaitingForQuota"
    """Fits into the quota once something else goes."""
    BELOW_REQUIRED = "BelowRequired"
    """What runs is isolated less than is required now."""
    DEADLINE_PASSED = "DeadlinePassed"
    """It ran below what is required for longer than the policy allows, and was stopped."""
    AWAITING_APPROVAL = "AwaitingApproval"
    """Moving it would interrupt it; somebody has to approve."""
    NAME_TAKEN = "NameTaken"
    """An object that Berth does not own has the name of a child."""
    CHILD_UNSAFE = "ChildUnsafe"
    """Berth's own check found a child to be more than the Workload may have, and it was not written."""
    CHILD_REJECTED = "ChildRejected"
    """The API server refused a child object."""
    ISOLATION_MISMATCH = "IsolationMismatch"
    """Something runs without the isolation that was chosen for it."""
    SOFTWARE_EMULATION = "SoftwareEmulation"
    """The virtual machine runs without hardware virtualization."""
    IMAGE_PULL_FAILED = "ImagePullFailed"
    """An image cannot be pulled."""
    CRASH_LOOPING = "CrashLooping"
    """A container or guest keeps failing."""
    UNSCHEDULABLE = "Unschedulable"
    """The scheduler finds no node now."""
    VOLUME_MISSING = "VolumeMissing"
    """A volume or what it refers to does not exist."""
    TASK_FAILED = "TaskFailed"
    """The task ended in failure."""
    BACKEND_FAILED = "BackendFailed"
    """The Deployment, Job or VirtualMachine reports a failure."""
    ISOLATION_UNKNOWN = "IsolationUnknown"
    """The node does not say which runtime handlers it has."""
    NOT_DECIDED = "NotDecided"
    """Not looked at yet."""
    SWITCHING = "Switching"
    """A new backing is starting; the old one serves until it is ready."""
    DELETING = "Deleting"
    """The Workload is being deleted."""
    PROVISIONING = "Provisioning"
    """Objects are created and start."""
    UPDATING = "Updating"
    """Replicas are being replaced or added."""
    SCALED_TO_ZERO = "ScaledToZero"
    """No replicas are asked for."""
    COMPLETED = "Completed"
    """The task has completed."""
    WOULD_CHANGE = "WouldChange"
    """A policy in mode Warn would place it elsewhere, or nowhere."""
    WAIVER_EXPIRING = "WaiverExpiring"
    """A waiver ends soon: the policies that it names hold again then."""
    EVADABLE = "Evadable"
    """Authors could write their Workloads so that the policy does not match."""
    EXPIRED = "Expired"
    """The waiver has ended."""
    ACTIVE = "Active"
    """The waiver holds."""
    ACCEPTED = "Accepted"
    """The spec is valid."""
    PLACED = "Placed"
    """A class was chosen."""
    VERIFIED = "Verified"
    """The running isolation was checked."""
    RUNNING = "Running"
    """All replicas are ready."""
    SETTLED = "Settled"
    """Nothing is left to do."""

    @property
    def precedence(self) -> int:
        """Place in the order; the lowest is shown first."""
        return _PRECEDENCE[self]


_PRECEDENCE = {reason: place for place, reason in enumerate(Reason)}
