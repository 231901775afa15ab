"""Random worlds: small ranges, so that values meet. A whole one is drawn in a tenth of a millisecond.

Every draw takes a `random.Random` and nothing else, so that a seed gives the same worlds in every process.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from random import Random
from typing import Any

from berth.api.levels import Backend, IsolationLevel, NodeSharing, Trust, WorkloadType
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason
from berth.decide.change import Inputs
from berth.decide.model import (
    Ask,
    ClaimAsk,
    ClassFacts,
    Cost,
    Guest,
    KeptDisk,
    MachineAsk,
    NodeShape,
    OriginAsk,
    PodSecurity,
    Refusal,
    ResizedDisk,
    Unavailable,
)
from berth.policy.compiled import Labels, compile_policies
from berth.policy.effective import Defaults, Subject
from berth.policy.tenancy import compile_tenants
from berth.policy.waiving import Waived
from berth.world.records import Beside, InstancetypeRecord, NodeRecord, PolicyRecord, PreferenceRecord, TenantRecord
from decide.builders import GI, LINUX_VM, SHAPE, a_node, a_waiver
from decide.drawing import NAMES, often, pick, some
from decide.drawn_policies import policies, tenants

GPU, NIC = "nvidia.com/A100", "vendor.example/nic"
BOTH = (False, True)
MOSTLY_NOT = (False, True, False, False)
MOSTLY = (True, False, True, True)
DEVICES = ((), ((GPU, 1),), ((GPU, 2), ("hugepages-2Mi", 2 * GI), (NIC, 1)))
ARCHITECTURES = ("amd64", "arm64")


@dataclass(frozen=True)
class World:
    """Everything that a decision depends on, as it was read and before any of it is prepared."""

    policies: tuple[PolicyRecord, ...]
    tenants: tuple[TenantRecord, ...]
    namespace_labels: Labels | None
    labels: Labels
    ask: Ask
    spec: bytes
    images: tuple[str, ...]
    unsized: tuple[tuple[str, str], ...]
    waivers: tuple[Waived, ...]
    defaults: Defaults
    catalog: tuple[ClassFacts, ...]
    current: str | None

    @cached_property
    def inputs(self) -> Inputs:
        """The inputs of its decision, prepared by the real functions."""
        subject = Subject(
            namespace="shop",
            name="checkout",
            labels=self.labels,
            ask=self.ask,
            spec=self.spec,
            tenants=compile_tenants(self.tenants),
            images=self.images,
            unsized=self.unsized,
            waivers=self.waivers,
        )
        policies = compile_policies(self.policies)
        return Inputs(subject, self.namespace_labels, policies, self.defaults, self.catalog, self.current)


LABELS: tuple[Labels, ...] = tuple(
    tuple((key, value) for key, value in (("a", one), ("b", other)) if value)
    for one, other in product(("1", "2", ""), ("1", "2", ""))
)


# --- What a workload asks for ---

OFFERED: tuple[tuple[tuple[str, ...], ...], ...] = ((), ((), ("q35",)), (("Haswell",), ("pc-q35-8", "q35")))
"""Models of processors and machine types of a node."""
SHAPES = tuple(
    NodeShape(cpu, memory, has, architecture, pins, nests, *offers)
    for cpu, memory, has, architecture, pins, nests, offers in product(
        (1000, 4000, 16000), (2 * GI, 8 * GI, 64 * GI), DEVICES, ARCHITECTURES, BOTH, BOTH, OFFERED
    )
)
ROOMY = (
    NodeShape(
        cpu=16000,
        memory=64 * GI,
        devices=((GPU, 2), ("hugepages-2Mi", 8 * GI), (NIC, 1)),
        architecture="amd64",
        cpu_manager=True,
        nested=True,
        cpu_models=("Haswell", "Skylake"),
        machine_types=("pc-q35-8", "q35", "virt"),
    ),
    SHAPE,
)
ORIGINS = (
    OriginAsk("DataSource", "gold", found=False),
    OriginAsk("DataSource", "gold", leads=False),
    OriginAsk("DataSource", "gold"),
    OriginAsk("DataSource", "gold", namespaces=("images",)),
    OriginAsk("DataSource", "gold", namespaces=("others",)),
    OriginAsk("PersistentVolumeClaim", "d1", found=False),
    OriginAsk("http", "https://images.example/a/disk.qcow2"),
    OriginAsk("http", "https://images.example.evil/a/disk.qcow2"),
    OriginAsk("StorageClass", "fast", found=False),
    OriginAsk("StorageClass", "", found=False),
)
KEPT = (
    KeptDisk("DataVolume", "w-data", "blank", "pvc old"),
    KeptDisk("PersistentVolumeClaim", "w-data", "blank"),
)
RESIZED = tuple(
    ResizedDisk("w-data", has, wanted, kind, expands)
    for has, wanted, kind, expands in product((GI, 4 * GI), (2 * GI, 8 * GI), ("fast", ""), BOTH)
)
CLAIMS = tuple(
    ClaimAsk("d0", found, (mode,), block, by_container, by_machine, storage_class=kind)
    for found, mode, block, by_container, by_machine, kind in product(
        MOSTLY, ("ReadWriteOnce", "ReadWriteMany"), MOSTLY_NOT, MOSTLY, BOTH, ("", "fast")
    )
)
INSTANCETYPES = (
    InstancetypeRecord("u1", 2, 2 * GI),
    InstancetypeRecord("cx1", 16, 4 * GI, dedicated=True, isolated=True, page_size="2Mi"),
    InstancetypeRecord("o1", 1, GI, overcommit=50, io_threads=2, max_sockets=1),
    InstancetypeRecord("gn1", 1, GI, devices=((GPU, 1),), sets=frozenset({"gpus", "nodeSelector"})),
    InstancetypeRecord("own", 1, GI, model="Skylake", namespaced=True, sets=frozenset({"cpu.numa", "schedulerName"})),
    InstancetypeRecord("odd", 3, GI, page_size="1Gi", sets=frozenset({"launchSecurity", "cpu.dedicatedCPUPlacement"})),
)
PREFERENCES = (
    PreferenceRecord("fedora", 1, 2 * GI, architecture="amd64", preferred_architecture="amd64", smm=True),
    PreferenceRecord("windows", 2, GI, video="virtio", tpm=True, disk_bus="sata"),
    PreferenceRecord("dpdk", 4, topology="spread", across="SocketsCoresThreads", secure_boot=True),
    PreferenceRecord(
        "old", 1, topology="cores", bios=True, machine_type="pc-q35-8", video="vga", graphics=False, cdrom_bus="virtio"
    ),
    PreferenceRecord("own", namespaced=True, sets=frozenset({"annotations"})),
    PreferenceRecord("secret", preferred_architecture="arm64", sets=frozenset({"preferredLaunchSecurity"})),
)


def a_guest(random: Random, memory: int, sockets: int) -> Guest:
    """Draw a guest of this size, or of the size of an instancetype."""
    kind = often(random, None, lambda random: pick(random, INSTANCETYPES))
    preference = often(random, None, lambda random: pick(random, PREFERENCES), 0.35)
    return Guest(
        kind.memory if kind else memory,
        kind.cpus if kind else sockets,
        dedicated=bool(kind and kind.dedicated),
        page_size=kind.page_size if kind else pick(random, ("", "", "", "2Mi")),
        model=kind.model if kind else pick(random, ("", "", "Haswell", "host-model")),
        machine_type=(preference.machine_type if preference else "") or pick(random, ("", "", "q35", "pc-i440fx")),
        architecture=preference.preferred_architecture or None if preference else None,
        graphics=pick(random, (None, True, False)),
        tpm=bool(preference and preference.tpm) or pick(random, MOSTLY_NOT),
        console_log=pick(random, MOSTLY_NOT),
        virtual_functions=pick(random, MOSTLY_NOT),
        exec_probes=pick(random, (0, 0, 0, 2)),
        container_disks=pick(random, (0, 1, 3)),
        disk_buses=pick(random, (("",), ("virtio",), ("", "scsi"), ("sata",))),
        cdroms=pick(random, BOTH),
        own_firmware=pick(random, MOSTLY_NOT),
        bios=pick(random, (False, False, False, False, False, True)),
        secure_boot=pick(random, (False, False, False, False, True)),
        persistent_efi=pick(random, MOSTLY_NOT),
        instancetype=kind,
        preference=preference,
    )


MACHINES = tuple(
    MachineAsk(
        os,
        Guest(memory, vcpus, dedicated=pins),
        missing=() if found else ("VirtualMachineClusterInstancetype u1",),
        boots_from=boots,
        cloned_disks=int(boots == "dataSource"),
        storage_classes=("slow",) if boots == "dataSource" else (),
    )
    for os, vcpus, memory, found, boots, pins in product(
        OperatingSystem,
        (1, 16, 2),
        (1, 64 * GI, 2 * GI, GI),
        MOSTLY,
        ("containerDisk", "dataSource", "containerDisk"),
        MOSTLY_NOT,
    )
)
NEEDS: tuple[dict[str, Any], ...] = (
    {"root": True},
    {"privileged": True},
    {"kernel_modules": ("wireguard",)},
    {"nested_virtualization": True},
    {"gpu": (GPU, 1)},
    {"gpu": (GPU, 1), "host_devices": ((NIC, 1),)},
    {"architecture": "arm64"},
    {"dedicated": True},
    {"dedicated": True},
    {"dedicated": True},
    {"dedicated": True},
    {"service_account": "other"},
    {"service_account": "builder"},
    {"priority_class": "high"},
    {"class_name": "c9"},
    {"type": WorkloadType.TASK, "task_limits": ("task.backoffLimit",)},
)
REFUSALS = tuple(
    tuple(Refusal(name, reason, "admission webhook denied the request", heals) for name in names)
    for names, (reason, heals) in product(
        (("c0",), ("c1", "c2"), ("c0", "c3"), ("gone",)),
        ((Reason.CHILD_REJECTED, False), (Reason.NOT_ADMITTED, True), (Reason.WAITING_FOR_QUOTA, True)),
    )
)
SIZES: tuple[dict[str, Any], ...] = tuple(
    {"type": kind, "replicas": replicas, "max_replicas": most, "cpu": cpu, "memory": memory}
    for kind, replicas, most, cpu, memory in product(
        (*[WorkloadType.SERVICE] * 2, WorkloadType.TASK),
        (1, 0, 3, 1, 1, 1),
        (0, 0, 3, 0, 0, 0),
        (1, 500, 1000, 4000, 500, 16000),
        (1, GI, 4 * GI, GI, 64 * GI, GI, GI),
    )
)
WISHES: tuple[dict[str, Any], ...] = tuple(
    {"level": level, "trust": trust} | ({"class_name": name} if name else {})
    for level, trust, name in product(
        (None, *IsolationLevel, *[None] * 9), (None, *Trust, *[None] * 3), (None, "c0", *[None] * 9)
    )
)


POD_SECURITY = tuple(
    PodSecurity("shop", level, minor)
    for level, minor in product(("baseline", "restricted", "restricted"), (None, 18, 24))
)


def an_ask(random: Random) -> Ask:
    """Draw what a workload asks for."""
    machine = often(random, LINUX_VM, lambda random: None if random.random() < 0.3 else pick(random, MACHINES))
    if machine is not None and random.random() < 0.3:
        machine = replace(machine, guest=a_guest(random, machine.guest.memory, machine.guest.sockets))
    needs = often(random, {}, lambda random: pick(random, NEEDS))
    if machine is not None and "architecture" in needs:
        machine = replace(machine, guest=replace(machine.guest, architecture=needs["architecture"]))
    return Ask(
        has_container=machine is None or random.random() < 0.7,
        machine=machine,
        claims=often(random, (), lambda random: (pick(random, CLAIMS),)),
        origins=often(random, (), lambda random: (pick(random, ORIGINS),), 0.1) if machine else (),
        kept=often(random, (), lambda random: (pick(random, KEPT),), 0.05) if machine else (),
        resized=often(random, (), lambda random: (pick(random, RESIZED),), 0.05) if machine else (),
        attachments=often(random, (), lambda random: pick(random, (("lan",), ("lan", "x/y"))), 0.1) if machine else (),
        network_devices=often(random, (), lambda random: ((NIC, pick(random, (1, 2))),), 0.1) if machine else (),
        pod_security=often(random, None, lambda random: pick(random, POD_SECURITY), 0.1),
        memory_limit=often(random, 0, lambda random: pick(random, (1, GI, 4 * GI)), 0.1),
        **(pick(random, SIZES) | pick(random, WISHES) | needs),
        refusals=often(random, (), lambda random: pick(random, REFUSALS), 0.08) if machine else (),
    )


# --- What the cluster offers ---

KINDS: tuple[dict[str, Any], ...] = tuple(
    {"level": level, "backend": backend, "sharing": sharing}
    for level, backend, sharing in product(
        IsolationLevel, Backend, (*NodeSharing, *[NodeSharing.SHARED] * 2, NodeSharing.EXCLUSIVE)
    )
)
EXTRAS: tuple[dict[str, Any], ...] = tuple(
    {
        "enabled": not disabled,
        "preference": preference,
        "user_namespaces": preference > 0,
        "launch_security": launch,
        "permitted_devices": permitted,
        "overhead": cost,
        **kubevirt,
    }
    for disabled, preference, launch, permitted, cost, kubevirt in product(
        (False, True, *[False] * 6),
        (0, 1),
        (None, "snp"),
        (frozenset(), frozenset({GPU, NIC})),
        (Cost(), Cost(250, GI), Cost(0, GI)),
        (
            *[{}] * 5,
            {"architecture": "amd64"},
            {"architecture": "arm64", "memory_overcommit": 150, "overhead_ratio": 1.5},
            {"architecture": "amd64", "node_selector": (("pool", "vm"),)},
            *[{"kubevirt_version": (1, 8), "gates_off": frozenset({"HostDevices", "ImageVolume", "VideoConfig"})}] * 2,
            {"restricted_seccomp": True, "kubevirt_version": (1, 8)},
            {"cpu_model": "Skylake", "cpu_request": 50, "even_parity": True, "console_log": Beside(7, 70, 20, 90)},
            {"machine_types": (("amd64", ("q35", "pc-q35*")), ("arm64", ("virt*",))), "expands": True},
        ),
    )
)
MISSING = tuple(
    Unavailable(reason, f"{reason}: install it")
    for reason in (
        Reason.MISCONFIGURED,
        Reason.RUNTIME_CLASS_MISSING,
        Reason.NO_CAPABLE_NODE,
        Reason.KUBEVIRT_NOT_READY,
    )
)


def a_class(random: Random, name: str = "c0") -> ClassFacts:
    """Draw any class by this name."""
    return ClassFacts(
        name=name,
        unavailable=often(random, None, lambda random: pick(random, MISSING), 0.15),
        overhead_within=random.random() < 0.5,
        shapes=often(random, ROOMY, lambda random: pick(random, (tuple(some(random, SHAPES, 3)), (SHAPE,)))),
        **pick(random, KINDS),
        **pick(random, EXTRAS),
    )


def a_catalog(random: Random) -> tuple[ClassFacts, ...]:
    """Draw some classes."""
    return tuple(a_class(random, name) for name in NAMES[: pick(random, (4, 3, 2, 4, 3, 0))])


def a_node_record(random: Random) -> NodeRecord:
    """Draw a node, for what shapes make of it."""
    marks = [("kubernetes.io/arch", pick(random, ARCHITECTURES))]
    marks += [("kubevirt.io/cpumanager", "true")] if random.random() < 0.5 else []
    marks += [("cpu-feature.node.kubevirt.io/svm", "true")] if random.random() < 0.5 else []
    return a_node(
        f"n{random.randrange(20)}",
        cpu=pick(random, (500, 1000, 4000, 16000)),
        memory=pick(random, (GI, 4 * GI, 64 * GI)),
        devices=pick(random, DEVICES),
        labels=tuple(marks),
        cpu_models=pick(random, ((), ("Haswell",), ("Haswell", "Skylake"))),
        machine_types=pick(random, ((), ("q35",))),
    )


# --- Whole worlds ---

DIGEST = f"@sha256:{'0' * 64}"
IMAGES = (
    *[(f"registry.example/a/x{DIGEST}",)] * 4,
    (),
    ("registry.example/a/x:1",),
    ("nginx", f"registry.example/a/x{DIGEST}"),
    (f"registry.example/b/y{DIGEST}",),
)
SPECS = (b"{}", b'{"gone":true}', b"broken")
UNSIZED: tuple[tuple[str, str], ...] = (("cpu", "the container"),)
WAIVERS = (
    (a_waiver("w", "p0"),),
    (a_waiver("w", "p1", "p2"), a_waiver("x", "p1", expires=2e9)),
    (a_waiver("w", "p0", "p1", "extra"),),
)
DEFAULTS = (
    *[Defaults(IsolationLevel.CONTAINER, allowed_service_accounts=frozenset({"builder"}))] * 6,
    Defaults(IsolationLevel.SANDBOXED),
    Defaults(IsolationLevel.CONTAINER, node_sharing=NodeSharing.TENANT),
)
CURRENT = (None, None, "c0", "c1", "gone")


def a_world(random: Random) -> World:
    """Draw a whole world."""
    return World(
        policies=policies(random),
        tenants=tenants(random),
        namespace_labels=None if random.random() < 0.1 else pick(random, LABELS),
        labels=pick(random, LABELS),
        ask=an_ask(random),
        spec=pick(random, SPECS),
        images=pick(random, IMAGES),
        unsized=often(random, (), lambda _: UNSIZED),
        waivers=often(random, (), lambda random: pick(random, WAIVERS)),
        defaults=pick(random, DEFAULTS),
        catalog=a_catalog(random),
        current=pick(random, CURRENT),
    )


def a_friendly_world(random: Random) -> World:
    """Draw a world where most workloads are placed: what is asked for is small, at hand, and forbidden by nobody."""
    world = a_world(random)
    ask = Ask(
        WorkloadType.SERVICE,
        replicas=1,
        has_container=True,
        machine=LINUX_VM,
        cpu=500,
        memory=GI,
        dedicated=True,
        level=world.ask.level,
        trust=world.ask.trust,
    )
    catalog = tuple(replace(a_class(random, name), unavailable=None, enabled=True, shapes=ROOMY) for name in NAMES)
    return replace(world, ask=ask, images=IMAGES[0], unsized=(), catalog=catalog)
