"""Vectors that are computed: every control, field, kind of volume, steering key and cluster-scoped kind that there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from berth.verify.machine import DOMAIN, INSTANCE
from berth.verify.machine_devices import DEVICES, INTERFACE
from berth.verify.machine_disks import MACHINE_VOLUME
from berth.verify.table import How, Table
from threats.controls import GONE, OF_CONTAINERS, OF_PODS, Control
from threats.model import Check, Child, Json, Layer, Manifest, Request, Vector
from verify.foreign import STEERING
from verify.schemas import definitions

CORE = "io.k8s.api.core.v1."
CRD = Path(__file__).resolve().parents[2] / "crds" / "berth.dev_workloads.yaml"
TEMPLATE = "spec.template.spec"
PLACES = {
    "container": ("spec.container", "containers.0"),
    "init": ("spec.initContainers.0", "initContainers.1"),
    "sidecar": ("spec.sidecars.0", "initContainers.0"),
}
"""Where a container stands in a Workload and in a pod."""

PODS = "/api/v1/namespaces/evil/pods/{pod}/ephemeralcontainers"


def vectors() -> list[Vector]:
    """Return all of them."""
    return [
        *pod_security(),
        *ephemeral(),
        *volumes(),
        *pod_fields(),
        *machine_volumes(),
        *machine_fields(),
        *steering(),
        *references(),
        *cluster_scoped(),
    ]


def pod_security() -> Iterator[Vector]:
    """Yield every control for pods, containers, init containers and sidecars: by the author, past admission, by us."""
    for control in OF_PODS:
        yield from _three("pod", control, "spec", TEMPLATE)
    for place, (written, rendered) in PLACES.items():
        for control in OF_CONTAINERS:
            yield from _three(place, control, written, f"{TEMPLATE}.{rendered}")


def _three(place: str, control: Control, written: str, rendered: str) -> Iterator[Vector]:
    name = f"T{control.threat}-{_id(control.name)}" + (f"-{_id(control.path)}" if control.several else "") + f"-{place}"
    title = f"{control.name}: {control.path} of a {place}"
    at = f"{rendered}.{control.path}"
    value = control.authored if control.value == GONE else control.value
    yield Vector(
        f"{name}-workload",
        control.threat,
        f"{title}, in a Workload",
        Layer.SCHEMA,
        says=_innermost(place, control.path, value),
        workload=Manifest("full", change={f"{written}.{control.path}": value}),
    )
    child = Child("full/Deployment", change={at: control.value}, rule=control.name)
    yield Vector(f"{name}-rendered", control.threat, f"{title}, past admission", Layer.VERIFIER, child=child)
    beside = {f"{TEMPLATE}.{path}": each for path, each in control.pod.items()}
    beside |= {f"{rendered}.{path}": each for path, each in control.beside.items()}
    ours = Child("full/Deployment", "operator", change={at: control.value, **beside})
    stolen = Layer.SCHEMA if control.path == "lifecycle" and place == "init" else control.stolen
    yield Vector(f"{name}-stolen", control.threat, f"{title}, by the operator's account", stolen, child=ours)


def _innermost(place: str, path: str, value: Any) -> str:
    """Return the field that the API server does not know, or the bound that a known one breaks."""
    if path.endswith("runAsUser"):
        return "runAsUser"
    if path == "ports":
        return "hostPort" if place == "container" else "ports"
    if path == "lifecycle":
        return "httpGet" if place == "container" else "lifecycle"
    if path.startswith("volumes"):
        return next(key for key in value if key != "name")
    return path.removeprefix("securityContext.").split(".")[0]


def ephemeral() -> Iterator[Vector]:
    """Yield every control in an ephemeral container of a pod that Berth made, by the namespace's owner."""
    safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    for control in OF_CONTAINERS:
        if control.name in {"HostPorts", "HostProbesAndLifecycleHooks"}:
            continue  # ephemeral containers have neither
        context = dict(safe)
        context[control.path.split(".")[1]] = {} if control.value == GONE else control.value
        one = {"name": "debug", "image": "registry.example/evil/x:1", "securityContext": context}
        context |= {path.split(".")[1]: value for path, value in control.beside.items()}
        yield Vector(
            f"T55-ephemeral-{_id(control.name)}",
            55,
            f"{control.name} in an ephemeral container",
            Layer.SCHEMA if control.name in {"HostProcess", "ProcMountType"} else Layer.ADMISSION,
            precedent=("CVE-2023-2727", "CVE-2023-2728"),
            who="owner",
            request=Request("PATCH", PODS, {"spec": {"ephemeralContainers": [one]}}),
        )
    one = {"name": "debug", "image": "registry.example/evil/x:1"}
    change = {f"{TEMPLATE}.ephemeralContainers": [one]}
    child = Child("full/Deployment", change=change, rule="NotWritten")
    yield Vector("T55-ephemeral-rendered", 55, "ephemeral containers in what is rendered", Layer.VERIFIER, child=child)


ALLOWED_VOLUMES = {"name", "emptyDir", "configMap", "secret", "persistentVolumeClaim", "hostPath", "csi"}
"""What a Workload may mount, and the two kinds that stand among the controls."""


def volumes() -> Iterator[Vector]:
    """Yield every other kind of volume that Kubernetes knows: a new one is tried by itself."""
    for kind in sorted(definitions()[f"{CORE}Volume"]["properties"].keys() - ALLOWED_VOLUMES):
        one = {"name": "scratch", kind: _plausible(kind)}
        yield Vector(
            f"T4-{_id(kind)}-workload",
            4,
            f"a volume of kind {kind} in a Workload",
            Layer.SCHEMA,
            says=kind,
            workload=Manifest("full", change={"spec.volumes.0": one}),
        )
        rule = "Token" if kind == "projected" else "VolumeTypes"
        child = Child("full/Deployment", change={f"{TEMPLATE}.volumes.0": one}, rule=rule)
        yield Vector(
            f"T4-{_id(kind)}-rendered", 4, f"a volume of kind {kind}, past admission", Layer.VERIFIER, child=child
        )


def _plausible(kind: str) -> Json:
    return {
        "ephemeral": {"volumeClaimTemplate": {"spec": {"volumeName": "of-acme"}}},
        "image": {"reference": "evil.example/x:1"},
        "nfs": {"server": "10.0.0.1", "path": "/"},
        "projected": {"sources": [{"serviceAccountToken": {"audience": "vault.example", "path": "token"}}]},
        "downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "metadata.annotations"}}]},
        "gitRepo": {"repository": "https://evil.example/x"},
    }.get(kind, {"fsType": "ext4"})


THREAT_OF = {
    **dict.fromkeys(("nodeName", "nodeSelector", "affinity", "tolerations", "os"), 6),
    **dict.fromkeys(("runtimeClassName", "overhead"), 7),
    **dict.fromkeys(("schedulerName", "preemptionPolicy", "priority", "evictionResponders"), 8),
    **dict.fromkeys(("topologySpreadConstraints", "schedulingGates", "schedulingGroup", "resourceClaims"), 9),
    **dict.fromkeys(("serviceAccount", "automountServiceAccountToken"), 10),
    **dict.fromkeys(("shareProcessNamespace", "hostUsers"), 1),
    "imagePullPolicy": 13,
    "ephemeralContainers": 55,
}
"""Threat that a field belongs to; 5 for all others."""

ELSEWHERE = {"hostNetwork", "hostPID", "hostIPC", "containers"}


def pod_fields() -> Iterator[Vector]:
    """Yield every field of pods and containers that a Workload does not have, where an author would write it."""
    spec = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    container = spec["properties"]["container"]
    for where, known, kind in (("spec", spec, "PodSpec"), ("spec.container", container, "Container")):
        fields = definitions()[CORE + kind]["properties"]
        for name in sorted(fields.keys() - known["properties"].keys() - ELSEWHERE - {"name"}):
            value = _of_type(fields[name])
            if where == "spec.container" and name == "resources":
                continue  # it stands beside the container
            yield Vector(
                f"T{THREAT_OF.get(name, 5)}-{_id(kind)}-{_id(name)}",
                THREAT_OF.get(name, 5),
                f"{name} of a {kind} in a Workload",
                Layer.SCHEMA,
                says=f"{where}.{name}",
                workload=Manifest(change={f"{where}.{name}": value}),
            )


def _of_type(schema: Json) -> Any:
    kind = schema.get("type", "object")
    kind = kind if isinstance(kind, str) else next(each for each in kind if each != "null")
    return {"boolean": True, "integer": 1, "array": [{"x": "y"}], "string": "system"}.get(kind, {"x": "y"})


def _denied(table: Table) -> list[tuple[str, str]]:
    return sorted((name, str(field.rule)) for name, field in table.fields.items() if field.how is How.DENY)


DISK_THREATS = {"hostDisk": 15}
CVES = {
    "hostDisk": ("CVE-2025-64324", "CVE-2022-1798"),
    "kernelBoot": ("CVE-2022-1798",),
    "filesystems": ("CVE-2026-47243",),
    "binding": ("CVE-2020-8554",),
}


def machine_volumes() -> Iterator[Vector]:
    """Yield every kind of volume of machines that Berth does not write: KubeVirt's schema is classified elsewhere."""
    for kind, rule in _denied(MACHINE_VOLUME):
        threat, value = DISK_THREATS.get(kind, 19), {"path": "/var/lib/x.img", "type": "DiskOrCreate"}
        yield Vector(
            f"T{threat}-disk-{_id(kind)}-workload",
            threat,
            f"a disk of kind {kind} in a Workload",
            Layer.SCHEMA,
            says=kind,
            precedent=CVES.get(kind, ()),
            workload=Manifest("machine", change={"spec.machine.disks.0": {"name": "data", kind: value}}),
        )
        change = {f"{TEMPLATE}.volumes.1": {"name": "data", kind: value}}
        yield Vector(
            f"T{threat}-disk-{_id(kind)}-rendered",
            threat,
            f"a volume of kind {kind} in a machine, past admission",
            Layer.VERIFIER,
            precedent=CVES.get(kind, ()),
            child=Child("erp/VirtualMachine", change=change, rule=rule),
        )


MACHINE_TABLES: tuple[tuple[str, Table, int], ...] = (
    ("", INSTANCE, 22),
    ("domain", DOMAIN, 21),
    ("domain.devices", DEVICES, 18),
    ("domain.devices.interfaces.0", INTERFACE, 18),
)
MACHINE_THREATS = {
    **dict.fromkeys(("filesystems", "downwardMetrics", "utilityVolumes", "autoattachVSOCK"), 19),
    **dict.fromkeys(("subdomain", "dnsConfig", "dnsPolicy"), 5),
    **dict.fromkeys(("schedulerName", "startStrategy"), 8),
}


def machine_fields() -> Iterator[Vector]:
    """Yield every field of machines that Berth does not write, by the author and past admission."""
    for at, judged, threat in MACHINE_TABLES:
        for name, rule in _denied(judged):
            number, where = MACHINE_THREATS.get(name, threat), f"{at}.{name}".lstrip(".")
            label = f"T{number}-machine-{_id(at.split('.')[-2] if at.endswith('.0') else at.split('.')[-1] or 'spec')}-{_id(name)}"
            change = {f"{TEMPLATE}.{where}": {"x": "y"}}
            yield Vector(
                f"{label}-rendered",
                number,
                f"{where} of a machine, past admission",
                Layer.VERIFIER,
                precedent=CVES.get(name, ()),
                child=Child("erp/VirtualMachine", change=change, rule=rule),
            )
            if not at.endswith(".0"):
                yield Vector(
                    f"{label}-workload",
                    number,
                    f"{where} of a machine in a Workload",
                    Layer.SCHEMA,
                    says=f"spec.machine.{where.split('.')[0]}",
                    precedent=CVES.get(name, ()),
                    workload=Manifest("machine", change={f"spec.machine.{where}": {"x": "y"}}),
                )


OF_MACHINES = ("kubevirt.io/", "hooks.kubevirt.io/", "vm.kubevirt.io/", "smbios.vm.kubevirt.io/")
OF_SERVICES = ("service.", "metallb", "cloud.google.com/", "external-dns", "io.cilium/lb", "networking.gke.io/")
STEERED_BY = {
    "io.katacontainers.config.hypervisor.virtio_fs_extra_args": ("CVE-2026-44210",),
    "hooks.kubevirt.io/hookSidecars": ("KubeVirt gate Sidecar",),
}


def steering() -> Iterator[Vector]:
    """Yield every annotation that some controller takes orders from: on a Workload, and on what is rendered."""
    for key in STEERING:
        threat = 17 if key.startswith(OF_MACHINES) else 34 if key.startswith("kopf.") else 31
        precedent = STEERED_BY.get(key, ())
        if not key.startswith(("berth.dev/", "kopf.zalando.org/")):  # those are refused: see T33 and T34
            title = f"{key} as annotation and label of a Workload"
            check = Check("steers_nothing", {"key": key})
            yield Vector(
                f"T{threat}-{_id(key)}-workload", threat, title, Layer.HARMLESS, precedent=precedent, check=check
            )
        of = (
            "erp/VirtualMachine"
            if key.startswith(OF_MACHINES)
            else "web/Service"
            if key.startswith(OF_SERVICES)
            else "web/Deployment"
        )
        child = Child(
            of, change={"metadata.annotations": {"berth.dev/desired-hash": "0" * 32, key: "true"}}, rule="Annotations"
        )
        title = f"{key} on a {of.split('/')[1]}, past admission"
        yield Vector(f"T{threat}-{_id(key)}-rendered", threat, title, Layer.VERIFIER, precedent=precedent, child=child)


SECRET = {"secretKeyRef": {"name": "own", "key": "k"}}
REFERENCES = {
    "secret-volume": ("full", "spec.volumes.1.secret", "secretName"),
    "config-map-volume": ("full", "spec.volumes.2.configMap", "name"),
    "claim-volume": ("full", "spec.volumes.3.persistentVolumeClaim", "claimName"),
    "secret-key": ("full", "spec.container.env.1.valueFrom.secretKeyRef", "name"),
    "config-map-env": ("full", "spec.container.envFrom.0.configMapRef", "name"),
    "pull-secret": ("full", "spec.imagePullSecrets.0", "name"),
    "boot-claim": ("disks", "spec.machine.bootDisk.dataSource", "name"),
    "disk-claim": ("machine", "spec.machine.disks.0.persistentVolumeClaim", "claimName"),
    "cloud-init": ("machine", "spec.machine.cloudInit.secretRef", "name"),
    "disk-pull-secret": ("machine", "spec.machine.bootDisk.containerDisk", "imagePullSecret"),
}
ACROSS = ("CVE-2026-39961", "CVE-2025-29781", "Breaking the Bulkhead")


def references() -> Iterator[Vector]:
    """Yield every reference of a Workload as one into another namespace, by name and by a field beside it."""
    for label, (base, at, field) in REFERENCES.items():
        for how, change, says in (
            ("slash", {f"{at}.{field}": "acme-shop/own"}, field),
            ("path", {f"{at}.{field}": "../acme-shop/own"}, field),
            ("namespace", {f"{at}.namespace": "acme-shop"}, "namespace"),
        ):
            yield Vector(
                f"T25-{label}-{how}",
                25,
                f"{label} of another namespace, by {how}",
                Layer.SCHEMA,
                says=says,
                precedent=ACROSS,
                workload=Manifest(base, change=change),
            )


CLUSTER_SCOPED = {
    "v1": ("Namespace", "Node", "PersistentVolume"),
    "rbac.authorization.k8s.io/v1": ("ClusterRole", "ClusterRoleBinding"),
    "apiextensions.k8s.io/v1": ("CustomResourceDefinition",),
    "apiregistration.k8s.io/v1": ("APIService",),
    "admissionregistration.k8s.io/v1": (
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ),
    "certificates.k8s.io/v1": ("CertificateSigningRequest",),
    "storage.k8s.io/v1": ("StorageClass", "CSIDriver", "CSINode", "VolumeAttachment"),
    "node.k8s.io/v1": ("RuntimeClass",),
    "scheduling.k8s.io/v1": ("PriorityClass",),
    "networking.k8s.io/v1": ("IngressClass", "ServiceCIDR"),
    "flowcontrol.apiserver.k8s.io/v1": ("FlowSchema", "PriorityLevelConfiguration"),
    "instancetype.kubevirt.io/v1beta1": ("VirtualMachineClusterInstancetype", "VirtualMachineClusterPreference"),
    "berth.dev/v1alpha1": ("Tenant", "IsolationPolicy", "IsolationClass", "Waiver"),
}


def cluster_scoped() -> Iterator[Vector]:
    """Yield every cluster-scoped kind as a child of a Workload."""
    for version, kinds in CLUSTER_SCOPED.items():
        for kind in kinds:
            change = {"apiVersion": version, "kind": kind, "metadata.namespace": GONE}
            yield Vector(
                f"T27-{_id(kind)}",
                27,
                f"{kind}, a cluster-scoped kind, as a child",
                Layer.GATEWAY,
                says=kind,
                precedent=("CVE-2026-22872", "CVE-2026-65835"),
                child=Child("web/Service", "gateway", change=change),
            )


def _id(name: str) -> str:
    """Return a name in small letters and dashes: an API server takes it as the name of an object."""
    spread = "".join(
        f"-{letter}" if letter.isupper() and name[max(0, place - 1)].islower() else letter
        for place, letter in enumerate(name)
    )
    return "".join(letter if letter.isalnum() else "-" for letter in spread.lower()).strip("-")
