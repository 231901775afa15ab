"""The virt-launcher pod of an instance: labels, placement, devices and the true size of a virtual machine.

Overhead follows KubeVirt's GetMemoryOverhead (pkg/hypervisor/kvm/hypervisorbackend.go).
"""

import copy
import hashlib
from decimal import Decimal

from ground import kubevirt_sim
from ground.api import Json
from ground.kubevirt_sim.quantity import amount, binary, whole

MEBI = 1 << 20
FIXED = 240 * MEBI + 8 * MEBI  # monitor, launcher, virtlogd, virtqemud, qemu; and the IO thread
PER_VCPU = 8 * MEBI
GRAPHICS = 32 * MEBI
TPM = 53 * MEBI
GUARANTEED = 100 * MEBI
SEV = 256 * MEBI
DEFAULT_CPU_RATIO = 10
QUOTA_MEMORY_RATIO = 2
LAUNCHER_USER = 107
GATE = "kubevirt.io/virtual-machine-unpaused"
TARGET = "kubevirt.io/migrationJobUID"
EXTRA_GRACE_SECONDS = 30
DEFAULT_GRACE_SECONDS = 30
COPIED = ("affinity", "tolerations", "topologySpreadConstraints", "priorityClassName", "schedulerName", "hostname")


def shape(domain: Json) -> Json:
    """Return sockets, cores and threads of a domain."""
    return {part: int(domain.get("cpu", {}).get(part, 1)) for part in ("sockets", "cores", "threads")}


def vcpus(domain: Json) -> int:
    """Return sockets x cores x threads."""
    cpu = domain.get("cpu", {})
    return int(cpu.get("sockets", 1)) * int(cpu.get("cores", 1)) * int(cpu.get("threads", 1))


def guest_memory(domain: Json) -> int:
    """Return the guest's memory in bytes: memory.guest, else the request, else the limit; 0 when nothing says."""
    resources = domain.get("resources", {})
    for given in (
        domain.get("memory", {}).get("guest"),
        resources.get("requests", {}).get("memory"),
        resources.get("limits", {}).get("memory"),
    ):
        if given:
            return whole(amount(given))
    return 0


def overhead(spec: Json) -> int:
    """Return what a virtual machine needs beside its guest's memory, in bytes."""
    domain = spec["domain"]
    devices = domain.get("devices", {})
    resources = domain.get("resources", {})
    requested = whole(amount(resources.get("requests", {}).get("memory", 0)))
    probes = sum("exec" in spec.get(probe, {}) for probe in ("readinessProbe", "livenessProbe"))
    return (
        -(-requested // 1000) * 1000 // 512  # page tables
        + FIXED
        + PER_VCPU * vcpus(domain)
        + GRAPHICS * (devices.get("autoattachGraphicsDevice") is not False)
        + TPM * ("tpm" in devices and devices["tpm"].get("enabled") is not False)
        + GUARANTEED * bool(domain.get("cpu", {}).get("dedicatedCpuPlacement") or _guaranteed(resources))
        + SEV * ("sev" in domain.get("launchSecurity", {}))
        + (100 + 10 * probes) * MEBI * bool(probes)
    )


def resources(spec: Json, config: Json, *, quota_limits: frozenset[str] = frozenset()) -> Json:
    """Return requests and limits of the compute container, without devices.

    `config` is KubeVirt's configuration; `quota_limits` are the limits that a quota of the namespace asks for, for
    which KubeVirt sets 2 x the memory request and one CPU per vCPU.
    """
    domain = spec["domain"]
    given = domain.get("resources", {})
    memory = _memory_request(spec)
    cpu = _cpu_request(domain, config)
    limits = {name: _text(amount(value) + _extra(name, spec)) for name, value in given.get("limits", {}).items()}
    if domain.get("cpu", {}).get("dedicatedCpuPlacement"):
        limits |= {"cpu": _text(cpu), "memory": binary(memory)}
    if "limits.memory" in quota_limits:
        limits.setdefault("memory", binary(QUOTA_MEMORY_RATIO * memory))
    if "limits.cpu" in quota_limits:
        limits.setdefault("cpu", str(vcpus(domain)))
    pages = domain.get("memory", {}).get("hugepages", {}).get("pageSize")
    huge = {f"hugepages-{pages}": binary(guest_memory(domain))} if pages else {}
    requests = {"cpu": _text(cpu), "memory": binary(memory), "ephemeral-storage": "50M"}
    return {"requests": requests | huge, "limits": limits | huge}


def name(vmi: Json) -> str:
    """Return the launcher pod's name: one per instance UID, so that a second create is refused, not doubled."""
    meta = vmi["metadata"]
    return f"virt-launcher-{meta['name'][:40]}-{hashlib.sha256(meta['uid'].encode()).hexdigest()[:5]}"


def pod(vmi: Json, config: Json, *, quota_limits: frozenset[str] = frozenset()) -> Json:
    """Return the launcher pod of an instance, as KubeVirt renders it but without what a guest would need."""
    meta, spec = vmi["metadata"], vmi["spec"]
    return {
        "metadata": {
            "name": name(vmi),
            "namespace": meta["namespace"],
            "labels": _labels(meta),
            "annotations": _annotations(vmi),
            "ownerReferences": [owner_reference("VirtualMachineInstance", "kubevirt.io/v1", meta)],
        },
        "spec": {
            **{field: copy.deepcopy(spec[field]) for field in COPIED if field in spec},
            "hostname": spec.get("hostname", meta["name"])[:63],
            **({"subdomain": spec["subdomain"]} if "subdomain" in spec else {}),
            "nodeSelector": _node_selector(spec, config),
            "readinessGates": [{"conditionType": GATE}],
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            **({"serviceAccountName": spec["serviceAccountName"]} if "serviceAccountName" in spec else {}),
            "terminationGracePeriodSeconds": _grace(spec),
            "securityContext": _pod_security(config),
            "initContainers": [
                _disk_container(given["name"], spec) for given in spec.get("volumes", []) if _is_image(given)
            ],
            "containers": _containers(spec, config, quota_limits),
            "volumes": [volume for given in spec.get("volumes", []) for volume in _volumes(given)],
        },
    }


def target_pod(vmi: Json, config: Json, migration: str, *, quota_limits: frozenset[str]) -> Json:
    """Return the pod that an instance moves to: on another node, with the SELinux level of the one that it leaves."""
    made = pod(vmi, config, quota_limits=quota_limits)
    meta, spec = made["metadata"], made["spec"]
    meta["name"] = f"{meta['name'][:-5]}{hashlib.sha256(migration.encode()).hexdigest()[:5]}"
    meta["labels"][TARGET] = migration
    away = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [vmi["status"]["nodeName"]]}
    node = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    required = node.setdefault("requiredDuringSchedulingIgnoredDuringExecution", {"nodeSelectorTerms": [{}]})
    required["nodeSelectorTerms"] = [
        {**term, "matchExpressions": [*term.get("matchExpressions", []), away]}
        for term in required["nodeSelectorTerms"]
    ]
    context = vmi["status"].get("selinuxContext", "none")
    if context != "none":
        spec["securityContext"]["seLinuxOptions"] = {"level": context.split(":", 3)[3]}
    return made


def owner_reference(kind: str, api: str, meta: Json) -> Json:
    """Return a controller's owner reference to an object."""
    base = {"apiVersion": api, "kind": kind, "name": meta["name"], "uid": meta["uid"]}
    return {**base, "controller": True, "blockOwnerDeletion": True}


def _memory_request(spec: Json) -> int:
    domain = spec["domain"]
    if domain.get("memory", {}).get("hugepages"):
        return overhead(spec)
    given = domain.get("resources", {})
    asked = given.get("requests", {}).get("memory") or given.get("limits", {}).get("memory")
    return (whole(amount(asked)) if asked else guest_memory(domain)) + overhead(spec)


def _cpu_request(domain: Json, config: Json) -> Decimal:
    given = domain.get("resources", {})
    cpu = domain.get("cpu", {})
    if cpu.get("dedicatedCpuPlacement"):
        return Decimal(vcpus(domain) + bool(cpu.get("isolateEmulatorThread")))
    if asked := given.get("requests", {}).get("cpu") or given.get("limits", {}).get("cpu"):
        return amount(asked)
    ratio = config.get("developerConfiguration", {}).get("cpuAllocationRatio", DEFAULT_CPU_RATIO)
    return Decimal(vcpus(domain) * 1000 // ratio) / 1000


def _extra(name_: str, spec: Json) -> int:
    return overhead(spec) if name_ == "memory" else 0


def _text(number: Decimal) -> str:
    return str(int(number)) if number == int(number) else f"{int(number * 1000)}m"


def _guaranteed(given: Json) -> bool:
    requests, limits = given.get("requests", {}), given.get("limits", {})
    return all(name in requests and requests[name] == limits.get(name) for name in ("cpu", "memory"))


def _labels(meta: Json) -> Json:
    own = {
        "kubevirt.io": "virt-launcher",
        "kubevirt.io/created-by": meta["uid"],
        "vm.kubevirt.io/name": meta["name"][:63],
        "vmi.kubevirt.io/id": meta["name"][:63],
    }
    return {**meta.get("labels", {}), **own}


def _annotations(vmi: Json) -> Json:
    meta = vmi["metadata"]
    given = dict(meta.get("annotations", {}))
    # The pod's own failures are KWOK's: a guest that crashes early is a launcher that ends with an error.
    if given.get(kubevirt_sim.FAIL) == "CrashLoop":
        given[kubevirt_sim.FAIL] = "Error"
    own = {
        "kubevirt.io/domain": meta["name"],
        "kubectl.kubernetes.io/default-container": "compute",
        "kubevirt.io/memory-overhead-bytes": str(overhead(vmi["spec"])),
    }
    return {**given, **own}


def _node_selector(spec: Json, config: Json) -> Json:
    domain = spec["domain"]
    security = domain.get("launchSecurity", {})
    wanted = {"kubevirt.io/schedulable": "true", "kubernetes.io/arch": spec.get("architecture", "amd64")}
    wanted[f"machine-type.node.kubevirt.io/{domain.get('machine', {}).get('type', 'q35')}"] = "true"
    model = domain.get("cpu", {}).get("model") or config.get("cpuModel") or "host-model"
    if model not in ("host-model", "host-passthrough"):
        wanted[f"cpu-model.node.kubevirt.io/{model}"] = "true"
    if domain.get("cpu", {}).get("dedicatedCpuPlacement"):
        wanted["kubevirt.io/cpumanager"] = "true"
    for kind, label in {"sev": "sev", "snp": "sev-snp", "tdx": "tdx"}.items():
        if kind in security:
            wanted[f"kubevirt.io/{label}"] = "true"
    for feature in domain.get("cpu", {}).get("features", []):
        if feature.get("policy", "require") == "require":
            wanted[f"cpu-feature.node.kubevirt.io/{feature['name']}"] = "true"
    nodes = config.get("developerConfiguration", {}).get("nodeSelectors", {})
    return {**nodes, **wanted, **spec.get("nodeSelector", {})}


def _grace(spec: Json) -> int:
    return int(spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)) + EXTRA_GRACE_SECONDS


def _pod_security(config: Json) -> Json:
    """Return the pod's security context; only KubeVirt's seccomp setting lets it pass the restricted level."""
    profile = config.get("seccompConfiguration", {}).get("virtualMachineInstanceProfile", {}).get("customProfile", {})
    context: Json = {"runAsUser": LAUNCHER_USER, "runAsNonRoot": True, "fsGroup": LAUNCHER_USER}
    if profile.get("runtimeDefaultProfile"):
        context["seccompProfile"] = {"type": "RuntimeDefault"}
    elif profile.get("localhostProfile"):
        context["seccompProfile"] = {"type": "Localhost", "localhostProfile": profile["localhostProfile"]}
    return context


def _containers(spec: Json, config: Json, quota_limits: frozenset[str]) -> list[Json]:
    devices = spec["domain"].get("devices", {})
    sized = resources(spec, config, quota_limits=quota_limits)
    sized["limits"] |= _devices(spec, config)
    compute = _container("compute", sized, add=["NET_BIND_SERVICE"])
    if devices.get("logSerialConsole") is False:
        return [compute]
    log = {"requests": {"cpu": "5m", "memory": "35M"}, "limits": {"cpu": "15m", "memory": "60M"}}
    return [compute, _container("guest-console-log", log)]


def _container(name_: str, sized: Json, add: list[str] | None = None) -> Json:
    capabilities: Json = {"drop": ["ALL"], **({"add": add} if add else {})}
    return {
        "name": name_,
        "image": f"registry.invalid/kubevirt/virt-launcher:{kubevirt_sim.VERSION}",
        "command": ["/usr/bin/virt-launcher-monitor"],
        "resources": sized,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": capabilities},
    }


def _is_image(given: Json) -> bool:
    return "containerDisk" in given


def _disk_container(volume: str, spec: Json) -> Json:
    """Return the init container that brings a disk's image to the node; a guaranteed pod has guaranteed ones."""
    limits = {"cpu": "10m", "memory": "40M"}
    small = limits if spec["domain"].get("cpu", {}).get("dedicatedCpuPlacement") else {"cpu": "1m", "memory": "1M"}
    return _container(f"volume{volume}", {"requests": {**small, "ephemeral-storage": "50M"}, "limits": limits})


def _devices(spec: Json, config: Json) -> Json:
    """Return the device plugins' resources: what makes a node without KVM unfit."""
    devices = spec["domain"].get("devices", {})
    wanted = {"devices.kubevirt.io/tun": "1"}
    if any(item.get("model", "virtio") == "virtio" for item in devices.get("interfaces", [])):
        wanted["devices.kubevirt.io/vhost-net"] = "1"
    if not config.get("developerConfiguration", {}).get("useEmulation"):
        wanted["devices.kubevirt.io/kvm"] = "1"
    for passed in (*devices.get("gpus", []), *devices.get("hostDevices", [])):
        if "deviceName" in passed:
            wanted[passed["deviceName"]] = str(int(wanted.get(passed["deviceName"], "0")) + 1)
    return wanted


def _volumes(given: Json) -> list[Json]:
    """Return the pod's volumes for one volume of the instance."""
    named = {"name": given["name"]}
    claim = given.get("persistentVolumeClaim", {}).get("claimName") or given.get("dataVolume", {}).get("name")
    if claim:
        return [{**named, "persistentVolumeClaim": {"claimName": claim}}]
    if "containerDisk" in given:
        return [{**named, "image": {"reference": given["containerDisk"]["image"]}}]
    cloud_init = given.get("cloudInitNoCloud") or given.get("cloudInitConfigDrive") or {}
    secret = cloud_init.get("secretRef", {}).get("name") or given.get("sysprep", {}).get("secret", {}).get("name")
    if secret := secret or given.get("secret", {}).get("secretName"):
        return [{**named, "secret": {"secretName": secret}}]
    if config := given.get("configMap") or given.get("sysprep", {}).get("configMap"):
        return [{**named, "configMap": {"name": config["name"]}}]
    return [{**named, "emptyDir": {}}]
