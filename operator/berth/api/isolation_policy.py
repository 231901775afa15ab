"""`isolationpolicies.berth.dev`: what is required of matching workloads, written by platform admins."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from berth.api.base import LabelKey, LabelMap, LabelValue, Model, ObjectName, Rule, as_set, rules
from berth.api.condition import Conditions
from berth.api.levels import IsolationLevel, NodeSharing, PolicyMode, Trust, WorkloadType


class SelectorOperator(StrEnum):
    """How a label is compared, as in meta/v1."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class SelectorRequirement(Model):
    """One comparison of one label."""

    key: LabelKey
    """Label key."""
    operator: SelectorOperator
    """How it is compared."""
    values: Annotated[list[LabelValue], Field(max_length=32)] | None = None
    """Values for In and NotIn."""

    model_config = rules(
        Rule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "In and NotIn need values, Exists and DoesNotExist have none: add values, or remove them",
        ),
    )


class LabelSelector(Model):
    """Labels that must match, as in meta/v1. All parts must hold."""

    match_labels: LabelMap | None = None
    """Labels with these values."""
    match_expressions: Annotated[list[SelectorRequirement], Field(max_length=16)] | None = None
    """Comparisons."""


class Match(Model):
    """Which workloads. All given matchers must hold; none given matches every workload."""

    namespace_selector: LabelSelector | None = None
    """Labels of the namespace."""
    workload_selector: LabelSelector | None = None
    """Labels of the Workload. Its author writes them, so this alone can be dodged."""
    tenants: Annotated[list[ObjectName], Field(min_length=1, max_length=256, json_schema_extra=as_set)] | None = None
    """Tenants by name."""
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

    model_config = rules(
        Rule(
            "has(self.level) || has(self.nodeSharing) || has(self.classes)",
            "a policy must require something: give level, nodeSharing or classes",
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
    on_deadline: OnDeadline = OnDeadline.HOLD
    """What happens to a running workload that cannot be moved up in time."""


class IsolationPolicyStatus(Model):
    """Whether the policy is understood, and whom it touches."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this status is about."""
    conditions: Conditions | None = None
    """Accepted."""
    matched: Annotated[int, Field(ge=0)] | None = None
    """Workloads that match."""
    unmet: Annotated[int, Field(ge=0)] | None = None
    """Matching workloads that run below what it requires."""


class IsolationPolicy(Model):
    """When a workload matches, what is required of its placement."""

    spec: IsolationPolicySpec
    """Matchers and requirements."""
    status: IsolationPolicyStatus | None = None
    """Whether it is understood, and whom it touches."""
