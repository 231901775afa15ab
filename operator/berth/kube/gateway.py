"""The one gateway for writes: children, quotas of tenants, statuses and Events, each checked before it leaves.

Every child is a known namespaced kind, lives in the Workload's own namespace and is owned by it; nothing that exists
and is not ours is touched (reference: the confused-deputy class of operator vulnerabilities). Of Berth's own kinds only
the status is written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from berth.api.reasons import Reason
from berth.kube import answer, errors
from berth.kube.client import Client, Obj
from berth.kube.resources import (
    CHILDREN,
    DATA_VOLUMES,
    EVENTS,
    ISOLATION_CLASSES,
    JOBS,
    OWN,
    PERSISTENT_VOLUME_CLAIMS,
    RESOURCE_QUOTAS,
    TENANTS,
    WORKLOADS,
    Resource,
)
from berth.plan.make import lacks_a_disk
from berth.plan.model import Apply, Delete, Grow, Taken, Write
from berth.policy.model import Refusal
from berth.render.model import Child
from berth.verify.check import verify, verify_claim, verify_quota
from berth.verify.model import Bounds, QuotaBounds, Violation
from berth.world.children import controller_uid, disk_of
from berth.world.packed import pack
from berth.world.parse import canonical
from berth.world.records import ChildRecord, Problem, TenantRecord, WorkloadRecord

_CLASS: Final = ISOLATION_CLASSES.kind
_CLUSTER_EVENTS: Final = "default"
"""Where Events are about what has no namespace (events.k8s.io)."""

_NO_STATUS: Final = pack({})
"""The status of a Workload of which nothing was said yet: as a rule it has no children either."""

CHILD_RESOURCES: Final = {resource.kind: resource for resource in CHILDREN}
"""The only kinds that Berth writes for a Workload, by name."""


class NotOurs(Exception):  # noqa: N818  a refusal, not an error of the API server
    """A step that would leave the Workload's namespace, kind list or ownership. It is a bug, and nothing is written."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a plan: what the API server refused for good, and which names belong to others."""

    refused: tuple[Problem, ...] = ()
    taken: tuple[Taken, ...] = ()
    missing: frozenset[str] = frozenset()
    """Kinds of the children that could not be made for it."""


class Gateway:
    """Carries out all writes.

    `may_write` is asked before every write, statuses and Events too, and before one is sent again: a replica that no
    longer leads stops in the middle of a plan. `written` is told of every applied object as stored, `deleted` of every
    child that was told to go.
    """

    def __init__(
        self,
        client: Client,
        may_write: Callable[[], bool],
        written: Callable[[Resource, Obj], None],
        deleted: Callable[[ChildRecord], None],
    ) -> None:
        self._client = client.fenced(may_write)
        self._written = written
        self._deleted = deleted

    async def execute(self, steps: Sequence[Write], workload: WorkloadRecord, bounds: Callable[[], Bounds]) -> Done:
        """Carry out the steps, in order. Every child is verified just before it is written, by bounds of that moment.

        Raises:
            ApiError: something that another try may cure, or NotLeading; the steps before it are done.
            NotOurs: a step that breaks the rules above.

        """
        refused: list[Problem] = []
        taken: list[Taken] = []
        missing = set[str]()
        known = workload.status != _NO_STATUS
        new = (step.child for step in steps if isinstance(step, Apply) and step.uid is None)
        if any(known or _outlives(child) for child in new):
            await self._is_there(WORKLOADS, *workload.key, workload.uid)
        for step in steps:
            if isinstance(step, Apply) and lacks_a_disk(step.child, missing):
                continue
            found, names = await self._tried(step, workload, bounds)
            refused += found
            taken += names
            if isinstance(step, Apply) and (found or names):
                missing.add(step.child.kind)
        return Done(tuple(refused), tuple(taken), frozenset(missing))

    async def preflight(
        self, step: Apply, class_name: str, workload: WorkloadRecord, bounds: Callable[[], Bounds]
    ) -> Refusal | None:
        """Put a child to the API server without storing it; return why it would be refused in this class, if it would.

        Raises:
            ApiError: no answer: nothing came back, the name is taken, or something has changed meanwhile.
            NotOurs: as `execute` does.

        """
        resource = _resource(step.child.kind)
        _check(step.child.body, resource, workload)
        violations = verify(step.child.body, bounds())
        if violations:
            return Refusal(class_name, Reason.CHILD_UNSAFE, _unsafe(step, violations).message, heals=False)
        try:
            await self._apply(resource, step, workload, dry_run=True)
        except (errors.Invalid, errors.Forbidden, errors.NotFound, errors.Unavailable) as error:
            if not answer.is_verdict(error):
                raise
            return Refusal(class_name, answer.verdict(error), answer.words(error), heals=answer.heals(error))
        return None

    async def say(self, resource: Resource, body: Obj, *, whole: bool = False) -> Obj:
        """Write the status of an object of Berth's own kinds and return its metadata as stored.

        `body` has apiVersion, kind, the metadata name, namespace and uid, and the status. `whole` replaces what is
        there, for a status in which somebody else owns a field.

        Raises:
            ApiError: as the client does; Conflict when the object is another one than its UID says.
            NotOurs: another kind, or a body with anything else than a status.

        """
        meta = body["metadata"]
        if resource not in OWN or body.keys() - {"apiVersion", "kind", "metadata", "status"}:
            raise NotOurs(f"status of {resource.kind} {meta.get('name')}")
        namespace, name = meta.get("namespace"), meta["name"]
        if not whole:
            return await self._client.apply(resource, namespace, name, body, subresource="status", metadata_only=True)
        same = {"op": "test", "path": "/metadata/uid", "value": meta["uid"]}
        everything = {"op": "replace", "path": "/status", "value": body["status"]}
        return await self._client.json_patch(resource, namespace, name, [same, everything], subresource="status")

    async def note(self, event: Obj) -> str:
        """Write an Event about a Workload, into that Workload's namespace, or about a class; return its name.

        Raises:
            ApiError: as the client does.
            NotOurs: it is about something else.

        """
        namespace, regarding = event["metadata"]["namespace"], event["regarding"]
        kind, of = regarding["kind"], regarding.get("namespace")
        if (kind, of) != (WORKLOADS.kind, namespace) and (kind, of, namespace) != (_CLASS, None, _CLUSTER_EVENTS):
            raise NotOurs(f"Event about {kind} {of} in {namespace}")
        stored = await self._client.create(EVENTS, namespace, event)
        return str(stored["metadata"]["name"])

    async def note_again(self, namespace: str, name: str, series: Obj) -> None:
        """Say of an Event that it happened again: `series` has count and lastObservedTime (KEP-383).

        Raises ApiError as the client does; NotFound when the Event has grown old and is gone.
        """
        operation = {"op": "add", "path": "/series", "value": series}
        await self._client.json_patch(EVENTS, namespace, name, [operation])

    async def settle(self, step: Apply | Delete, tenant: TenantRecord, bounds: QuotaBounds) -> tuple[Problem, ...]:
        """Carry out one step for the ResourceQuota of a tenant; return why it was refused.

        Raises ApiError as `execute` does.
        """
        namespace = bounds.namespace
        if isinstance(step, Delete):
            if step.record.key != (namespace, bounds.name) or step.record.owner_uid != tenant.uid:
                raise NotOurs(f"delete of {step.record.kind} {step.record.key}, which is somebody else's: leave it")
            await self._client.delete(RESOURCE_QUOTAS, namespace, bounds.name, step.record.uid)
            return ()
        violations = verify_quota(step.child.body, bounds)
        if violations:
            return (_unsafe(step, violations),)
        if step.uid is None and tenant.status != canonical({}):
            await self._is_there(TENANTS, None, tenant.name, tenant.uid)
        try:
            stored = await self._client.apply(
                RESOURCE_QUOTAS, namespace, bounds.name, step.child.body, create_only=step.uid is None, uid=step.uid
            )
        except (errors.AlreadyExists, errors.Invalid, errors.Forbidden, errors.NotFound) as error:
            return (_refusal(step, error),)
        self._written(RESOURCE_QUOTAS, stored)
        return ()

    async def probe(self, child: Child, bounds: Bounds) -> str:
        """Create the Job of an isolation probe, in Berth's own namespace; return its UID.

        Raises:
            ApiError: as the client does; AlreadyExists when it is there.
            NotOurs: what Berth's own check refuses.

        """
        violations = verify(child.body, bounds)
        if violations or child.kind != JOBS.kind or not bounds.probed:
            raise NotOurs(f"{child.kind} {child.name} is no probe: {violations}")
        stored = await self._client.create(JOBS, bounds.namespace, child.body)
        return str(stored["metadata"]["uid"])

    async def end_probe(self, namespace: str, name: str, class_uid: str) -> None:
        """Delete the Job of a probe and its pod, if it is there and is that class's. Raises ApiError."""
        try:
            meta = (await self._client.get(JOBS, namespace, name))["metadata"]
        except errors.NotFound:
            return
        if controller_uid(meta) == class_uid:
            await self._client.delete(JOBS, namespace, name, meta["uid"])

    async def _tried(
        self, step: Write, workload: WorkloadRecord, bounds: Callable[[], Bounds]
    ) -> tuple[list[Problem], list[Taken]]:
        """Carry out one step; return why it was refused for good, and which names belong to others."""
        try:
            return await self._one(step, workload, bounds), []
        except errors.AlreadyExists:
            return await self._met(step, workload, bounds)
        except (errors.Invalid, errors.Forbidden, errors.NotFound) as error:
            return [_refusal(step, error)], []

    async def _met(
        self, step: Write, workload: WorkloadRecord, bounds: Callable[[], Bounds]
    ) -> tuple[list[Problem], list[Taken]]:
        """Look at what has the name already: somebody else's, or ours without its labels or after a lost answer."""
        if not isinstance(step, Apply):
            return [], []
        resource = _resource(step.child.kind)
        stored = await self._client.get(resource, workload.key[0], step.child.name)
        if _is_kept_disk(resource, stored, workload):
            return [], []
        if controller_uid(stored["metadata"]) != workload.uid:
            return [], [Taken(step.child.kind, step.child.name)]
        return await self._one(replace(step, uid=stored["metadata"]["uid"]), workload, bounds), []

    async def _one(self, step: Write, workload: WorkloadRecord, bounds: Callable[[], Bounds]) -> list[Problem]:
        namespace = workload.key[0]
        if isinstance(step, Delete):
            resource = _resource(step.record.kind)
            if step.record.key[0] != namespace or step.record.owner_uid != workload.uid:
                raise NotOurs(f"delete of {step.record.kind} {step.record.key}, which is somebody else's: leave it")
            await self._client.delete(resource, namespace, step.record.key[1], step.record.uid)
            self._deleted(step.record)
            return []
        if isinstance(step, Grow):
            return await self._grow(step, namespace, bounds())
        resource = _resource(step.child.kind)
        _check(step.child.body, resource, workload)
        violations = verify(step.child.body, bounds())
        if violations:
            return [_unsafe(step, violations)]
        self._written(resource, await self._apply(resource, step, workload))
        return []

    async def _is_there(self, resource: Resource, namespace: str | None, name: str, uid: str) -> None:
        """Look whether an owner is still there before anything is made anew for it.

        No order holds between two watches: that its children went with it may be known before that it is gone itself.
        Where the operator may not look (rights of an older chart) it goes by what it knows.

        Raises:
            ApiError: Conflict when it is gone or going, or another one has its name.

        """
        try:
            meta = (await self._client.get(resource, namespace, name))["metadata"]
        except errors.Forbidden:
            return
        except errors.NotFound:
            meta = {}
        if meta.get("uid") != uid or "deletionTimestamp" in meta:
            raise errors.Conflict(0, "Overtaken", f"{resource.kind} {name} is gone or going, or was made anew")

    async def _grow(self, step: Grow, namespace: str, bounds: Bounds) -> list[Problem]:
        """Let a claim ask for more. The verifier holds it to the disks and the namespace of its Workload."""
        violations = verify_claim(step.child.body, bounds)
        if violations:
            return [_unsafe(step, violations)]
        name, body = step.child.name, step.child.body
        stored = await self._client.apply(PERSISTENT_VOLUME_CLAIMS, namespace, name, body, uid=step.uid)
        self._written(PERSISTENT_VOLUME_CLAIMS, stored)
        return []

    async def _apply(self, resource: Resource, step: Apply, workload: WorkloadRecord, *, dry_run: bool = False) -> Obj:
        return await self._client.apply(
            resource,
            workload.key[0],
            step.child.name,
            step.child.body,
            create_only=step.uid is None,
            uid=step.uid,
            dry_run=dry_run,
        )


def _resource(kind: str) -> Resource:
    if kind not in CHILD_RESOURCES:
        raise NotOurs(
            f"{kind} is not a kind that Berth writes: drop it, or give it a place in the gateway and the verifier"
        )
    return CHILD_RESOURCES[kind]


def _check(body: Obj, resource: Resource, workload: WorkloadRecord) -> None:
    meta = body["metadata"]
    if meta.get("namespace") != workload.key[0]:
        raise NotOurs(f"{resource.kind} {meta.get('name')} is outside the namespace of its Workload: write it there")
    owners = [ref["uid"] for ref in meta.get("ownerReferences", ()) if ref.get("controller")]
    if owners != [workload.uid] and (owners or resource is not DATA_VOLUMES):
        raise NotOurs(f"{resource.kind} {meta.get('name')} is not owned by its Workload: make that its controller")


def _outlives(child: Child) -> bool:
    """Return whether a child stays when its Workload goes: nobody would collect what is made too late."""
    return not child.body["metadata"].get("ownerReferences")


def _is_kept_disk(resource: Resource, stored: Obj, workload: WorkloadRecord) -> bool:
    """Return whether this is a disk that outlives its Workload: nobody owns it, its label says whose it is."""
    meta = stored["metadata"]
    name = disk_of(meta.get("labels") or {})
    return resource is DATA_VOLUMES and not controller_uid(meta) and name == workload.key[1]


def _unsafe(step: Apply | Grow, violations: tuple[Violation, ...]) -> Problem:
    more = f" and {len(violations) - 1} more" if len(violations) > 1 else ""
    text = (
        f"{step.child.kind} {step.child.name} was not written, for Berth's own check refused it: {violations[0]}{more}"
    )
    return Problem(Reason.CHILD_UNSAFE, text[:1024])


def _refusal(step: Write, error: errors.ApiError) -> Problem:
    where = f"{step.child.kind} {step.child.name}" if not isinstance(step, Delete) else f"{step.record.kind}"
    return Problem(answer.reason(error), f"the API server refused {where}: {answer.words(error)}")
