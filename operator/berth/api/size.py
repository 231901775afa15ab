"""How large things are: requests, limits and amounts. Fields are named as in core/v1 ResourceRequirements."""

from typing import Final

from pydantic import Field

from berth.api.base import Model, Quantity, Rule, rules


class ResourceList(Model):
    """Amounts of resources."""

    cpu: Quantity | None = None
    """Processors: `500m` is half of one."""
    memory: Quantity | None = None
    """Memory in bytes: `512Mi`."""
    ephemeral_storage: Quantity | None = Field(default=None, alias="ephemeral-storage")
    """Scratch disk in bytes."""

    model_config = rules(
        Rule(
            "!has(self.cpu) || quantity(string(self.cpu)).compareTo(quantity('1m')) >= 0",
            "cpu is below 1m: ask for at least a thousandth of a processor, or remove it",
            ".cpu",
        ),
        Rule(
            "!has(self.memory) || quantity(string(self.memory)).compareTo(quantity('1Mi')) >= 0",
            "memory is below 1Mi: it counts bytes, so add a unit, such as 512Mi",
            ".memory",
        ),
        Rule(
            "!has(self.ephemeral__dash__storage) ||"
            " quantity(string(self.ephemeral__dash__storage)).compareTo(quantity('1Mi')) >= 0",
            "ephemeral-storage is below 1Mi: it counts bytes, so add a unit, such as 2Gi",
        ),
    )


def _within_limit(resource: str, field: str) -> Rule:
    request, limit = f"self.requests.{field}", f"self.limits.{field}"
    return Rule(
        f"!has(self.requests) || !has(self.limits) || !has({request}) || !has({limit}) ||"
        f" quantity(string({request})).compareTo(quantity(string({limit}))) <= 0",
        f"requests.{resource} is above limits.{resource}: lower the request or raise the limit",
        ".requests",
    )


WITHIN_LIMITS: Final = (
    _within_limit("cpu", "cpu"),
    _within_limit("memory", "memory"),
    _within_limit("ephemeral-storage", "ephemeral__dash__storage"),
)
"""No request is above its limit."""


class ContainerResources(Model):
    """What one container asks for and may use."""

    requests: ResourceList | None = None
    """What is set aside for it."""
    limits: ResourceList | None = None
    """What it may use at most."""

    model_config = rules(*WITHIN_LIMITS)


class ResourceAmounts(Model):
    """Processors and memory."""

    cpu: Quantity | None = None
    """Processors."""
    memory: Quantity | None = None
    """Memory in bytes."""
