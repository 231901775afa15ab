"""The Job that looks from inside at what isolates pods of a class: the pod is rendered as that of any Workload."""

from dataclasses import dataclass
from typing import Final

from berth.api.levels import WorkloadType
from berth.api.quantity import format_memory
from berth.api.workload import WorkloadSpec
from berth.decide.model import ClassFacts
from berth.render.job import job
from berth.render.metadata import child
from berth.render.model import Child, Subject

DEADLINE_SECONDS: Final = 120
"""Seconds within which a probe must have ended, its image pulled."""

_STAYS_SECONDS: Final = 300
_LIMIT: Final = 256 << 20
"""Bytes of memory that a probe may have, beside what the class says that its sandbox takes of a pod's limit."""


@dataclass(frozen=True, slots=True)
class Prober:
    """What every probe is made of."""

    namespace: str
    """Berth's own."""
    image: str
    pull_secrets: tuple[str, ...]
    peers: tuple[str, ...]
    """Addresses, host:port, that its NetworkPolicy forbids it to reach, beside the API server."""


def probe_subject(prober: Prober, facts: ClassFacts, name: str, uid: str) -> Subject:
    """Return the probe of a class, by the UID of that class, as something to render."""
    limit = _LIMIT + (facts.overhead.memory if facts.overhead_within else 0)
    spec = {
        "type": WorkloadType.TASK,
        "container": {"image": prober.image, "args": [*prober.peers]},
        "imagePullSecrets": [{"name": each} for each in prober.pull_secrets],
        "task": {"backoffLimit": 0, "activeDeadlineSeconds": DEADLINE_SECONDS},
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": format_memory(limit)}},
    }
    return Subject(prober.namespace, name, uid, WorkloadSpec.model_validate(spec), f"ns.{prober.namespace}")


def isolation_probe(subject: Subject, facts: ClassFacts, node: str) -> Child:
    """Return the Job of a probe on one node. Its class owns it, and it goes by itself."""
    body = job(subject, facts).body
    # Nothing waits for a probe when its class is deleted, so no right on the class is needed.
    owner = {"kind": "IsolationClass", "name": facts.name, "blockOwnerDeletion": False}
    body["metadata"]["ownerReferences"][0] |= owner
    body["spec"]["ttlSecondsAfterFinished"] = _STAYS_SECONDS
    fields = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    pinned = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": fields}]}}
    pod = body["spec"]["template"]["spec"]
    pod["affinity"] = {"nodeAffinity": pinned} | pod.get("affinity", {})
    return child(body)
