"""The base of all API models: camelCase names, frozen, strict, deaf to fields of newer versions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from berth.api.quantity import QUANTITY_PATTERN, parse

DNS_LABEL: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_LABELS: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
DNS_SUBDOMAIN: Final = rf"^{DNS_LABELS}$"
_QUALIFIED: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY: Final = rf"^({DNS_LABELS}/)?{_QUALIFIED}$"
DEVICE: Final = rf"^{DNS_LABELS}/{_QUALIFIED}$"
LABEL_VALUE: Final = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
IMAGE: Final = r"^[A-Za-z0-9][-A-Za-z0-9._:/@]*$"
OBJECT_KEY: Final = r"^\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$"
"""As in core/v1, which refuses `.` and what starts with `..`; so do the names of environment variables."""
ENV_NAME: Final = r"^\.?[-_a-zA-Z][-._a-zA-Z0-9]*$"
ENV_PREFIX: Final = r"^(\.?[-_a-zA-Z][-._a-zA-Z0-9]*)?$"
PORT_NAME: Final = r"^([0-9]-?)*[a-z](-?[a-z0-9])*$"


class Model(BaseModel):
    """One object of the API. Docstrings become the descriptions that `kubectl explain` shows."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        strict=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """One `x-kubernetes-validations` entry: a CEL expression that must hold, and what to say when it does not."""

    rule: str
    message: str
    field_path: str | None = None
    on_create: bool = False
    """Whether it is asked of new objects only: for what can never be changed, such as a name."""

    def entry(self) -> dict[str, str | bool]:
        """Return the entry as it stands in the CRD."""
        entry: dict[str, str | bool] = {"rule": self.rule, "message": self.message}
        if self.field_path:
            entry["fieldPath"] = self.field_path
        if self.on_create:
            entry |= {"rule": f"oldSelf.hasValue() || {self.rule}", "optionalOldSelf": True}
        return entry


def validations(*given: Rule) -> dict[str, Any]:
    """Return the keyword that puts CEL rules on a schema."""
    return {"x-kubernetes-validations": [rule.entry() for rule in given]}


def rules(*given: Rule) -> ConfigDict:
    """Return the model configuration that puts CEL rules on a model's schema."""
    return ConfigDict(json_schema_extra=validations(*given))


def exactly_one(what: str, *fields: str) -> Rule:
    """Return the rule that exactly one of some fields is given."""
    given = ", ".join(f"has(self.{field})" for field in fields)
    return Rule(f"[{given}].exists_one(given, given)", f"{what}: keep exactly one of {', '.join(fields)}")


def own_names(what: str, field: str) -> Rule:
    """Return the rule that the optional names in a list of objects do not repeat."""
    once = f"self.{field}.exists_one(other, has(other.name) && other.name == one.name)"
    return Rule(
        f"!has(self.{field}) || self.{field}.all(one, !has(one.name) || {once})",
        f"{what} names repeat: give each its own name",
        f".{field}",
    )


def keyed_by(*keys: str) -> Callable[[dict[str, Any]], None]:
    """Return a schema hook that makes a list a map, so that server-side apply merges it by these keys."""

    def mark(schema: dict[str, Any]) -> None:
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = list(keys)

    return mark


def as_set(schema: dict[str, Any]) -> None:
    """Mark a list of scalars as a set."""
    schema["x-kubernetes-list-type"] = "set"


Name = Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL)]
"""A DNS label: the name of something in the same namespace."""

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]
"""A DNS subdomain: the name of an object."""

Text = Annotated[str, Field(max_length=1024)]
"""One line of text for people."""

Key = Annotated[str, Field(min_length=1, max_length=253, pattern=OBJECT_KEY)]
"""A key of a ConfigMap or Secret."""

Path = Annotated[str, Field(min_length=1, max_length=1024)]
"""A path inside a container."""

Port = Annotated[int, Field(ge=1, le=65535)]

PortName = Annotated[str, Field(min_length=1, max_length=15, pattern=PORT_NAME)]
"""Name of a port, as pods want it (IANA_SVC_NAME)."""

PortReference = Annotated[
    int | str,
    WithJsonSchema(
        {"x-kubernetes-int-or-string": True, "minimum": 1, "maximum": 65535, "maxLength": 15, "pattern": PORT_NAME}
    ),
]
"""A port by number or by name: the numeric bounds hold for a number, the others for a name."""


def _is_quantity(value: int | str) -> int | str:
    parse(value)
    return value


Quantity = Annotated[
    int | str,
    AfterValidator(_is_quantity),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "minimum": 0, "maxLength": 32, "pattern": QUANTITY_PATTERN}),
]
"""A Kubernetes quantity, as in core/v1, but never negative. It is read at once, so that no count fails on it later."""

LabelKey = Annotated[str, Field(min_length=1, max_length=317, pattern=LABEL_KEY)]
"""Key of a label or taint: a name of up to 63 characters, and a DNS subdomain and `/` before it where it has one."""

LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE)]
"""Value of a label or taint."""

LabelMap = Annotated[
    dict[str, LabelValue],  # a CRD bounds the keys of a map by a rule only
    Field(
        max_length=32,
        json_schema_extra=validations(
            Rule(
                f"self.all(key, key.size() <= 317 && key.matches(r'{LABEL_KEY}'))",
                "a key is no label key: write a name of up to 63 characters, such as team or example.com/team",
            )
        ),
    ),
]
"""Label keys and values."""

_HOST_LABEL: Final = r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
HOST_PORT: Final = r":([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST: Final = rf"({_HOST_LABEL}(\.{_HOST_LABEL})+|{_HOST_LABEL}(\.{_HOST_LABEL})*{HOST_PORT})"
_FIRST: Final = r"[a-z0-9]+((_|__|-+)[a-z0-9]+)*"
PATH_PART: Final = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_TAG: Final = r"(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?"
IMAGE_REFERENCE: Final = rf"^({PATH_PART}|({_HOST}|{_FIRST})(/{PATH_PART})+){_TAG}(@sha256:[0-9a-f]{{64}})?$"
"""Grammar: github.com/distribution/reference, without IPv6 hosts and with digests by sha256 alone."""
IMAGE_NAME: Final = rf"^.{{1,255}}{_TAG}$"
"""Registry and path together are no longer than 255 characters; what follows `@` is not asked."""


def is_image(scheme: str = "") -> Rule:
    """Return the rule that a text is a reference to an image, after a scheme such as `docker://`."""
    image = f"self.substring({len(scheme)})" if scheme else "self"
    return Rule(
        f"{image}.matches(r'{IMAGE_REFERENCE}') && {image}.split('@')[0].matches(r'{IMAGE_NAME}')",
        f"this is no reference to an image: write {scheme}registry/path:tag or {scheme}registry/path@sha256:..., with"
        f" small letters in the path, such as {scheme}registry.example/shop/app:1.9",
    )


Image = Annotated[str, Field(min_length=1, max_length=1024, pattern=IMAGE, json_schema_extra=validations(is_image()))]
"""An OCI image by tag or digest."""
