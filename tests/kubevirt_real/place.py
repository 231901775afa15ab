"""A namespace in which one scenario is done again, and the watch that sees what its objects show meanwhile."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from ground.api import MERGE, ApiError, apply, call, eventually
from ground.cluster import Cluster
from ground.kubevirt_sim.client import Client, connect
from ground.kubevirt_sim.kinds import CLAIM, DATA_VOLUME, MIGRATION, POD, POOL, QUOTA, VM, VMI, Kind
from kubevirt_real.trace import ABSENT, Trace, observed

Json = dict[str, Any]
KINDS = {VM: "VM", VMI: "VMI", POD: "POD", POOL: "POOL", CLAIM: "PVC", DATA_VOLUME: "DV", MIGRATION: "VMIM"}
SECONDS = 180.0
QUIET_SECONDS = 2.0
HOLD = "ground.berth.dev/hold"
CONFLICT, INVALID = 409, 422
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
NO_SELINUX = "no pod sets seLinuxOptions here"


@dataclass
class Watch:
    """The traces of all objects of the scenarios' namespaces, and when each namespace last changed."""

    trace: Trace = field(default_factory=Trace)
    changed: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, kind: Kind, found: Json, *, gone: bool) -> None:
        """Take in one version of an object."""
        meta = found["metadata"]
        seen = {"DELETED": True} if gone else observed(KINDS[kind], found)
        with self.lock:
            self.trace.add(KINDS[kind], meta["namespace"], meta["name"], seen)
            self.changed[meta["namespace"]] = monotonic()

    def touch(self, namespace: str) -> None:
        """Note that something is about to be asked of a namespace: its quiet begins anew."""
        with self.lock:
            self.changed[namespace] = monotonic()

    def state(self, kind: Kind, namespace: str, name: str) -> dict[str, str]:
        """Return the state of all facets of an object; empty when it was never there."""
        with self.lock:
            return dict(self.trace.latest.get((KINDS[kind], namespace, name), {}))

    def rest(self, namespace: str) -> bool:
        """Note that a namespace has come to rest, if it has not changed for a while; tells whether."""
        with self.lock:
            if monotonic() - self.changed.get(namespace, monotonic()) < QUIET_SECONDS:
                return False
            self.trace.rest(namespace)
            return True


@contextmanager
def watching(cluster: Cluster) -> Iterator[Watch]:
    """Watch all kinds of the recording for the length of a block."""
    watch, loop, started = Watch(), asyncio.new_event_loop(), threading.Event()

    async def follow() -> None:
        async with connect(cluster.kubeconfig) as client, asyncio.TaskGroup() as tasks:
            versions = {kind: (await client.list(kind))[1] for kind in KINDS}
            for kind, version in versions.items():
                tasks.create_task(_follow(client, watch, kind, version))
            started.set()

    task = loop.create_task(follow())
    thread = threading.Thread(target=_until_cancelled, args=(loop, task), daemon=True)
    thread.start()
    started.wait(SECONDS)
    try:
        yield watch
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _until_cancelled(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    loop.run_until_complete(asyncio.wait([task]))
    loop.run_until_complete(loop.shutdown_asyncgens())  # what was cut is closed in the next turn of the loop
    loop.close()


async def _follow(client: Client, watch: Watch, kind: Kind, version: str) -> None:
    while True:
        async for event in client.watch(kind, version):
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                watch.take(kind, event["object"], gone=event["type"] == "DELETED")


@dataclass(frozen=True)
class Place:
    """One namespace of the recording, made again."""

    cluster: Cluster
    watch: Watch
    name: str

    @classmethod
    def made(cls, cluster: Cluster, watch: Watch, name: str) -> "Place":
        """Make the namespace with the ServiceAccount that pods need."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        apply(cluster.kubeconfig, f"/api/v1/namespaces/{name}", body)
        place = cls(cluster, watch, name)
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        eventually(lambda: place.read(account), SECONDS, account)
        return place

    def read(self, path: str) -> Json | None:
        """Read an object; None when it is not there."""
        try:
            return call(self.cluster.kubeconfig, "GET", path)
        except ApiError:
            return None

    def make(self, kind: Kind, name: str, spec: Json, annotations: Json | None = None) -> None:
        """Apply an object; raises ApiError."""
        self.watch.touch(self.name)
        meta = {"name": name, "annotations": annotations or {}} | ({"namespace": self.name} if kind.namespaced else {})
        body = {"apiVersion": kind.api, "kind": kind.name, "metadata": meta, "spec": spec}
        apply(self.cluster.kubeconfig, kind.path(self.name, name), body)

    def refused(self, kind: Kind, name: str, spec: Json) -> None:
        """Wait until an object of this spec is refused: what it is refused for may just have been made."""
        eventually(lambda: self._refusal(kind, name, spec), SECONDS, f"{kind.name} {self.name}/{name} refused")

    def make_soon(self, kind: Kind, name: str, spec: Json) -> None:
        """Make an object as soon as it is not refused any more."""
        eventually(lambda: not self._refusal(kind, name, spec), SECONDS, f"{kind.name} {self.name}/{name} taken")
        self.make(kind, name, spec)

    def _refusal(self, kind: Kind, name: str, spec: Json) -> str:
        meta = {"name": name, "namespace": self.name}
        body = {"apiVersion": kind.api, "kind": kind.name, "metadata": meta, "spec": spec}
        try:
            call(self.cluster.kubeconfig, "POST", kind.path(self.name) + "?dryRun=All", body)
        except ApiError as error:
            return str(error)
        return ""

    def patch(self, kind: Kind, name: str, body: Json, subresource: str = "") -> Json:
        """Merge-patch an object; raises ApiError."""
        self.watch.touch(self.name)
        return call(self.cluster.kubeconfig, "PATCH", kind.path(self.name, name) + subresource, body, MERGE)

    def status(self, kind: Kind, name: str, status: Json) -> None:
        """Merge-patch the status of an object, as a node's or CDI's own would."""
        self.patch(kind, name, {"status": status}, "/status" if kind.status else "")

    def conditions(self, kind: Kind, name: str, *new: Json) -> None:
        """Add conditions to a status."""

        def add(found: Json) -> Json:
            return {"status": {"conditions": [*found.get("status", {}).get("conditions", []), *new]}}

        self._edit(kind, name, add)

    def hold(self, kind: Kind, *names: str) -> None:
        """Keep objects from ending when they are deleted."""
        for name in names:
            self._edit(kind, name, lambda found: {"metadata": {"finalizers": [*_finalizers(found), HOLD]}})

    def release(self, kind: Kind, *names: str) -> None:
        """Let go of objects that are held."""
        for name in names:
            self._edit(
                kind,
                name,
                lambda found: {"metadata": {"finalizers": [each for each in _finalizers(found) if each != HOLD]}},
            )

    def _edit(self, kind: Kind, name: str, edit: Callable[[Json], Json]) -> None:
        """Change an object by what it is now, again when it changed meanwhile."""

        def done() -> bool:
            found = call(self.cluster.kubeconfig, "GET", kind.path(self.name, name))
            body = edit(found)
            body["metadata"] = {**body.get("metadata", {}), "resourceVersion": found["metadata"]["resourceVersion"]}
            try:
                self.patch(kind, name, body)
            except ApiError as error:
                if error.code != CONFLICT:
                    raise
                return False
            return True

        eventually(done, SECONDS, f"{kind.name} {self.name}/{name} edited")

    def delete(self, kind: Kind, name: str) -> None:
        """Delete an object without waiting."""
        self.watch.touch(self.name)
        call(self.cluster.kubeconfig, "DELETE", kind.path(self.name, name))

    def label(self, labels: Json) -> None:
        """Label the namespace."""
        call(
            self.cluster.kubeconfig, "PATCH", f"/api/v1/namespaces/{self.name}", {"metadata": {"labels": labels}}, MERGE
        )

    def until(self, kind: Kind, name: str, wish: dict[str, str], *there: str) -> None:
        """Wait until an object shows these states, and has these facets in any state."""

        def fulfilled() -> bool:
            found = self.watch.state(kind, self.name, name)
            shown = all(found.get(facet, ABSENT) == state for facet, state in wish.items())
            return shown and all(found.get(facet, ABSENT) != ABSENT for facet in there)

        what = f"{KINDS[kind]} {self.name}/{name}: {wish} {' '.join(there)}"
        try:
            eventually(fulfilled, SECONDS, what)
        except TimeoutError as error:
            message = f"{error}; it shows {self.watch.state(kind, self.name, name)}"
            raise TimeoutError(message) from error

    def edit(self, name: str, body: Json) -> None:
        """Merge-patch a machine, and wait until its controller has seen that, if it has an instance."""
        generation = self.patch(VM, name, body)["metadata"]["generation"]
        if self.watch.state(VMI, self.name, name).get("life") == "there":
            facet, prefix = "generation/observedGeneration", f"{generation}/"
            seen = f"generation {generation} of {self.name}/{name} seen"
            eventually(lambda: self.watch.state(VM, self.name, name).get(facet, "").startswith(prefix), SECONDS, seen)

    def settle(self) -> None:
        """Wait until nothing changes any more, and note what everything has come to."""
        eventually(lambda: self.watch.rest(self.name), SECONDS, f"{self.name} at rest")

    def rest(self, kind: Kind, name: str, wish: dict[str, str]) -> None:
        """Wait until an object shows these states, then until nothing changes any more."""
        self.until(kind, name, wish)
        self.settle()

    def launcher(self, machine: str) -> str:
        """Return the name of a machine's launcher pod."""
        path = f"{POD.path(self.name)}?labelSelector=vm.kubevirt.io/name={machine}"
        found: list[Json] = call(self.cluster.kubeconfig, "GET", path)["items"]
        return str(found[0]["metadata"]["name"])

    def started_again(self, machine: str) -> None:
        """Wait until the first instance of a machine has gone, and there is another one."""
        key = (KINDS[VMI], self.name, machine), "life"
        eventually(lambda: self.watch.trace.facets[key][-2:] == ["gone", "there"], SECONDS, f"{machine} started again")

    def renewed(self, *machines: str) -> None:
        """Wait until each machine of a pool runs its newest generation, which it had not seen before; then for quiet."""
        facet = "generation/observedGeneration"
        before = {name: self.watch.state(VM, self.name, name).get(facet) for name in machines}

        def new(name: str) -> bool:
            found = self.watch.state(VM, self.name, name)
            generation, _, seen = found.get(facet, ABSENT).partition("/")
            ready = found.get("condition Ready") == "True" and found["runStrategy"] == "Always"
            return generation == seen and found.get(facet) != before[name] and ready

        eventually(lambda: all(new(name) for name in machines), SECONDS, f"pool of {self.name} renewed")
        self.until(POOL, "w", {"readyReplicas": str(len(machines))})
        self.settle()

    def counted(self, quota: str) -> None:
        """Wait until a quota is in force."""
        path = QUOTA.path(self.name, quota)
        eventually(lambda: (self.read(path) or {}).get("status", {}).get("used"), SECONDS, f"quota {quota} counted")

    def refuse_selinux(self) -> None:
        """Refuse pods with SELinux options in this namespace, as Berth's policy did, and wait until that is in force."""
        selector = {"matchLabels": {"kubernetes.io/metadata.name": self.name}}
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        spec = {
            "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
            "validations": [
                {
                    "expression": "!object.spec.?securityContext.?seLinuxOptions.hasValue()",
                    "message": NO_SELINUX,
                }
            ],
        }
        binding = {"policyName": self.name, "validationActions": ["Deny"]}
        for kind, plural, what in (
            ("ValidatingAdmissionPolicy", "validatingadmissionpolicies", spec),
            ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", binding),
        ):
            body = {"apiVersion": ADMISSION.removeprefix("/apis/"), "kind": kind, "metadata": {"name": self.name}}
            apply(self.cluster.kubeconfig, f"{ADMISSION}/{plural}/{self.name}", {**body, "spec": what})
        pod = {
            "containers": [{"name": "main", "image": "registry.invalid/app:1"}],
            "securityContext": {"seLinuxOptions": {"level": "s0"}},
        }
        eventually(lambda: NO_SELINUX in self._refusal(POD, "try", pod), SECONDS, NO_SELINUX)


def _finalizers(found: Json) -> list[str]:
    return list(found["metadata"].get("finalizers", []))
