"""`isolationpolicies.berth.dev`: what is required of matching workloads, written by platform admins."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from berth.api.base import Model, ObjectName, Rule, as_set, keyed_by, rules
from berth.api.condition import Conditions
from berth.api.demands import ImageRules
from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing, PolicyMode, Trust, WorkloadType
from berth.api.selector import LabelSelector
from berth.api.size import ResourceAmounts


class Match(Model):
    """Which workloads. All given matchers must hold; none given matches every workload."""

    namespace_selector: LabelSelector | None = None
    """Labels of the namespace."""
    workload_selector: LabelSelector | None = None
    """Labels of the Workload. Its author writes them, so this alone can be dodged."""
    tenants: Annotated[list[ObjectName], Field(min_length=1, max_length=256, json_schema_extra=as_set)] | None = None
    """Tenants by name; a namespace of two tenants counts as of both."""
    trust: Annotated[list[Trust], Field(min_length=1, max_length=3, json_schema_extra=as_set)] | None = None
    """What the author says of the code; unset counts as Restricted."""
    types: Annotated[list[WorkloadType], Field(min_length=1, max_length=2, json_schema_extra=as_set)] | None = None
    """Service or Task."""


class Require(Model):
    """What is required. What is unset is not required by this policy."""

    level: IsolationLevel | None = None
    """Lowest isolation level."""
    node_sharing: NodeSharing | None = None
    """How far nodes must be set apart."""
    classes: Annotated[list[ObjectName], Field(min_length=1, max_length=32, json_schema_extra=as_set)] | None = None
    """Only these IsolationClasses."""
    images: ImageRules | None = None
    """Which images may run."""
    dedicated: bool | None = None
    """Whether workloads must ask for processors of their own (`spec.resources.dedicated`)."""
    storage_classes: (
        Annotated[list[ObjectName], Field(min_length=1, max_length=32, json_schema_extra=as_set)] | None
    ) = None
    """Only disks of these StorageClasses: those that encrypt, for instance."""
    network: NetworkMode | None = None
    """How far workloads must be closed off on the network."""

    model_config = rules(
        Rule(
            "has(self.level) || has(self.nodeSharing) || has(self.classes) || has(self.images) ||"
            " (has(self.dedicated) && self.dedicated) || has(self.storageClasses) || has(self.network)",
            "a policy must require something: give level, nodeSharing, classes, images, dedicated, storageClasses or"
            " network",
        ),
    )


class OnDeadline(StrEnum):
    """What happens to a running workload that cannot be moved up in time."""

    HOLD = "Hold"
    """It keeps running where it is, and says so."""
    STOP = "Stop"
    """It is stopped."""


class IsolationPolicySpec(Model):
    """When a workload matches, what is required of its placement."""

    mode: PolicyMode
    """Whether it holds, warns or is counted only."""
    reason: Annotated[str, Field(min_length=1, max_length=256)]
    """Why, in the words that developers will read."""
    match: Match | None = None
    """Which workloads; all when unset."""
    when: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """CEL expression that must be true as well. Variables: `workload` (spec, labels, name) and `ns` (name, labels).
    An error counts as true."""
    require: Require
    """What is required."""
    deadline_seconds: Annotated[int, Field(ge=1, le=31536000)] | None = None
    """Seconds within which a running workload must meet it; a day when unset."""
    on_deadline: OnDeadline = OnDeadline.HOLD
    """What happens to a running workload that cannot be moved up in time."""


class Flips(Model):
    """Workloads that would run elsewhere."""

    from_class: Annotated[str, Field(alias="from", max_length=253)]
    """IsolationClass without the policy; empty where none fits."""
    to_class: Annotated[str, Field(alias="to", max_length=253)]
    """IsolationClass with it; empty where none fits."""
    workloads: Annotated[int, Field(ge=1)]
    """How many."""


class TenantImpact(Model):
    """What the policy costs one tenant."""

    tenant: Annotated[str, Field(max_length=253)]
    """Its name; `ns/` and the namespace where that belongs to no tenant."""
    workloads: Annotated[int, Field(ge=0)]
    """Workloads that would run elsewhere, or nowhere."""
    overhead: ResourceAmounts
    """What isolation would add."""
    exceeds: Annotated[str, Field(max_length=1024)] | None = None
    """The quota that would not hold, with numbers."""


class Impact(Model):
    """The difference that the policy makes, or would make if it were enforced, to what runs now."""

    workloads: Annotated[int, Field(ge=0)]
    """Workloads that it places elsewhere, or nowhere."""
    unplaced: Annotated[int, Field(ge=0)]
    """Workloads that it leaves without a class."""
    overhead: ResourceAmounts
    """What isolation adds because of it."""
    flips: Annotated[list[Flips], Field(max_length=64, json_schema_extra=keyed_by("from", "to"))] | None = None
    """From which class to which; the most frequent first."""
    tenants: Annotated[list[TenantImpact], Field(max_length=64, json_schema_extra=keyed_by("tenant"))] | None = None
    """For whom; the dearest first."""
    quotas_exceeded: Annotated[int, Field(ge=0)]
    """Tenants whose quota would not hold."""


class IsolationPolicyStatus(Model):
    """Whether the policy is understood, whom it touches, and at what cost."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this status is about."""
    conditions: Conditions | None = None
    """Accepted; Evadable where authors could write their Workloads so that it does not match."""
    matched: Annotated[int, Field(ge=0)] | None = None
    """Workloads that match."""
    unmet: Annotated[int, Field(ge=0)] | None = None
    """Matching workloads that run below what it requires."""
    waived: Annotated[int, Field(ge=0)] | None = None
    """Matching workloads that a Waiver spares."""
    impact: Impact | None = None
    """The difference that it makes, or would make if it were enforced."""


class IsolationPolicy(Model):
    """When a workload matches, what is required of its placement."""

    spec: IsolationPolicySpec
    """Matchers and requirements."""
    status: IsolationPolicyStatus | None = None
    """Whether it is understood, and whom it touches."""
