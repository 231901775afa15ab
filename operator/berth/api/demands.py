"""What tenants and policies may ask of a workload beside its class: images, disks, network."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import DNS_LABELS, HOST_PORT, PATH_PART, Model, Rule, as_set, rules

REGISTRY: Final = rf"^{DNS_LABELS}({HOST_PORT})?/({PATH_PART}/)*$"
"""Host, port and path of a registry; it ends with a slash, so that it ends where a part of the path does."""

Registry = Annotated[str, Field(min_length=2, max_length=255, pattern=REGISTRY)]


class Digest(StrEnum):
    """Whether images must be pinned."""

    OPTIONAL = "Optional"
    """By tag or by digest."""
    REQUIRED = "Required"
    """By digest: what was checked is what runs."""


class ImageRules(Model):
    """Which images may run. Signatures are left to those who check them at admission of pods."""

    registries: Annotated[list[Registry], Field(min_length=1, max_length=64, json_schema_extra=as_set)] | None = None
    """Where images may come from, by host and path: `registry.example/acme/`; anywhere when unset.

    Images without a host are those of docker.io, and those without a path there are in docker.io/library/.
    """
    digest: Digest = Digest.OPTIONAL
    """Whether images must be pinned by digest."""

    model_config = rules(
        Rule(
            "has(self.registries) || self.digest == 'Required'",
            "this asks nothing of images: give registries, or set digest to Required",
        ),
    )
