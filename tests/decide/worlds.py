"""Random worlds for the properties: small ranges, so that values meet."""

from typing import Any

from hypothesis import strategies as st

from berth.api.levels import Backend, IsolationLevel, NodeSharing, Trust, WorkloadType
from berth.api.machine import OperatingSystem
from berth.api.reasons import Reason
from berth.decide.change import Inputs
from berth.decide.model import Ask, ClaimAsk, ClassFacts, Cost, MachineAsk, NodeShape, Unavailable
from berth.policy.compiled import CompiledPolicies, compile_policies
from berth.policy.effective import Defaults, Subject
from berth.world.records import NodeRecord, PolicyRecord
from decide.builders import GI, a_node, a_policy, an_invalid_policy

GPU, NIC = "nvidia.com/A100", "vendor.example/nic"
NAMES = ("c0", "c1", "c2", "c3", "c4", "c5")
MISSING = (Reason.MISCONFIGURED, Reason.RUNTIME_CLASS_MISSING, Reason.NO_CAPABLE_NODE, Reason.KUBEVIRT_NOT_READY)

flags = st.booleans()
rarely = st.sampled_from((False, False, False, True))
levels = st.sampled_from(IsolationLevel)
sharings = st.sampled_from(NodeSharing)
sizes = st.sampled_from((1, GI, 4 * GI, 16 * GI, 64 * GI))
processors = st.sampled_from((1, 500, 1000, 4000, 16000))
counts = st.integers(1, 2)
devices = st.one_of(st.just(()), st.just(((GPU, 1),)), st.just(((GPU, 2), (NIC, 1))))
architectures = st.sampled_from(("amd64", "arm64"))
labels = st.dictionaries(st.sampled_from(("a", "b")), st.sampled_from(("1", "2"))).map(
    lambda d: tuple(sorted(d.items()))
)
shapes = st.builds(NodeShape, processors, sizes, devices, architectures, flags, flags)
costs = st.builds(Cost, st.sampled_from((0, 250)), st.sampled_from((0, GI)))

claims = st.builds(
    ClaimAsk,
    name=st.sampled_from(("d0", "d1")),
    found=st.sampled_from((True, True, False)),
    access_modes=st.sampled_from((("ReadWriteOnce",), ("ReadWriteMany",))),
    block=rarely,
    by_machine=flags,
)
machines = st.builds(
    MachineAsk,
    os=st.sampled_from(OperatingSystem),
    vcpus=st.integers(1, 16),
    memory=sizes,
    instancetype_found=st.sampled_from((True, True, True, False)),
    tpm=flags,
    boots_from=st.sampled_from(("containerDisk", "dataSource")),
    dedicated=rarely,
)
asks = st.builds(
    Ask,
    type=st.sampled_from(WorkloadType),
    replicas=st.integers(0, 3),
    has_container=st.sampled_from((True, True, False)),
    machine=st.none() | machines,
    cpu=processors,
    memory=sizes,
    dedicated=rarely,
    level=st.none() | levels,
    class_name=st.sampled_from((None, None, None, "c0", "c9")),
    trust=st.none() | st.sampled_from(Trust),
    service_account=st.sampled_from((None, None, None, "builder", "other")),
    root=rarely,
    privileged=rarely,
    kernel_modules=st.sampled_from(((), (), ("wireguard",))),
    nested_virtualization=rarely,
    gpu=st.sampled_from((None, None, (GPU, 1))),
    host_devices=st.sampled_from(((), (), ((NIC, 1),))),
    architecture=st.sampled_from((None, None, "amd64", "arm64")),
    claims=st.lists(claims, max_size=2, unique_by=lambda claim: claim.name).map(tuple),
    max_replicas=st.sampled_from((0, 0, 3)),
)
missing = st.sampled_from((None, None, *(Unavailable(reason, f"{reason}") for reason in MISSING)))


def a_class_of(name: str) -> st.SearchStrategy[ClassFacts]:
    """Return any class by this name."""
    return st.builds(
        ClassFacts,
        name=st.just(name),
        level=levels,
        backend=st.sampled_from(Backend),
        enabled=st.sampled_from((True, True, True, False)),
        preference=st.integers(-1, 1),
        user_namespaces=flags,
        launch_security=st.sampled_from((None, "snp", "tdx")),
        sharing=sharings,
        overhead=costs,
        unavailable=missing,
        shapes=st.lists(shapes, min_size=1, max_size=3).map(tuple),
        permitted_devices=st.sampled_from((frozenset(), frozenset({GPU, NIC}))),
    )


catalogs = st.integers(0, len(NAMES)).flatmap(lambda n: st.tuples(*(a_class_of(name) for name in NAMES[:n])))
selectors = labels.map(lambda pairs: {"matchLabels": dict(pairs)})
matches = st.fixed_dictionaries(
    {},
    optional={
        "namespaceSelector": selectors,
        "workloadSelector": selectors,
        "tenants": st.just(["acme"]),
        "trust": st.lists(st.sampled_from([str(each) for each in Trust]), min_size=1, max_size=2, unique=True),
        "types": st.sampled_from((["Service"], ["Task"])),
    },
)
requires = st.fixed_dictionaries(
    {},
    optional={
        "level": levels.map(str),
        "nodeSharing": sharings.map(str),
        "classes": st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True),
    },
).filter(bool)
conditions = st.sampled_from((None, None, None, "true", "workload.spec.gone", "ns.name == 'x'", "nope("))


@st.composite
def records(
    draw: st.DrawFn, name: str, modes: tuple[str, ...] = ("Enforce", "Enforce", "Warn", "Audit")
) -> PolicyRecord:
    """Draw a policy by this name; one in ten was not understood."""
    if draw(st.integers(0, 9)) == 0:
        return an_invalid_policy(name)
    when: dict[str, Any] = {"when": condition} if (condition := draw(conditions)) else {}
    return a_policy(name, draw(requires), mode=draw(st.sampled_from(modes)), match=draw(matches), **when)


def policy_lists(most: int = 5) -> st.SearchStrategy[tuple[PolicyRecord, ...]]:
    """Return lists of policies with names of their own."""
    return st.integers(0, most).flatmap(lambda n: st.tuples(*(records(f"p{number}") for number in range(n))))


defaults = st.builds(
    Defaults,
    level=st.sampled_from(("Container", "Container", "Sandboxed")).map(IsolationLevel),
    allowed_service_accounts=st.just(frozenset({"builder"})),
)
subjects = st.builds(
    Subject,
    namespace=st.just("shop"),
    name=st.just("checkout"),
    labels=labels,
    ask=asks,
    spec=st.sampled_from((b"{}", b'{"gone":true}', b"broken")),
    tenant=st.sampled_from((None, "acme")),
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
    marks = [("kubernetes.io/arch", draw(architectures))]
    marks += [("kubevirt.io/cpumanager", "true")] if draw(flags) else []
    marks += [("cpu-feature.node.kubevirt.io/svm", "true")] if draw(flags) else []
    name = draw(st.text("abc", min_size=1, max_size=3))
    return a_node(name, cpu=draw(processors), memory=draw(sizes), devices=draw(devices), labels=tuple(marks))
