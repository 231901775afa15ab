"""AdmissionReview (admission.k8s.io/v1): what the API server asks a webhook, and how it is answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from berth.kube.resources import ISOLATION_POLICIES, TENANTS, WAIVERS, WORKLOADS

Raw = dict[str, Any]

MAX_BYTES: Final = 8 << 20
"""Largest request: an object of at most 3 MiB, as it was and as it is to be, and room for both to grow as JSON."""

_API_VERSION: Final = "admission.k8s.io/v1"

_PREVIEWED: Final = {
    (each.group, each.version, each.plural) for each in (WORKLOADS, ISOLATION_POLICIES, TENANTS, WAIVERS)
}


class MalformedError(ValueError):
    """A request that is no AdmissionReview of version v1."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody is about to do."""

    uid: str
    plural: str
    """Plural of the kind; empty for all that there is nothing to say of, parts of objects among them."""
    operation: str
    """CREATE, UPDATE, DELETE or CONNECT."""
    namespace: str
    name: str
    dry_run: bool
    new: Raw | None
    """The object as it is to be; None when it is deleted."""
    old: Raw | None
    """The object as it is; None when it is created."""


class _Model(BaseModel):
    """Fields that are not known are left alone: newer API servers may send more."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Resource(_Model):
    group: str = ""
    version: str
    resource: str


class _Request(_Model):
    uid: str = Field(min_length=1, max_length=253)
    resource: _Resource
    sub_resource: str = Field("", alias="subResource")
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    namespace: str = ""
    name: str = ""
    dry_run: bool | None = Field(None, alias="dryRun")
    object: Raw | None = None
    old_object: Raw | None = Field(None, alias="oldObject")


class _Review(_Model):
    api_version: Literal["admission.k8s.io/v1"] = Field(alias="apiVersion")
    kind: Literal["AdmissionReview"]
    request: _Request


def parse(body: bytes) -> Request:
    """Return what is asked. Raises MalformedError with what is wrong with it."""
    try:
        asked = _Review.model_validate_json(body).request
    except ValidationError as error:
        found = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False))
        raise MalformedError(f"no AdmissionReview of {_API_VERSION}: {'; '.join(list(found)[:3])}") from None
    kind = asked.resource
    known = not asked.sub_resource and (kind.group, kind.version, kind.resource) in _PREVIEWED
    return Request(
        uid=asked.uid,
        plural=kind.resource if known else "",
        operation=asked.operation,
        namespace=asked.namespace,
        name=asked.name,
        dry_run=bool(asked.dry_run),
        new=asked.object,
        old=asked.old_object,
    )


def answer(uid: str, warnings: Iterable[str]) -> bytes:
    """Return the answer to a request: always that it is allowed."""
    response: Raw = {"uid": uid, "allowed": True}
    told = list(warnings)
    if told:
        response["warnings"] = told
    return orjson.dumps({"apiVersion": _API_VERSION, "kind": "AdmissionReview", "response": response})
