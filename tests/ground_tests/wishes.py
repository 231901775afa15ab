"""What the tests of the ground ask of a cluster, in one vocabulary."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import yaml

from ground.api import ApiError, apply, call, eventually, history
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import BY_NAME, VM, VMI, Kind

Json = dict[str, Any]
SECONDS = 60.0
NAMESPACE = Kind("Namespace", "v1", "namespaces", namespaced=False)
ADMISSION = "admissionregistration.k8s.io/v1"
POLICY = Kind("ValidatingAdmissionPolicy", ADMISSION, "validatingadmissionpolicies", namespaced=False)
BINDING = Kind("ValidatingAdmissionPolicyBinding", ADMISSION, "validatingadmissionpolicybindings", namespaced=False)


def namespace(cluster: Cluster, labels: Json | None = None) -> str:
    """Make a namespace of its own with the ServiceAccount that pods need, and return its name."""
    name = f"test-{uuid4().hex[:8]}"
    make(cluster, NAMESPACE, "", {"metadata": {"name": name, "labels": labels or {}}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    eventually(lambda: read(cluster, account), SECONDS, account)
    return name


def read(cluster: Cluster, path: str) -> Json | None:
    """Read an object; None when it is not there."""
    try:
        return call(cluster.kubeconfig, "GET", path)
    except ApiError as error:
        if error.code == 404:
            return None
        raise


def get(cluster: Cluster, kind: Kind, space: str, name: str) -> Json:
    """Read an object; an empty one when it is not there."""
    return read(cluster, kind.path(space, name)) or {}


def make(cluster: Cluster, kind: Kind, space: str, body: Json) -> None:
    """Apply an object of a kind, strictly."""
    meta = {**body["metadata"], **({"namespace": space} if kind.namespaced else {})}
    whole = {"apiVersion": kind.api, "kind": kind.name, **body, "metadata": meta}
    apply(cluster.kubeconfig, kind.path(space, meta["name"]), whole)


def merge(cluster: Cluster, kind: Kind, space: str, name: str, patch: Json) -> None:
    """Merge-patch an object."""
    call(cluster.kubeconfig, "PATCH", kind.path(space, name), patch, "application/merge-patch+json")


def annotate(cluster: Cluster, kind: Kind, space: str, name: str, annotations: Json) -> None:
    """Set annotations; None takes one away."""
    merge(cluster, kind, space, name, {"metadata": {"annotations": annotations}})


def delete(cluster: Cluster, kind: Kind, space: str, name: str) -> None:
    """Delete an object without waiting."""
    call(cluster.kubeconfig, "DELETE", kind.path(space, name))


def wait(cluster: Cluster, kind: Kind, space: str, name: str, wish: Callable[[Json], object]) -> Json:
    """Wait until an object is as wished for; the failure shows the object's last status."""
    last: Json = {}

    def fulfilled() -> Json | None:
        nonlocal last
        last = get(cluster, kind, space, name)
        return last if last and wish(last) else None

    try:
        return eventually(fulfilled, SECONDS, f"{kind.name} {name}")
    except TimeoutError as error:
        message = f"{error}; last status: {yaml.safe_dump(last.get('status', last))}"
        raise AssertionError(message) from error


def passed(cluster: Cluster, kind: Kind, space: str, wish: Callable[[Json], bool]) -> bool:
    """Tell whether any object of a kind was ever as wished for in a namespace that a test made."""
    since = get(cluster, NAMESPACE, "", space)["metadata"]["resourceVersion"]
    return any(wish(found) for found in history(cluster.kubeconfig, kind.path(space), since))


def gone(cluster: Cluster, kind: Kind, space: str, name: str) -> None:
    """Wait until an object is gone."""
    eventually(lambda: read(cluster, kind.path(space, name)) is None, SECONDS, f"{kind.name} {name} gone")


def condition(found: Json, type_: str) -> tuple[str | None, str | None]:
    """Return status and reason of a condition; two None when there is none."""
    items = {item["type"]: item for item in found.get("status", {}).get("conditions", [])}
    return items.get(type_, {}).get("status"), items.get(type_, {}).get("reason")


def printed(status: str) -> Callable[[Json], bool]:
    """Return a wish for a virtual machine's printable status."""
    return lambda found: found.get("status", {}).get("printableStatus") == status


def phase(name: str) -> Callable[[Json], bool]:
    """Return a wish for the phase of an object; one that is new has none."""
    return lambda found: found.get("status", {}).get("phase") == name


def ready(found: Json) -> bool:
    """Tell whether a virtual machine or an instance has Ready=True."""
    return condition(found, "Ready")[0] == "True"


def running(cluster: Cluster, space: str, name: str) -> Json:
    """Make a virtual machine and wait until it is ready."""
    machine(cluster, space, name)
    return wait(cluster, VM, space, name, ready)


def machine(cluster: Cluster, space: str, name: str, **spec: Any) -> None:
    """Apply a virtual machine with `vm_spec`."""
    annotations = spec.pop("annotations", {})
    make(cluster, VM, space, {"metadata": {"name": name, "annotations": annotations}, "spec": vm_spec(name, **spec)})


def vm_spec(
    name: str, *, strategy: str = "Always", volume: Json | None = None, domain: Json | None = None, **more: Any
) -> Json:
    """Return the spec of a small virtual machine; `more` are further fields beside its template."""
    template = {
        "domain": {
            "cpu": {"sockets": 1, "cores": 1, "threads": 1},
            "memory": {"guest": "1Gi"},
            "devices": {
                "disks": [{"name": "root", "disk": {"bus": "virtio"}}],
                "interfaces": [{"name": "default", "masquerade": {}}],
            },
            **(domain or {}),
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": "root", **(volume or {"containerDisk": {"image": "registry.invalid/guest@sha256:0"}})}],
    }
    metadata = {"labels": {"app": name}, "annotations": more.pop("template_annotations", {})}
    return {"runStrategy": strategy, "template": {"metadata": metadata, "spec": template}, **more}


def launchers(cluster: Cluster, space: str, name: str) -> list[Json]:
    """Return the launcher pods of a virtual machine's instance."""
    uid = get(cluster, VMI, space, name).get("metadata", {}).get("uid", "none")
    path = f"{BY_NAME['Pod'].path(space)}?labelSelector=kubevirt.io/created-by={uid}"
    items: list[Json] = call(cluster.kubeconfig, "GET", path)["items"]
    return items


def deny(cluster: Cluster, space: str, group: str, plural: str) -> None:
    """Refuse to create a kind in a namespace, by a policy named like the namespace, and wait until that is in force."""
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE"], "resources": [plural]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": space}}
    spec = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
        "validations": [{"expression": "false", "message": f"no {plural} here"}],
    }
    make(cluster, POLICY, "", {"metadata": {"name": space}, "spec": spec})
    binding = {"policyName": space, "validationActions": ["Deny"]}
    make(cluster, BINDING, "", {"metadata": {"name": space}, "spec": binding})
    kind = next(kind for kind in BY_NAME.values() if kind.plural == plural)
    eventually(lambda: f"no {plural} here" in refused(cluster, kind, space), SECONDS, f"no {plural} in {space}")


def refused(cluster: Cluster, kind: Kind, space: str) -> str:
    """Return why an object of a kind cannot be created in a namespace; empty when it can."""
    pod: Json = {"containers": [{"name": "main", "image": "registry.invalid/app:1"}]}
    spec = pod if kind.name == "Pod" else {"domain": {"devices": {}}}
    body = {"apiVersion": kind.api, "kind": kind.name, "metadata": {"name": "try"}, "spec": spec}
    try:
        call(cluster.kubeconfig, "POST", kind.path(space) + "?dryRun=All", body)
    except ApiError as error:
        return str(error)
    return ""
