"""Label selectors, as in meta/v1."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import LabelKey, LabelMap, LabelValue, Model, Rule, rules


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


SELECTS_SOMETHING: Final = Rule(
    "(has(self.namespaceSelector.matchLabels) && self.namespaceSelector.matchLabels.size() > 0) ||"
    " (has(self.namespaceSelector.matchExpressions) && self.namespaceSelector.matchExpressions.size() > 0)",
    "an empty selector would take every namespace, kube-system too: give at least one label",
    ".namespaceSelector",
)
"""A namespaceSelector says something: one that is empty selects every namespace of the cluster."""
