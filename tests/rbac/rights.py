"""What the chart grants the operator, and why: the comment above each rule says it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ground import chart

ROLES = {"berth-operator", "berth-leader"}
RULE = "  - apiGroups:"
COMMENT = "  # "
CORE = "core"


@dataclass(frozen=True)
class Rule:
    """One rule: these verbs on these resources, everywhere or in one namespace, and the reason."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    namespace: str
    why: str


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource, with its subresource if there is one; `namespace` is empty for everywhere."""

    group: str
    resource: str
    verb: str
    namespace: str = ""

    def __str__(self) -> str:
        """Return it as one line for a failing test."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource} of {self.group or CORE}{where}"


def rules() -> list[Rule]:
    """Return all rules in order. Raises ValueError for a rule without a reason."""
    roles = [(text, role) for text in chart.texts("ClusterRole", "Role") if (role := _operators(text))]
    reasons = [reason for text, _ in roles for reason in _reasons(text)]
    found = [rule for _, role in roles for rule in _rules_of(role)]
    return [Rule(*parts, why) for parts, why in zip(found, reasons, strict=True)]


def rights() -> set[Right]:
    """Return every right that is granted."""
    return {
        Right(group, resource, verb, rule.namespace)
        for rule in rules()
        for group in rule.groups
        for resource in rule.resources
        for verb in rule.verbs
    }


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table in the documentation: verbs, resources, where, why."""
    for rule in rules():
        resources = ", ".join(f"`{name}`" for name in rule.resources)
        group = ", ".join(name or CORE for name in rule.groups)
        where = f"namespace {rule.namespace}" if rule.namespace else "everywhere"
        yield ", ".join(rule.verbs), f"{resources} ({group})", where, rule.why


def _operators(text: str) -> dict[str, Any] | None:
    [role] = chart.objects(source=text)
    return role if role["metadata"]["name"] in ROLES else None


def _reasons(text: str) -> Iterator[str]:
    comment: list[str] = []
    for line in text.splitlines():
        if line.startswith(COMMENT):
            comment.append(line.removeprefix(COMMENT))
        elif line.startswith(RULE):
            if not comment:
                raise ValueError(f"a rule of the operator has no comment that says why: {line.strip()}")
            yield " ".join(comment)
            comment = []


def _rules_of(document: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str]]:
    namespace = document["metadata"].get("namespace", "") if document["kind"] == "Role" else ""
    for rule in document.get("rules", ()):
        yield tuple(rule["apiGroups"]), tuple(rule["resources"]), tuple(rule["verbs"]), namespace
