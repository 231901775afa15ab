"""A control plane made ready for Berth as an administrator would, and namespaces on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import yaml

from ground import berth, crds, simulator
from ground import cluster as control_plane
from ground.api import call, eventually
from ground.cluster import Cluster
from ground.nodes import CAPABLE, Shape, node
from scenarios import objects
from scenarios.audit import Audit, tally
from scenarios.kinds import (
    CLASS,
    EVENT,
    KUBEVIRT_CHILDREN,
    NAMESPACE,
    NODE,
    POD,
    POD_CHILDREN,
    POLICY,
    RUNTIME_CLASS,
    WORKLOAD,
    Kind,
)
from scenarios.objects import SECONDS, Json

FAILURES = Path(__file__).with_name("failures.yaml")
QUIET_SECONDS = 2.5
GONE_SECONDS = 90.0  # the garbage collector looks for new kinds every 30 s, and may have just looked
RUNTIMES: tuple[Json, ...] = (
    {"metadata": {"name": "gvisor"}, "handler": "runsc"},
    {
        "metadata": {"name": "kata"},
        "handler": "kata",
        "overhead": {"podFixed": {"cpu": "250m", "memory": "320Mi"}},
    },
)


@contextmanager
def prepared(*, kubevirt: bool = True) -> Iterator[Cluster]:
    """Give a control plane with Berth as `ground.berth` installs it, two sandbox runtimes, and KubeVirt."""
    name = f"scenarios-{uuid4().hex[:8]}"
    try:
        cluster = control_plane.up(name, audit=True, say=lambda *_: None)
        if kubevirt:  # first: who may own is asked of kinds that the API server has looked up, and that is every 30 s
            install_kubevirt(cluster)
        berth.install(cluster)
        kubectl(cluster, "apply", "--server-side", "-f", str(FAILURES))
        for body in RUNTIMES:
            objects.put(cluster, RUNTIME_CLASS, "", body)
        yield cluster
    finally:
        control_plane.down(name, say=lambda *_: None)


def install_kubevirt(cluster: Cluster) -> None:
    """Install KubeVirt's CRDs and start its simulator, which retries failed starts after a second."""
    crds.install(cluster)
    simulator.start(cluster, crash_backoff=1.0)


def kubectl(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl as the administrator."""
    return control_plane.kubectl(cluster, *arguments, stdin=stdin)


def audit_of(cluster: Cluster) -> Audit:
    """Return the audit log of a cluster from now on."""
    return Audit(cluster.workdir / "logs" / "audit.log")


@dataclass(frozen=True)
class Space:
    """A namespace of one test, with everything that the test asks of it."""

    cluster: Cluster
    name: str
    audit: Audit
    made: list[tuple[Kind, str]] = field(default_factory=list)
    """Cluster-scoped objects of the test: they go with it."""

    @classmethod
    def make(cls, cluster: Cluster, labels: dict[str, str] | None = None) -> "Space":
        """Make a namespace with the ServiceAccount that pods need."""
        name = f"test-{uuid4().hex[:8]}"
        objects.put(cluster, NAMESPACE, "", {"metadata": {"name": name, "labels": labels or {}}})
        account = Kind("ServiceAccount", "v1", "serviceaccounts")
        eventually(lambda: objects.get(cluster, account, name, "default"), SECONDS, f"ServiceAccount of {name}")
        return cls(cluster, name, audit_of(cluster))

    def remove(self) -> None:
        """Delete everything that the test made, without waiting."""
        for kind, name in reversed(self.made):
            objects.delete(self.cluster, kind, "", name)
        objects.delete(self.cluster, NAMESPACE, "", self.name)

    @property
    def selector(self) -> Json:
        """What selects this namespace alone in a policy."""
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.name}}}

    def policy(self, require: Json, **more: object) -> None:
        """Enact a policy for this namespace alone."""
        spec = {"mode": "Enforce", "reason": "a test", "match": self.selector, "require": require, **more}
        self.enact(POLICY, self.name, spec)

    def isolation_class(self, suffix: str, spec: Json) -> str:
        """Enact an IsolationClass of this test's own and return its name; workloads of others are not placed there."""
        name = f"{self.name}-{suffix}"
        self.enact(CLASS, name, {"preference": -1000, **spec})
        return name

    def node(self, suffix: str, shape: Shape = CAPABLE, *, silent: bool = False) -> str:
        """Make a node for the classes of this test alone; a silent one does not say which runtime handlers it has."""
        labels, taint = {"pool": self.name, **shape.labels}, {"key": "pool", "value": self.name, "effect": "NoSchedule"}
        body = node(f"{self.name}-{suffix}", replace(shape, labels=labels, taints=(*shape.taints, taint)))
        if silent:
            del body["status"]["runtimeHandlers"]
        name: str = body["metadata"]["name"]
        self.made.append((NODE, name))
        call(self.cluster.kubeconfig, "POST", NODE.path(), body)
        # A new node is tainted as not ready until the node controller has seen that it is.
        self.until(NODE, name, lambda found: found["spec"]["taints"] == body["spec"]["taints"])
        return name

    @property
    def pool(self) -> Json:
        """The nodes of this test, as a class names them."""
        tolerated = {"key": "pool", "value": self.name, "effect": "NoSchedule"}
        return {"nodes": {"selector": {"pool": self.name}, "tolerations": [tolerated]}}

    def workload(self, name: str, spec: Json, **labels: str) -> Json:
        """Apply a Workload: fields left out since the last time go."""
        return self.put(WORKLOAD, name, spec, labels)

    def enact(self, kind: Kind, name: str, spec: Json) -> Json:
        """Apply what an admin writes, and wait until its status is about it: what is written from then on goes by it."""
        self.put(kind, name, spec)
        return self.observed(kind, name)

    def put(self, kind: Kind, name: str, spec: Json | None = None, labels: dict[str, str] | None = None) -> Json:
        """Apply an object with a spec; one of the cluster is removed after the test."""
        meta = {"name": name, "labels": labels} if labels else {"name": name}
        return self.put_body(kind, {"metadata": meta} | ({} if spec is None else {"spec": spec}))

    def put_body(self, kind: Kind, body: Json) -> Json:
        """Apply an object of any shape; one of the cluster is removed after the test."""
        if not kind.namespaced:
            self.made.append((kind, body["metadata"]["name"]))
        return objects.put(self.cluster, kind, self.name, body)

    def get(self, kind: Kind, name: str) -> Json:
        """Read an object; an empty one when it is not there."""
        return objects.get(self.cluster, kind, self.name, name)

    def merge(self, kind: Kind, name: str, patch: Json, subresource: str = "") -> Json:
        """Merge-patch an object as somebody else."""
        return objects.merge(self.cluster, kind, self.name, name, patch, subresource)

    def edit(self, kind: Kind, name: str, change: Callable[[Json], object]) -> Json:
        """Change an object as somebody else would with an editor."""
        return objects.edit(self.cluster, kind, self.name, name, change)

    def delete(self, kind: Kind, name: str) -> None:
        """Delete an object without waiting."""
        objects.delete(self.cluster, kind, self.name, name)

    def until(self, kind: Kind, name: str, wish: Callable[[Json], object], seconds: float = SECONDS) -> Json:
        """Wait until an object is as wished for."""
        return objects.until(self.cluster, kind, self.name, name, wish, seconds)

    def observed(self, kind: Kind, name: str) -> Json:
        """Wait until the status of an object is about its newest spec."""
        return objects.observed(self.cluster, kind, self.name, name)

    def gone(self, kind: Kind, name: str, seconds: float = GONE_SECONDS) -> None:
        """Wait until an object is gone."""
        objects.gone(self.cluster, kind, self.name, name, seconds)

    def scale(self, name: str, replicas: int) -> None:
        """Scale a Workload as people do."""
        kubectl(self.cluster, "-n", self.name, "scale", f"workloads.berth.dev/{name}", f"--replicas={replicas}")

    def ready(self, name: str) -> Json:
        """Wait for a Workload as people do, and return it."""
        kubectl(
            self.cluster,
            "-n",
            self.name,
            "wait",
            f"workloads.berth.dev/{name}",
            "--for=condition=Ready",
            "--timeout=60s",
        )
        return self.get(WORKLOAD, name)

    def expect(
        self,
        name: str,
        kind: str,
        status: str,
        reason: str | None = None,
        seconds: float = SECONDS,
        *,
        says: str | tuple[str, ...] = (),
    ) -> Json:
        """Wait for a condition of a Workload, for its current generation, and return the Workload.

        The first status with a reason may tell of a world half seen, for no order holds between the operator's watches:
        what the message is to say is waited for as well.
        """

        def wish(found: Json) -> bool:
            current = condition(found, kind).get("observedGeneration") == found["metadata"]["generation"]
            return current and shows(found, kind, status, reason, says=says)

        return self.until(WORKLOAD, name, wish, seconds)

    def pods(self, workload: str) -> list[Json]:
        """Return the pods of a Workload that are not going."""
        found = objects.items(self.cluster, POD, self.name, f"berth.dev/workload={workload}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def children(self, workload: str) -> set[str]:
        """Return kind and name of everything that a Workload owns: `Deployment web`."""
        uid = self.get(WORKLOAD, workload)["metadata"]["uid"]
        return {
            f"{kind.name} {found['metadata']['name']}"
            for kind in (*POD_CHILDREN, *KUBEVIRT_CHILDREN)
            for found in objects.items(self.cluster, kind, self.name)
            if any(owner["uid"] == uid for owner in found["metadata"].get("ownerReferences", []))
        }

    def events(self, name: str) -> list[Json]:
        """Return the Events about a Workload."""
        found = objects.items(self.cluster, EVENT, self.name)
        return [event for event in found if event["regarding"].get("name") == name]

    def told(self, name: str, *reasons: str) -> None:
        """Wait until these Events were told of a Workload itself, and no others; they follow its status."""

        def seen() -> bool:
            found = [each for each in self.events(name) if each["regarding"]["kind"] == WORKLOAD.name]
            return sorted(each["reason"] for each in found) == sorted(reasons)

        eventually(seen, SECONDS, f"Events of {name}: {', '.join(reasons)}")

    def writes(self) -> dict[str, int]:
        """Return what the operator wrote into this namespace so far, by kind of write."""
        return tally(self.audit.writes(self.name))

    def quiet(self, seconds: float = QUIET_SECONDS) -> None:
        """Wait until there was no write for so many seconds: what was under way has been written, progress too.

        Before a silence of 5 s or more ask for 5 s: what a controller says late must not fall into it.
        """
        self.audit.settle(seconds, self.name)

    def silence(self, seconds: float = 3.0) -> None:
        """Fail at the first write of the operator into this namespace within so many seconds."""
        self.audit.silence(seconds, self.name)


def condition(found: Json, kind: str) -> Json:
    """Return a condition of an object; an Unknown one when there is none."""
    listed: list[Json] = found.get("status", {}).get("conditions", [])
    return next((each for each in listed if each["type"] == kind), {"status": "Unknown", "reason": "", "message": ""})


def shows(found: Json, kind: str, status: str, reason: str | None = None, *, says: str | tuple[str, ...] = ()) -> bool:
    """Tell whether a condition of an object has a status and, where given, a reason and words in its message."""
    item, words = condition(found, kind), (says,) if isinstance(says, str) else says
    met = item["status"] == status and reason in (None, item.get("reason"))
    return met and all(word in item.get("message", "") for word in words)


def load(text: str) -> Json:
    """Read YAML: specs stand in tests as people write them."""
    found: Json = yaml.safe_load(text)
    return found
