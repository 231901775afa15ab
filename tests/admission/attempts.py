"""One request of one person, and what the API server says to it. Nothing is stored: every attempt is a dry run."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from admission.people import GROUPS
from ground import identity
from ground.api import APPLY, JSON, MERGE, ApiError, Json, call
from ground.cluster import Cluster
from scenarios.kinds import Kind

JSON_PATCH = "application/json-patch+json"
PATCHES = {"merge-patch": MERGE, "json-patch": JSON_PATCH, "apply": APPLY}
ALLOWED = ""
CONFLICT = 409
TRIES = 5


@dataclass(frozen=True)
class Attempt:
    """Who does what to which object. `says` is a part of the refusal; empty when it is to be let through.

    `verb` is create, update, merge-patch, json-patch, apply, delete or deletecollection. The body of an update is
    merged into the object as it is; a deletecollection's is its label selector.
    """

    who: str
    verb: str
    kind: Kind
    namespace: str
    name: str
    body: Any = None
    says: str = ALLOWED
    subresource: str = ""
    note: str = ""
    policy: str = ""
    """Whose refusal it has to be."""

    def __str__(self) -> str:
        """Return a name for the test."""
        who = self.who.rpartition(":")[2]
        subresource = f"/{self.subresource}" if self.subresource else ""
        answer = "refused" if self.says else "allowed"
        where = f"{self.namespace}/{self.name}".strip("/")
        return " ".join(filter(None, (who, self.verb, f"{self.kind.plural}{subresource}", where, self.note, answer)))


def answer(cluster: Cluster, attempt: Attempt) -> str:
    """Make an attempt and return what the API server says: empty when it took it. Raises ApiError for other errors."""
    for again in reversed(range(TRIES)):
        try:
            _ask(cluster, kubeconfig(cluster, attempt.who), attempt)
        except ApiError as error:
            text = str(error)
            if "ValidatingAdmissionPolicy" in text:
                return text
            # A controller may have written its status between the reading and the writing of an update.
            if error.code != CONFLICT or attempt.verb != "update" or not again:
                raise
        else:
            break
    return ALLOWED


def check(cluster: Cluster, attempt: Attempt) -> None:
    """Fail unless an attempt ends as it says, by the policy that it names."""
    said = answer(cluster, attempt)
    if attempt.says == ALLOWED:
        assert said == ALLOWED, said
        return
    assert f"ValidatingAdmissionPolicy '{attempt.policy}'" in said, said or "it was let through"
    assert attempt.says in said, said


def _ask(cluster: Cluster, person: Path, attempt: Attempt) -> Json:
    kind, namespace, name = attempt.kind, attempt.namespace, attempt.name
    path = kind.path(namespace, name) + (f"/{attempt.subresource}" if attempt.subresource else "")
    if attempt.verb == "create":
        where = path if attempt.subresource else kind.path(namespace)
        return call(person, "POST", f"{where}?dryRun=All", whole(attempt))
    if attempt.verb == "delete":
        return call(person, "DELETE", f"{path}?dryRun=All")
    if attempt.verb == "deletecollection":
        return call(person, "DELETE", f"{kind.path(namespace)}?dryRun=All&labelSelector={attempt.body}")
    if attempt.verb == "update":
        found = call(cluster.kubeconfig, "GET", path if attempt.subresource == "scale" else kind.path(namespace, name))
        return call(person, "PUT", f"{path}?dryRun=All", merged(found, attempt.body or {}), JSON)
    query = "?dryRun=All&fieldManager=somebody" + ("&force=true" if attempt.verb == "apply" else "")
    body = whole(attempt) if attempt.verb == "apply" else attempt.body
    return call(person, "PATCH", path + query, body, PATCHES[attempt.verb])


def whole(attempt: Attempt) -> Json:
    """Return the body of an attempt with its kind, name and namespace."""
    meta = {"name": attempt.name} | ({"namespace": attempt.namespace} if attempt.kind.namespaced else {})
    body: Json = {"apiVersion": attempt.kind.api, "kind": attempt.kind.name} | (attempt.body or {})
    return {**body, "metadata": {**meta, **body.get("metadata", {})}}


def merged(found: Json, change: Json) -> Json:
    """Return an object with a change merged into it: None removes a field."""
    result = dict(found)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


@lru_cache(maxsize=64)
def kubeconfig(cluster: Cluster, who: str) -> Path:
    """Return the kubeconfig by which a person acts."""
    safe = who.replace(":", "-")
    return identity.kubeconfig_as(cluster, who, cluster.workdir / f"as-{safe}.kubeconfig", GROUPS.get(who))
