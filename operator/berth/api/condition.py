"""Conditions, as in meta/v1."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from berth.api.base import Model, keyed_by


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One condition, as in meta/v1."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """Which condition."""
    status: ConditionStatus
    """Whether it holds."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the object that it was computed for."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When `status` last changed."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """One word, from the list of reasons."""
    message: Annotated[str, Field(max_length=32768)]
    """What, by which rule, with which numbers, and the fix."""


Conditions = Annotated[list[Condition], Field(max_length=16, json_schema_extra=keyed_by("type"))]
