"""Objects that people try to write, small and complete."""

from ground.api import Json

MARKED = {"berth.dev/workload": "web"}
DISK = {"berth.dev/disk-of": "web"}
SAFE: Json = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD_SAFE: Json = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def owned(kind: str = "Workload", name: str = "web", **labels: str) -> Json:
    """Return the metadata of a child of Workload web, or of another owner."""
    owner = {"apiVersion": "berth.dev/v1alpha1", "kind": kind, "name": name, "uid": "1", "controller": True}
    return {"labels": MARKED | labels, "ownerReferences": [owner]}


def pod(*, labels: dict[str, str] | None = None, **more: object) -> Json:
    """Return a pod."""
    return {"metadata": {"labels": labels or {}}, "spec": pod_spec(**more)}


def pod_spec(container: Json | None = None, **more: object) -> Json:
    """Return the spec of a pod as Berth renders it, but for what is given of it and of its container."""
    main = {"name": "main", "image": "registry.example/own:1", "securityContext": SAFE, **(container or {})}
    defaults = {"automountServiceAccountToken": False, "securityContext": POD_SAFE, "containers": [main]}
    return {**defaults, **more}


def template(*, labels: dict[str, str] | None = None, meta: Json | None = None, restart: str = "Always") -> Json:
    """Return what Deployments, ReplicaSets, StatefulSets, DaemonSets and ReplicationControllers share."""
    chosen = {"app": "own"} | (labels or {})
    body: Json = {
        "selector": {"matchLabels": {"app": "own"}},
        "template": {"metadata": {"labels": chosen}, "spec": pod_spec(restartPolicy=restart)},
    }
    return {"metadata": meta or {}, "spec": body}


def replication_controller(labels: dict[str, str] | None = None) -> Json:
    """Return a ReplicationController, whose selector is plain."""
    body = template(labels=labels)
    return {**body, "spec": {**body["spec"], "selector": {"app": "own"}}}


def stateful_set(labels: dict[str, str] | None = None) -> Json:
    """Return a StatefulSet."""
    body = template(labels=labels)
    return {**body, "spec": {**body["spec"], "serviceName": "own"}}


def job(*, labels: dict[str, str] | None = None, meta: Json | None = None) -> Json:
    """Return a Job."""
    inner = template(labels=labels, restart="Never")["spec"]["template"]
    return {"metadata": meta or {}, "spec": {"template": inner}}


def cron_job(*, inner: dict[str, str] | None = None, outer: dict[str, str] | None = None) -> Json:
    """Return a CronJob; `inner` are labels of its pods, `outer` those of its Jobs."""
    made = {"metadata": {"labels": outer or {}}, "spec": job(labels=inner)["spec"]}
    return {"spec": {"schedule": "0 * * * *", "jobTemplate": made}}


def service(labels: dict[str, str] | None = None) -> Json:
    """Return a Service."""
    return {"metadata": {"labels": labels or {}}, "spec": {"selector": {"app": "own"}, "ports": [{"port": 80}]}}


def network_policy(labels: dict[str, str] | None = None) -> Json:
    """Return a NetworkPolicy."""
    return {"metadata": {"labels": labels or {}}, "spec": {"podSelector": {}}}


def instance(**more: object) -> Json:
    """Return the spec of a VirtualMachineInstance."""
    devices = {"interfaces": [{"name": "default", "masquerade": {}}], "disks": []}
    return {
        "domain": {"devices": devices, "memory": {"guest": "1Gi"}},
        "networks": [{"name": "default", "pod": {}}],
        **more,
    }


def machine(labels: dict[str, str] | None = None, meta: Json | None = None) -> Json:
    """Return a VirtualMachine; `labels` are those of its instance."""
    inner = {"metadata": {"labels": labels or {}}, "spec": instance()}
    return {"metadata": meta or {}, "spec": {"runStrategy": "Halted", "template": inner}}


def pool(labels: dict[str, str] | None = None) -> Json:
    """Return a VirtualMachinePool; `labels` are those of its machines' instances."""
    made = machine(labels, {"labels": {"app": "own"}})
    return {"spec": {"replicas": 1, "selector": {"matchLabels": {"app": "own"}}, "virtualMachineTemplate": made}}


def data_volume(labels: dict[str, str] | None = None) -> Json:
    """Return a DataVolume."""
    storage = {"resources": {"requests": {"storage": "1Gi"}}}
    spec = {"sourceRef": {"kind": "DataSource", "name": "fedora"}, "storage": storage}
    return {"metadata": {"labels": labels or {}}, "spec": spec}


def quota() -> Json:
    """Return a ResourceQuota."""
    return {"spec": {"hard": {"pods": "100"}}}


def event(controller: str, namespace: str) -> Json:
    """Return what a controller has said of a Workload."""
    said = {"action": "Place", "reason": "Placed", "type": "Normal", "reportingInstance": "a"}
    regarding = {"kind": "Workload", "namespace": namespace}
    when = "2026-01-01T00:00:00.000000Z"
    return {**said, "eventTime": when, "reportingController": controller, "regarding": regarding}
