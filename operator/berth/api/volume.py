"""Volumes of a Workload. Fields are named and mean as in core/v1 Volume."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import Key, Model, Name, ObjectName, Quantity, Rule, exactly_one, rules

RELATIVE_PATH: Final = r"^(\.?[^/.][^/]*)(/\.?[^/.][^/]*)*$"
"""A path that never leads up: no part begins with two dots."""


class KeyToPath(Model):
    """One key of a ConfigMap or Secret as one file."""

    key: Key
    """The key."""
    path: Annotated[str, Field(min_length=1, max_length=253, pattern=RELATIVE_PATH)]
    """Relative path of the file."""


class EmptyDirMedium(StrEnum):
    """What an emptyDir is kept on."""

    MEMORY = "Memory"


class EmptyDir(Model):
    """Scratch space that lives as long as the pod."""

    medium: EmptyDirMedium | None = None
    """`Memory` for a RAM disk, which counts against the memory limit."""
    size_limit: Quantity | None = None
    """Largest size in bytes."""

    model_config = rules(
        Rule(
            "!has(self.sizeLimit) || quantity(string(self.sizeLimit)).compareTo(quantity('1Mi')) >= 0",
            "sizeLimit is below 1Mi: it counts bytes, so add a unit, such as 1Gi",
            ".sizeLimit",
        ),
    )


class ConfigMapVolume(Model):
    """A ConfigMap as files."""

    name: ObjectName
    """Name of the ConfigMap."""
    items: Annotated[list[KeyToPath], Field(max_length=32)] | None = None
    """Only these keys."""
    optional: bool | None = None
    """Whether it may be absent."""


class SecretVolume(Model):
    """A Secret as files."""

    secret_name: ObjectName
    """Name of the Secret."""
    items: Annotated[list[KeyToPath], Field(max_length=32)] | None = None
    """Only these keys."""
    optional: bool | None = None
    """Whether it may be absent."""


class ClaimVolume(Model):
    """An existing PersistentVolumeClaim."""

    claim_name: ObjectName
    """Name of the claim."""
    read_only: bool | None = None
    """Whether it is used read-only."""


class Volume(Model):
    """A volume of the Workload, in the same namespace, with exactly one source."""

    name: Name
    """Its name; volumeMounts refer to it."""
    empty_dir: EmptyDir | None = None
    """Scratch space."""
    config_map: ConfigMapVolume | None = None
    """A ConfigMap."""
    secret: SecretVolume | None = None
    """A Secret."""
    persistent_volume_claim: ClaimVolume | None = None
    """A disk that outlives the Workload."""

    model_config = rules(
        exactly_one("a volume has one source", "emptyDir", "configMap", "secret", "persistentVolumeClaim"),
    )
