"""`waivers.berth.dev`: a time-bound exception from named policies for named workloads, written by platform admins."""

from typing import Annotated, Final

from pydantic import Field

from berth.api.base import Model, Name, ObjectName, Rule, as_set, keyed_by, rules, validations
from berth.api.condition import Conditions

UserName = Annotated[str, Field(min_length=1, max_length=253)]
"""A user as the API server knows him."""


class WorkloadReference(Model):
    """One Workload."""

    namespace: Name
    """Its namespace."""
    name: Name
    """Its name."""


# Without a rule the server would take a list, too, where the schema gives a format.
_AHEAD: Final = Rule(
    "self > timestamp('2026-01-01T00:00:00Z')",
    "that time is long past: write one that lies ahead, such as 2030-01-31T00:00:00Z",
)


class WaiverSpec(Model):
    """From what, for whom, why, and until when."""

    workloads: Annotated[
        list[WorkloadReference], Field(min_length=1, max_length=64, json_schema_extra=keyed_by("namespace", "name"))
    ]
    """The Workloads that are spared."""
    policies: Annotated[list[ObjectName], Field(min_length=1, max_length=32, json_schema_extra=as_set)]
    """The IsolationPolicies that do not hold for them. What a tenant demands cannot be waived."""
    reason: Annotated[str, Field(min_length=1, max_length=256)]
    """Why, in the words that developers will read."""
    requested_by: UserName | None = None
    """Who asked for it; somebody else than the approver."""
    approver: UserName
    """Who takes responsibility: the user who writes this object."""
    expires_at: Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time", **validations(_AHEAD)})]
    """When it ends. The operator's settings say how far that may be from its creation."""

    model_config = rules(
        Rule(
            "!has(self.requestedBy) || self.requestedBy != self.approver",
            "nobody approves their own request: have somebody else approve it",
            ".approver",
        ),
        Rule(
            "self.expiresAt <= oldSelf.expiresAt",
            "a waiver is not extended: write a new one, so that somebody looks at it again",
            ".expiresAt",
        ),
        Rule(
            "self.workloads == oldSelf.workloads && self.policies == oldSelf.policies &&"
            " self.approver == oldSelf.approver",
            "workloads, policies and approver are immutable: write a new waiver",
        ),
    )


class WaiverStatus(Model):
    """Whether it holds."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this status is about."""
    conditions: Conditions | None = None
    """Accepted; Active while it holds."""
    workloads: Annotated[int, Field(ge=0)] | None = None
    """Workloads that it spares from something now."""


class Waiver(Model):
    """A time-bound exception from named policies for named workloads."""

    spec: WaiverSpec
    """From what, for whom, why, and until when."""
    status: WaiverStatus | None = None
    """Whether it holds."""
