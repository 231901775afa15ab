"""Workload specs for tests: builders from plain data, and Hypothesis strategies that reach every field."""

from typing import Any

import orjson
from hypothesis import strategies as st

from berth.api.levels import Backend, IsolationLevel, NodeSharing
from berth.api.workload import WorkloadSpec
from berth.decide.model import ClassFacts
from berth.render.children import render
from berth.render.model import Subject
from golden.images import own_images

Json = dict[str, Any]

CONTAINER = ClassFacts("container", IsolationLevel.CONTAINER, Backend.POD)
USERNS = ClassFacts("userns", IsolationLevel.CONTAINER, Backend.POD, user_namespaces=True)
GVISOR = ClassFacts("gvisor", IsolationLevel.SANDBOXED, Backend.POD, runtime_class_name="gvisor")
KATA = ClassFacts("kata", IsolationLevel.VIRTUALIZED, Backend.POD, runtime_class_name="kata")
VM = ClassFacts("vm", IsolationLevel.VIRTUALIZED, Backend.VIRTUAL_MACHINE)
SNP = ClassFacts("snp", IsolationLevel.CONFIDENTIAL, Backend.VIRTUAL_MACHINE, launch_security="snp")
TENANTS = ClassFacts(
    "tenants",
    IsolationLevel.CONTAINER,
    Backend.POD,
    sharing=NodeSharing.TENANT,
    node_selector=(("pool", "tenants"),),
    tolerations=(("pool", "tenants", "NoSchedule"), ("spot", None, None)),
)
EXCLUSIVE = ClassFacts("exclusive", IsolationLevel.VIRTUALIZED, Backend.VIRTUAL_MACHINE, sharing=NodeSharing.EXCLUSIVE)

POD_CLASSES = (CONTAINER, USERNS, GVISOR, KATA, TENANTS)
MACHINE_CLASSES = (VM, SNP, EXCLUSIVE)

MACHINE: Json = {"bootDisk": {"containerDisk": {"image": "disk:1"}}}
SIZE: Json = {"requests": {"cpu": "2", "memory": "4Gi"}}


STORED = [
    ("0", "0"),
    ("0Mi", "0"),
    ("1000m", "1"),
    ("1500m", "1500m"),
    ("0.5", "500m"),
    ("2.5", "2500m"),
    ("1024Mi", "1Gi"),
    ("1536Mi", "1536Mi"),
    ("1.5Gi", "1536Mi"),
    ("0.5Ki", "512"),
    ("62.5Ki", "64k"),
    ("7812.5Ki", "8M"),
    ("1024", "1024"),
    ("1000", "1k"),
    ("1500M", "1500M"),
    ("1000M", "1G"),
    ("1e3", "1e3"),
    ("1e4", "10e3"),
    ("12E2", "1200"),
    ("0.5e0", "500e-3"),
    ("0.0001", "1m"),
    ("0.1m", "1m"),
    ("0.0000000001", "1m"),
    ("100Gi", "100Gi"),
    ("1E", "1E"),
    ("20G", "20G"),
    ("9223372036854775807", "9223372036854775807"),
    ("7Ei", "7Ei"),
]
"""Quantity and what the API server stores for it; test_dry_run asks it."""


def subject(spec: Json, name: str = "web", namespace: str = "shop") -> Subject:
    """Return a Workload with a spec, given as in a manifest."""
    parsed = WorkloadSpec.model_validate_json(orjson.dumps(spec))
    uid, tenant = "0b6c1c1e-0000-4000-8000-000000000001", f"ns.{namespace}"
    return Subject(namespace, name, uid, parsed, tenant, clones=own_images(parsed, namespace))


def bodies(spec: Json, facts: ClassFacts) -> dict[str, Json]:
    """Return what a spec renders to, by kind."""
    return {child.kind: child.body for child in render(subject(spec), facts)}


def container(**fields: Any) -> Json:
    """Return a spec with a container; `fields` are those of the spec."""
    return {"container": {"image": "app:1"}} | fields


def machine(**fields: Any) -> Json:
    """Return a spec with a machine; `fields` are those of the machine."""
    return {"machine": MACHINE | fields, "resources": SIZE}


def pod_of(spec: Json, facts: ClassFacts = CONTAINER) -> Json:
    """Return the pod spec that a spec renders to."""
    body = next(body for kind, body in bodies(spec, facts).items() if kind in {"Deployment", "Job"})
    found: Json = body["spec"]["template"]["spec"]
    return found


def instance_of(spec: Json, facts: ClassFacts = VM) -> Json:
    """Return the spec of the VirtualMachineInstance that a spec renders to."""
    found: Json = bodies(spec, facts)["VirtualMachine"]["spec"]["template"]["spec"]
    return found


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Return objects with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


NAMES = st.sampled_from(["a", "data", "config-1", "x" * 40])
FLAGS = st.booleans()
QUANTITIES = st.sampled_from(["1", "500m", "2.5", "1024Mi", "1Gi", "3e3", "1500M", 7])
SIZES = st.fixed_dictionaries({"memory": st.sampled_from(["512Mi", "1024Mi", "2Gi", "3e9", 1073741824])}).flatmap(
    lambda memory: maybe(cpu=QUANTITIES).map(lambda cpu: memory | cpu)
)
RESOURCES = maybe(requests=maybe(cpu=QUANTITIES, memory=QUANTITIES), limits=maybe(cpu=QUANTITIES, memory=QUANTITIES))
TIMING = maybe(initialDelaySeconds=st.integers(0, 9), periodSeconds=st.integers(1, 9))
PORTS = st.lists(st.integers(1, 65535), max_size=3, unique=True)
PROTOCOLS = st.sampled_from(["TCP", "UDP"])


def _probes(*handlers: Json) -> st.SearchStrategy[Json]:
    return st.tuples(TIMING, st.sampled_from(handlers)).map(lambda both: both[0] | both[1])


POD_PROBES = _probes(
    {"httpGet": {"port": 8080, "path": "/"}},
    {"tcpSocket": {"port": 1}},
    {"exec": {"command": ["x"]}},
    {"grpc": {"port": 2}},
)
MACHINE_PROBES = _probes(
    {"httpGet": {"port": 8080}}, {"tcpSocket": {"port": 1}}, {"exec": {"command": ["x"]}}, {"guestAgentPing": {}}
)
VOLUME_SOURCES: st.SearchStrategy[Json] = st.sampled_from(
    [
        {"emptyDir": {"sizeLimit": "2048Mi"}},
        {"configMap": {"name": "c", "optional": False}},
        {"secret": {"secretName": "s"}},
        {"persistentVolumeClaim": {"claimName": "p", "readOnly": True}},
    ]
)
VOLUMES = st.dictionaries(NAMES, VOLUME_SOURCES, max_size=3).map(
    lambda found: [{"name": name, **source} for name, source in found.items()]
)
ENV: st.SearchStrategy[list[Json]] = st.lists(
    st.sampled_from(
        [{"name": "A", "value": ""}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    ),
    max_size=2,
    unique_by=lambda each: each["name"],
)
SECURITY = maybe(
    runAsUser=st.integers(1, 9),
    runAsGroup=st.integers(1, 9),
    readOnlyRootFilesystem=FLAGS,
    capabilities=st.sampled_from([{}, {"add": []}, {"add": ["NET_BIND_SERVICE"]}]),
)
_COMMON = {
    "command": st.just(["run"]),
    "args": st.lists(st.text(max_size=3), max_size=2),
    "env": ENV,
    "envFrom": st.just([{"secretRef": {"name": "s", "optional": False}, "prefix": ""}]),
    "workingDir": st.just("/srv"),
    "securityContext": SECURITY,
}
CONTAINERS = maybe(
    **_COMMON,
    ports=st.lists(
        st.fixed_dictionaries({"containerPort": st.integers(1, 65535), "protocol": PROTOCOLS}),
        max_size=3,
        unique_by=lambda port: (port["containerPort"], port["protocol"]),
    ),
    readinessProbe=POD_PROBES,
    livenessProbe=POD_PROBES,
    lifecycle=st.integers(0, 9).map(lambda seconds: {"preStop": {"sleep": {"seconds": seconds}}}),
).map(lambda fields: {"image": "app:1", **fields})
INITS = maybe(**_COMMON, resources=RESOURCES).map(lambda fields: [{"name": "init", "image": "i:1", **fields}])
SIDECARS = maybe(**_COMMON, readinessProbe=POD_PROBES).map(lambda fields: [{"name": "side", "image": "s:1", **fields}])
BOOT_DISKS = st.sampled_from(
    [
        {"containerDisk": {"image": "disk:1"}},
        {"dataSource": {"name": "gold", "storage": "30Gi"}},
        {"blank": {"storage": "1Gi", "storageClassName": "fast"}},
        {"http": {"url": "https://images.example/a.qcow2", "storage": "1Gi", "secretRef": "s"}},
        {"registry": {"url": "docker://disk:1", "storage": "1024Mi", "certConfigMap": "c"}},
        {"pvc": {"name": "other", "storage": "1Gi"}},
        {"persistentVolumeClaim": {"claimName": "boot"}},
    ]
)
TARGETS: st.SearchStrategy[Json] = st.sampled_from(
    [{}, {"disk": {"bus": "scsi"}}, {"disk": {}}, {"cdrom": {"bus": "scsi"}}, {"cdrom": {}}]
)
CREDENTIALS: st.SearchStrategy[list[Json]] = st.lists(
    st.sampled_from(
        [
            {"sshPublicKey": {"source": {"secret": {"secretName": "k"}}, "propagationMethod": {"noCloud": {}}}},
            {
                "sshPublicKey": {
                    "source": {"secret": {"secretName": "k"}},
                    "propagationMethod": {"qemuGuestAgent": {"users": ["root"]}},
                }
            },
            {"userPassword": {"source": {"secret": {"secretName": "p"}}, "propagationMethod": {"qemuGuestAgent": {}}}},
        ]
    ),
    max_size=2,
)
EFI = maybe(secureBoot=FLAGS, persistent=FLAGS)
MACHINES = maybe(
    os=st.sampled_from(["Linux", "Windows"]),
    disks=st.tuples(BOOT_DISKS, st.one_of(TARGETS, st.just({"readOnly": True}))).map(
        lambda both: [{"name": "further", "bootOrder": 2, **both[0], **both[1]}]
    ),
    instancetype=st.just("u1.small"),
    cpu=st.sampled_from([{"cores": 2}, {"model": "host-passthrough"}]),
    hugepages=st.sampled_from([{"pageSize": "2Mi"}, {"pageSize": "1Gi"}]),
    preference=st.just("fedora"),
    cloudInit=st.just({"secretRef": {"name": "s"}}),
    sysprep=st.just({"configMap": {"name": "c"}}),
    firmware=st.tuples(
        st.one_of(
            st.just({}), st.just({"bootloader": {"bios": {}}}), EFI.map(lambda efi: {"bootloader": {"efi": efi}})
        ),
        maybe(uuid=st.just("5d307ca9-b3ef-428c-8861-06e72d69f223"), serial=st.just("VMware-56 4d 2a")),
    ).map(lambda both: both[0] | both[1]),
    cloudInitConfigDrive=st.just({"secretRef": {"name": "s"}}),
    accessCredentials=CREDENTIALS,
    tpm=maybe(enabled=FLAGS, persistent=FLAGS),
    machineType=st.just("pc-q35-9.2"),
    logSerialConsole=FLAGS,
    clock=st.sampled_from([{"utc": {}}, {"utc": {"offsetSeconds": 0}}, {"timezone": "Europe/Berlin"}]),
    hostname=st.just("erp"),
    evictionStrategy=st.sampled_from(["None", "LiveMigrateIfPossible"]),
    interfaces=maybe(model=st.sampled_from(["virtio", "e1000e"]), macAddress=st.just("52:54:00:ab:cd:ef")).map(
        lambda card: [{"name": "default", **card}]
    ),
    graphics=FLAGS,
    ports=PORTS.map(lambda ports: [{"port": port, "name": f"p{port}"} for port in ports]),
    readinessProbe=MACHINE_PROBES,
    livenessProbe=MACHINE_PROBES,
).flatmap(lambda fields: st.tuples(BOOT_DISKS, TARGETS).map(lambda both: {"bootDisk": both[0] | both[1], **fields}))
SERVICES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
        "ports": st.just([{"port": 80, "targetPort": 8080}]),
    }
)
NEEDS = maybe(
    root=FLAGS,
    nestedVirtualization=FLAGS,
    privileged=FLAGS,
    kernelModules=st.just(["wireguard"]),
    gpu=st.just({"deviceName": "example.com/gpu", "count": 2}),
    hostDevices=st.just([{"deviceName": "example.com/nic"}]),
    architecture=st.sampled_from(["amd64", "arm64"]),
)


def _with_time_to_end(spec: Json) -> Json:
    """Return a spec whose grace period is longer than the pause before it."""
    pause = spec["container"].get("lifecycle", {"preStop": {"sleep": {"seconds": 0}}})["preStop"]["sleep"]["seconds"]
    if pause and spec.get("terminationGracePeriodSeconds", pause + 1) <= pause:
        return spec | {"terminationGracePeriodSeconds": pause + 1}
    return spec


SPECS = maybe(
    initContainers=INITS,
    sidecars=SIDECARS,
    type=st.sampled_from(["Service", "Task"]),
    replicas=st.integers(0, 3),
    autoscaling=st.just({"maxReplicas": 5}),
    volumes=VOLUMES,
    service=SERVICES,
    serviceAccountName=st.just("runner"),
    imagePullSecrets=st.just([{"name": "registry"}]),
    securityContext=maybe(runAsUser=st.integers(1, 9), fsGroup=st.integers(1, 9)),
    terminationGracePeriodSeconds=st.integers(0, 9),
    needs=NEEDS,
    deletionPolicy=st.sampled_from(["Retain", "Delete"]),
    isolation=st.just({"level": "Container"}),
    trust=st.sampled_from(["Trusted", "Untrusted"]),
).flatmap(
    lambda fields: st.fixed_dictionaries(
        {"container": CONTAINERS, "machine": MACHINES, "resources": SIZES.map(lambda size: {"requests": size})}
    ).map(lambda sources: _with_time_to_end(sources | fields))
)
"""Specs with both sources, so that every class has something to render; many are refused by one class or another."""
