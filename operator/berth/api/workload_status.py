"""Status of a Workload: what Berth decided and what it saw."""

from typing import Annotated

from pydantic import Field

from berth.api.base import Model, ObjectName
from berth.api.condition import Conditions
from berth.api.levels import IsolationLevel
from berth.api.size import ResourceAmounts


class Cost(Model):
    """What the Workload sets aside, all replicas together."""

    requested: ResourceAmounts | None = None
    """What the author asked for."""
    overhead: ResourceAmounts | None = None
    """What isolation adds to it."""
    running: ResourceAmounts | None = None
    """What the guests that run have, without what isolation adds: only where it is not what was asked for, until a
    restart or a live update brings it in line."""


class Source(Model):
    """Who raised one dimension of the requirement."""

    dimension: Annotated[str, Field(max_length=63)]
    """Which one: level, nodeSharing, classes, images, dedicated, storageClasses, network."""
    value: Annotated[str, Field(max_length=1024)]
    """To what."""
    by: Annotated[str, Field(max_length=512)]
    """By whom, such as `IsolationPolicy pci`."""


class WaiverInForce(Model):
    """A Waiver that spares the Workload from policies, for a time."""

    name: ObjectName
    """The Waiver."""
    policies: Annotated[list[ObjectName], Field(max_length=32)]
    """IsolationPolicies that match and do not hold because of it."""
    reason: Annotated[str, Field(max_length=256)]
    """Why it was granted."""
    approver: Annotated[str, Field(max_length=253)]
    """Who granted it."""
    expires_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When the policies hold again."""


class Placement(Model):
    """Where the Workload runs."""

    class_name: ObjectName
    """IsolationClass."""
    level: IsolationLevel
    """Its isolation level."""
    backend: Annotated[str, Field(max_length=63)]
    """Pod or VirtualMachine."""
    runtime_class_name: Annotated[str, Field(max_length=253)] | None = None
    """RuntimeClass of the pods."""
    since: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When this class was chosen."""
    decided_by: Annotated[list[Source], Field(max_length=64)] | None = None
    """What was required, and by whom."""
    waivers: Annotated[list[WaiverInForce], Field(max_length=16)] | None = None
    """What spares it from policies now."""


class CandidateStatus(Model):
    """One IsolationClass and what the rules said of it."""

    class_name: ObjectName
    """IsolationClass."""
    level: IsolationLevel
    """Its isolation level."""
    backend: Annotated[str, Field(max_length=63)]
    """Pod or VirtualMachine."""
    verdict: Annotated[str, Field(max_length=63)]
    """Fit, NotNow (may change by itself) or Never (until spec or policy changes)."""
    chosen: bool | None = None
    """Whether it was chosen."""
    rule: Annotated[str, Field(max_length=63)] | None = None
    """The rule that decided it."""
    reason: Annotated[str, Field(max_length=63)] | None = None
    """Its reason."""
    message: Annotated[str, Field(max_length=2048)] | None = None
    """Why, with numbers and the fix."""
    overhead: ResourceAmounts | None = None
    """What isolation costs in this class, all replicas together."""


class WouldChange(Model):
    """One change of one input that would change the outcome."""

    change: Annotated[str, Field(max_length=1024)]
    """The change."""
    outcome: Annotated[str, Field(max_length=1024)]
    """The class that would be chosen then, or the reason why none."""


class PendingSwitch(Model):
    """A move that is due and waits."""

    from_class: Annotated[str, Field(alias="from", max_length=253)]
    """Where it runs."""
    to_class: Annotated[str, Field(alias="to", max_length=253)]
    """Where it should run."""
    reason: Annotated[str, Field(max_length=63)]
    """Why it waits."""
    message: Annotated[str, Field(max_length=2048)]
    """What would be interrupted or lost, and the fix."""


class DecisionStatus(Model):
    """Fingerprints of the decision: the same inputs and policies give the same bytes again."""

    inputs_hash: Annotated[str, Field(max_length=64)]
    """Of what the Workload asks and the cluster offers."""
    policy_hash: Annotated[str, Field(max_length=64)]
    """Of the effective requirement."""
    engine_version: Annotated[str, Field(max_length=64)]
    """Version of the rules."""


class Segment(Model):
    """One stretch of the way to ready."""

    name: Annotated[str, Field(max_length=63)]
    """What was reached."""
    seconds: Annotated[int, Field(ge=0)]
    """Seconds since the first replica in its class was created."""


class TimeToReady(Model):
    """How long the first replica in its class took to serve."""

    seconds: Annotated[int, Field(ge=0)]
    """Seconds from the creation of the first pod or machine instance to ready."""
    segments: Annotated[list[Segment], Field(max_length=16)] | None = None
    """On the way."""


class WorkloadStatus(Model):
    """What Berth decided and what it saw."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this status is about."""
    conditions: Conditions | None = None
    """Accepted, Placed, Isolated, Ready, Reconciling, Stalled."""
    tenant: Annotated[str, Field(max_length=253)] | None = None
    """Tenant that the namespace belongs to."""
    placement: Placement | None = None
    """Where it runs."""
    decision: DecisionStatus | None = None
    """Fingerprints of the decision."""
    candidates: Annotated[list[CandidateStatus], Field(max_length=32)] | None = None
    """Every IsolationClass and what the rules said of it."""
    would_change: Annotated[list[WouldChange], Field(max_length=16)] | None = None
    """Nearest single changes that would change the outcome."""
    warnings: Annotated[list[Annotated[str, Field(max_length=1024)]], Field(max_length=16)] | None = None
    """What policies in mode Warn would change."""
    pending_switch: PendingSwitch | None = None
    """A move that is due and waits."""
    cost: Cost | None = None
    """What it sets aside."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """Replicas that exist."""
    ready_replicas: Annotated[int, Field(ge=0)] | None = None
    """Replicas that are ready."""
    selector: Annotated[str, Field(max_length=1024)] | None = None
    """Label selector of the pods, for the scale subresource."""
    image: Annotated[str, Field(max_length=1024)] | None = None
    """What runs: the image, or the boot disk."""
    ready: Annotated[str, Field(max_length=32)] | None = None
    """Ready and wanted replicas, for people: `2/3`."""
    reason: Annotated[str, Field(max_length=63)] | None = None
    """The reason that matters most now, for people."""
    overhead: Annotated[str, Field(max_length=64)] | None = None
    """Cost of isolation, for people: `250m/304Mi`."""
    time_to_ready: TimeToReady | None = None
    """How long the first replica in its class took; absent while all that serves keeps failing."""
