"""Random worlds for the properties: small ranges, so that values meet."""

from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import strategies as st

from berth.api.levels import Backend, IsolationLevel, NodeSharing, PolicyMode, Trust, WorkloadType
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason
from berth.decide.change import Inputs
from berth.decide.model import Ask, ClaimAsk, ClassFacts, Cost, MachineAsk, NodeShape, Unavailable
from berth.policy.compiled import CompiledPolicies, CompiledPolicy, compile_policies
from berth.policy.effective import Defaults, Subject
from berth.policy.tenancy import CompiledTenant
from berth.world.records import NodeRecord, PolicyRecord
from decide.builders import GI, LINUX_VM, SHAPE, a_node, a_policy, a_tenant, a_waiver, an_invalid_policy

GPU, NIC = "nvidia.com/A100", "vendor.example/nic"
NAMES = ("c0", "c1", "c2", "c3", "c4", "c5")
MISSING = (Reason.MISCONFIGURED, Reason.RUNTIME_CLASS_MISSING, Reason.NO_CAPABLE_NODE, Reason.KUBEVIRT_NOT_READY)

BOTH = (False, True)
MOSTLY_NOT = (False, True, False, False)
MOSTLY = (True, False, True, True)
DEVICES = ((), ((GPU, 1),), ((GPU, 2), (NIC, 1)))
ARCHITECTURES = ("amd64", "arm64")

flags = st.booleans()


def often(usual: Any, unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the usual value three times of four: a world where everything is odd fits nothing and proves nothing."""
    return st.integers(0, 3).flatmap(lambda number: unusual if number == 3 else st.just(usual))


levels = st.sampled_from(IsolationLevel)
sharings = st.sampled_from(NodeSharing)
sizes = st.sampled_from((GI, 4 * GI, 64 * GI))
processors = st.sampled_from((500, 1000, 4000, 16000))
labels = st.dictionaries(st.sampled_from(("a", "b")), st.sampled_from(("1", "2"))).map(
    lambda d: tuple(sorted(d.items()))
)
every_shape = [
    NodeShape(cpu, memory, has, architecture, pins, nests)
    for cpu, memory, has, architecture, pins, nests in product(
        (1000, 4000, 16000), (2 * GI, 8 * GI, 64 * GI), DEVICES, ARCHITECTURES, BOTH, BOTH
    )
]
shapes = st.sampled_from(every_shape)
every_claim = [
    ClaimAsk("d0", found, (mode,), block, by_machine=by_machine, storage_class=kind)
    for found, mode, block, by_machine, kind in product(
        MOSTLY, ("ReadWriteOnce", "ReadWriteMany"), MOSTLY_NOT, BOTH, ("", "fast")
    )
]
claims = often((), st.sampled_from(every_claim).map(lambda claim: (claim,)))
every_machine = [
    MachineAsk(os, vcpus, memory, instancetype_found=found, tpm=found, boots_from=boots, dedicated=pins)
    for os, vcpus, memory, found, boots, pins in product(
        OperatingSystem,
        (1, 16, 2),
        (1, 64 * GI, 2 * GI, GI),
        MOSTLY,
        ("containerDisk", "dataSource", "containerDisk"),
        MOSTLY_NOT,
    )
]

needs = often(
    {},
    st.sampled_from(
        [
            {"root": True},
            {"privileged": True},
            {"kernel_modules": ("wireguard",)},
            {"nested_virtualization": True},
            {"gpu": (GPU, 1)},
            {"gpu": (GPU, 1), "host_devices": ((NIC, 1),)},
            {"architecture": "arm64"},
            {"dedicated": True},
            {"service_account": "other"},
            {"class_name": "c9"},
        ]
    ),
)
asked_sizes = st.sampled_from(
    [
        {"type": kind, "replicas": replicas, "max_replicas": most, "cpu": cpu, "memory": memory}
        for kind, replicas, most, cpu, memory in product(
            WorkloadType, (1, 0, 3, 1, 1), (0, 3, 0, 0), (1, 16000, 1000, 500), (1, 64 * GI, 4 * GI, GI, GI)
        )
    ]
)
asked_isolation = st.sampled_from(
    [
        {"level": level, "trust": trust} | ({"class_name": name} if name else {})
        for level, trust, name in product(
            (None, *IsolationLevel, *[None] * 9), (None, *Trust, *[None] * 3), (None, "c0", *[None] * 9)
        )
    ]
)


@st.composite
def an_ask(draw: st.DrawFn) -> Ask:
    """Draw what a workload asks for. Values are drawn in groups: every draw costs time."""
    machine = draw(often(LINUX_VM, st.sampled_from((None, *every_machine))))
    fields = draw(asked_sizes) | draw(asked_isolation) | draw(needs)
    return Ask(
        has_container=machine is None or draw(st.sampled_from((True, False, True))),
        machine=machine,
        claims=draw(claims),
        **fields,
    )


asks = an_ask()
kinds = st.sampled_from(
    [
        {"level": level, "backend": backend, "sharing": sharing}
        for level, backend, sharing in product(IsolationLevel, Backend, (*NodeSharing, *[NodeSharing.SHARED] * 3))
    ]
)
extras = st.sampled_from(
    [
        {
            "enabled": not disabled,
            "preference": preference,
            "user_namespaces": preference > 0,
            "launch_security": launch,
            "permitted_devices": permitted,
            "overhead": cost,
        }
        for disabled, preference, launch, permitted, cost in product(
            (False, True, *[False] * 6),
            (0, 1),
            (None, "snp"),
            (frozenset(), frozenset({GPU, NIC})),
            (Cost(), Cost(250, GI), Cost(0, GI)),
        )
    ]
)
missing = often(None, st.sampled_from([Unavailable(reason, f"{reason}") for reason in MISSING]))


@st.composite
def a_class_of(draw: st.DrawFn, name: str) -> ClassFacts:
    """Draw any class by this name."""
    given: dict[str, Any] = draw(kinds) | draw(extras)
    few = often((SHAPE,), st.lists(shapes, min_size=1, max_size=3).map(tuple))
    return ClassFacts(name=name, unavailable=draw(missing), shapes=draw(few), **given)


catalogs = st.sampled_from((4, 3, 2, 0, 3)).flatmap(lambda n: st.tuples(*(a_class_of(name) for name in NAMES[:n])))
selectors: tuple[Any, ...] = (None, {"matchLabels": {"a": "1"}}, {"matchLabels": {"a": "2", "b": "1"}})
matches = often(
    {},
    st.sampled_from(
        [
            {name: value for name, value in match.items() if value}
            for match in (
                {
                    "namespaceSelector": where,
                    "workloadSelector": what,
                    "tenants": tenants,
                    "trust": trust,
                    "types": types,
                }
                for where, what, tenants, trust, types in product(
                    selectors,
                    (None, *selectors[:2]),
                    (None, None, ["acme"]),
                    (None, None, ["Restricted"], ["Trusted", "Untrusted"]),
                    (None, None, ["Service"]),
                )
            )
        ]
    ),
)
OTHERWISE: tuple[dict[str, Any], ...] = (
    {"images": {"registries": ["registry.example/"]}},
    {"images": {"digest": "Required"}},
    {"dedicated": True},
    {"storageClasses": ["fast", "slow"]},
    {"network": "Isolated"},
)
requires = st.sampled_from(
    [
        {name: str(value) if isinstance(value, str) else value for name, value in require.items() if value}
        for require in (
            {"level": level, "nodeSharing": sharing, "classes": classes, **more}
            for level, sharing, classes, more in product(
                (None, *IsolationLevel, *list(IsolationLevel)[:3], None),
                (*[None] * 8, *NodeSharing),
                (*[None] * 5, list(NAMES[:5]), ["c0", "c1"], ["c1"]),
                (*[{}] * 6, *OTHERWISE),
            )
        )
        if any(require.values())
    ]
)
INVALID = "invalid"
modes = st.sampled_from(
    list(
        product(
            (*["Enforce"] * 4, INVALID, *["Warn"] * 3, *["Audit"] * 3, *["Enforce"] * 4),
            (None, None, None, "true", "workload.spec.gone", "ns.name == 'x'", "nope("),
        )
    )
)


@st.composite
def records(draw: st.DrawFn, name: str) -> PolicyRecord:
    """Draw a policy by this name; some were not understood."""
    mode, when = draw(modes)
    if mode == INVALID:
        return an_invalid_policy(name)
    condition: dict[str, Any] = {"when": when} if when else {}
    return a_policy(name, draw(requires), mode=mode, match=draw(matches), **condition)


def enforced(policy: CompiledPolicy) -> CompiledPolicy:
    """Return a policy as if it were enforced."""
    return replace(policy, mode=PolicyMode.ENFORCE)


def policy_lists(most: int = 3) -> st.SearchStrategy[tuple[PolicyRecord, ...]]:
    """Return lists of policies with names of their own."""
    return st.integers(0, most).flatmap(lambda n: st.tuples(*(records(f"p{number}") for number in range(n))))


defaults = st.builds(
    Defaults,
    level=st.sampled_from((IsolationLevel.CONTAINER, IsolationLevel.CONTAINER, IsolationLevel.SANDBOXED)),
    allowed_service_accounts=st.just(frozenset({"builder"})),
)
WAIVERS = ((a_waiver("w", "p0"),), (a_waiver("w", "p1", "p2"), a_waiver("x", "p1", expires=2e9)))
TENANTS = tuple(
    a_tenant(name, **{key: value for key, value in spec.items() if value})
    for name, (floor, classes, images, sharing, more) in zip(
        ("acme", "evil") * 100,
        product(
            (None, None, "Container", "Sandboxed"),
            (None, {"allowed": ["c0", "c1", "c2"]}, {"allowed": ["c0", "c1"], "default": "c1"}, {"default": "c2"}),
            (None, None, {"registries": ["registry.example/a/"]}, {"digest": "Required"}),
            (None, None, "Tenant"),
            ({}, {"serviceAccounts": {"allowed": ["other"]}}, {"storageClasses": {"allowed": ["fast"]}}),
        ),
        strict=False,
    )
    for spec in [{"floor": floor, "classes": classes, "images": images, "nodeSharing": sharing, **more}]
)
ACME, EVIL = (tuple(tenant for tenant in TENANTS if tenant.name == name) for name in ("acme", "evil"))
tenancies: st.SearchStrategy[tuple[CompiledTenant, ...]] = st.one_of(
    st.just(()), st.just(()), st.tuples(st.sampled_from(ACME)), st.tuples(st.sampled_from(ACME), st.sampled_from(EVIL))
)
subjects = st.builds(
    Subject,
    namespace=st.just("shop"),
    name=st.just("checkout"),
    labels=labels,
    ask=asks,
    spec=st.sampled_from((b"{}", b'{"gone":true}', b"broken")),
    tenants=tenancies,
    images=st.sampled_from(((), ("registry.example/a/x:1",), ("nginx", f"registry.example/a/x@sha256:{'0' * 64}"))),
    waivers=often((), st.sampled_from(WAIVERS)),
)
compiled: st.SearchStrategy[CompiledPolicies] = policy_lists().map(compile_policies)
worlds = st.builds(
    Inputs,
    subject=subjects,
    namespace_labels=st.none() | labels,
    policies=compiled,
    defaults=defaults,
    catalog=catalogs,
    current=st.sampled_from((None, None, "c0", "c1", "gone")),
)


@st.composite
def nodes(draw: st.DrawFn) -> NodeRecord:
    """Draw a node, for what shapes make of it."""
    marks = [("kubernetes.io/arch", draw(st.sampled_from(ARCHITECTURES)))]
    marks += [("kubevirt.io/cpumanager", "true")] if draw(flags) else []
    marks += [("cpu-feature.node.kubevirt.io/svm", "true")] if draw(flags) else []
    name = draw(st.text("abc", min_size=1, max_size=3))
    return a_node(
        name, cpu=draw(processors), memory=draw(sizes), devices=draw(st.sampled_from(DEVICES)), labels=tuple(marks)
    )
