"""The inputs of a decision as one value, and single changes of one of them."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from berth.decide.model import ClassFacts
from berth.policy.compiled import CompiledPolicies, Labels, without
from berth.policy.effective import Defaults, Subject


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a decision depends on."""

    subject: Subject
    namespace_labels: Labels | None
    policies: CompiledPolicies
    defaults: Defaults
    catalog: tuple[ClassFacts, ...]
    current: str | None = None


class Target(StrEnum):
    """Which input a change is made to."""

    WORKLOAD = "Workload"
    POLICY = "IsolationPolicy"
    CLASSES = "IsolationClass"
    DEFAULTS = "Defaults"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one input."""

    text: str
    """For people, as an order: `set spec.replicas to 1`."""
    target: Target
    names: tuple[str, ...] = ()
    """The policy to remove, or the classes to change."""
    fields: tuple[tuple[str, Any], ...] = ()
    """New values of fields of the Ask, of the ClassFacts or of the Defaults."""
    path: str = ""
    """The field of the Workload's spec that the author would edit, for conditions in CEL."""
    value: Any = None
    """Its new value as JSON-like data; None removes it."""


def apply(inputs: Inputs, change: Change) -> Inputs:
    """Return the inputs with one change made."""
    fields = dict(change.fields)
    match change.target:
        case Target.WORKLOAD:
            subject = inputs.subject
            spec = _edited(subject.spec, change.path.split("."), change.value)
            return replace(inputs, subject=replace(subject, ask=replace(subject.ask, **fields), spec=spec))
        case Target.POLICY:
            return replace(inputs, policies=without(inputs.policies, change.names))
        case Target.CLASSES:
            changed = (replace(facts, **fields) if facts.name in change.names else facts for facts in inputs.catalog)
            return replace(inputs, catalog=tuple(changed))
        case Target.DEFAULTS:
            return replace(inputs, defaults=replace(inputs.defaults, **fields))


def _edited(spec: bytes, path: list[str], value: Any) -> bytes:
    """Return a spec with one field set or removed; without a path, or where it cannot be read, it stays as it is."""
    try:
        root = orjson.loads(spec)
        parent = root
        for name in path[:-1]:
            parent = parent.setdefault(name, {})
        if value is None:
            parent.pop(path[-1], None)
        else:
            parent[path[-1]] = value
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return spec
    return orjson.dumps(root, option=orjson.OPT_SORT_KEYS)
