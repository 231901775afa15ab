"""What this cluster offers for every IsolationClass, and the true reason where it offers nothing.

Sources: node.status.runtimeHandlers (KEP-3857), RuntimeClass scheduling and overhead (KEP-585, KEP-688), the labels and
devices that KubeVirt's virt-handler puts on nodes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from berth.api.isolation_class import IsolationClassSpec, NodePool
from berth.api.levels import Backend, IsolationLevel
from berth.api.quantity import amount, millicores
from berth.api.reasons import Reason
from berth.decide.model import ClassFacts, Cost, NodeShape, Unavailable
from berth.decide.pod_nodes import pod_nodes
from berth.decide.proof import contradicted, kind_of, leaks, proven
from berth.decide.versions import ENCRYPTION_GATES, OLDEST, gates_off, hypervisor_device, version_of
from berth.world.records import ClassRecord, KubeVirtRecord, NodeRecord, RuntimeClassRecord, Toleration

_KUBEVIRT_DEVICES: Final = "devices.kubevirt.io/"
KVM: Final = f"{_KUBEVIRT_DEVICES}kvm"
VIRT_NODE: Final = ("kubevirt.io/schedulable", "true")
"""Label of nodes whose virt-handler is alive."""

_ENCRYPTED: Final = {"sev": "kubevirt.io/sev", "snp": "kubevirt.io/sev-snp", "tdx": "kubevirt.io/tdx"}
_CPU_MANAGER: Final = (("kubevirt.io/cpumanager", "true"), ("cpumanager", "true"))
_NESTED: Final = (("cpu-feature.node.kubevirt.io/vmx", "true"), ("cpu-feature.node.kubevirt.io/svm", "true"))
ALL_NODES: Final = NodePool()
"""The pool of whoever has no nodes of their own."""
_BARRED: Final = frozenset(("NoSchedule", "NoExecute"))
_ABSENT: Final = KubeVirtRecord(
    phase="",
    available=False,
    message="",
    emulation=False,
    cpu_allocation_ratio=10,
    cpu_manager=False,
    permitted_devices=frozenset(),
    restricted_seccomp=False,
)
"""What classes say of machines in a cluster without KubeVirt."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The facts that classes are held against."""

    runtime_classes: Mapping[str, RuntimeClassRecord]
    nodes: tuple[NodeRecord, ...]
    kubevirt: KubeVirtRecord | None
    kubevirt_present: bool
    """Whether KubeVirt's API is served at all."""


def cluster_of(
    runtime_classes: Iterable[RuntimeClassRecord],
    nodes: Iterable[NodeRecord],
    kubevirt: KubeVirtRecord | None,
    *,
    kubevirt_present: bool,
) -> Cluster:
    """Return the facts of a cluster, from its records in any order."""
    return Cluster({each.name: each for each in runtime_classes}, tuple(nodes), kubevirt, kubevirt_present)


def catalog(classes: Iterable[ClassRecord], cluster: Cluster, pool: NodePool = ALL_NODES) -> tuple[ClassFacts, ...]:
    """Return what the cluster offers for every class on the nodes of a pool, sorted by name."""
    return tuple(sorted((class_facts(record, cluster, pool) for record in classes), key=lambda facts: facts.name))


def capable_nodes(record: ClassRecord, cluster: Cluster) -> int:
    """Return how many schedulable nodes can run a class now."""
    if record.spec is None or record.error is not None:
        return 0
    unavailable, nodes = _offer(record, record.spec, cluster, ALL_NODES)
    return 0 if unavailable else len(nodes)


def unable_nodes(record: ClassRecord, cluster: Cluster) -> tuple[str, ...]:
    """Return the nodes that the scheduler may send pods of a class to, and that cannot run them, sorted."""
    if record.spec is None or record.spec.pod is None or record.error is not None:
        return ()
    _, able = _offer(record, record.spec, cluster, ALL_NODES)
    return tuple(
        sorted({node.name for node in _placed(record.spec, cluster, ALL_NODES)} - {node.name for node in able})
    )


def kinds(record: ClassRecord, cluster: Cluster) -> dict[str, tuple[NodeRecord, ...]]:
    """Return the nodes that run a class of pods, by kind: what is seen on one of them holds for all of its kind.

    The key changes with all that may isolate otherwise: the class, its RuntimeClass, software and features of nodes.
    """
    spec = record.spec
    if spec is None or spec.pod is None or record.error is not None:
        return {}
    missing, nodes = _offer(record, spec, cluster, ALL_NODES)
    if missing is not None and missing.reason is not Reason.ISOLATION_CONTRADICTED:
        return {}
    runtime = _runtime(spec, cluster)
    keys = {software: kind_of(record, runtime, software) for software in {node.software for node in nodes}}
    found: dict[str, list[NodeRecord]] = {key: [] for key in sorted(keys.values())}
    for node in sorted(nodes, key=lambda node: node.name):
        found[keys[node.software]].append(node)
    return {key: tuple(each) for key, each in found.items()}


def class_facts(record: ClassRecord, cluster: Cluster, pool: NodePool = ALL_NODES) -> ClassFacts:
    """Return what the cluster offers for one class on the nodes of a tenant's pool: all that both are content with.

    A class that is not understood counts as the weakest level. One with an unknown field is what the others say, but
    takes nobody: nobody can say what that field asks for.
    """
    spec = record.spec
    problem = record.error or "it has no spec" if spec is None else _contradiction(spec)
    if spec is None or problem is not None:
        return ClassFacts(
            name=record.name, level=IsolationLevel.CONTAINER, backend=Backend.POD, unavailable=_invalid(record, problem)
        )
    unavailable, nodes = _offer(record, spec, cluster, pool)
    if record.error is not None:
        unavailable = _invalid(record, record.error)
    runtime = _runtime(spec, cluster)
    overhead, overhead_source = _overhead(record.name, spec, runtime)
    kubevirt, configured = cluster.kubevirt, cluster.kubevirt or _ABSENT
    return ClassFacts(
        name=record.name,
        level=spec.level,
        backend=Backend.VIRTUAL_MACHINE if spec.virtual_machine else Backend.POD,
        enabled=spec.enabled,
        preference=spec.preference,
        runtime_class_name=spec.pod.runtime_class_name if spec.pod else None,
        handler=runtime.handler if runtime else None,
        runtime_uid=runtime.uid if runtime else None,
        user_namespaces=bool(spec.pod and spec.pod.user_namespaces),
        launch_security=spec.virtual_machine.launch_security if spec.virtual_machine else None,
        sharing=max((each.sharing for each in _pools(spec, pool)), key=lambda sharing: sharing.rank),
        node_selector=tuple(sorted(_selector(spec, pool))),
        tolerations=tuple(sorted(_tolerations(spec, pool), key=str)),
        overhead=overhead,
        overhead_source=overhead_source,
        overhead_within=overhead != Cost() and not (runtime and runtime.has_overhead),
        unavailable=unavailable,
        contradicted=wrong.message if (wrong := contradicted(record)) else "",
        proven=bool(record.probes) and proven(record, kinds(record, cluster)),
        leaks=leaks(record),
        shapes=shapes(nodes),
        cpu_allocation_ratio=configured.cpu_allocation_ratio,
        permitted_devices=configured.permitted_devices,
        architecture=configured.architecture,
        kubevirt_version=version_of(kubevirt) if kubevirt else None,
        gates_off=gates_off(kubevirt) if kubevirt else frozenset(),
        memory_overcommit=configured.memory_overcommit,
        overhead_ratio=configured.overhead_ratio,
        machine_types=configured.machine_types,
        cpu_model=configured.cpu_model,
        cpu_request=configured.cpu_request,
        console_log=configured.console_log,
        container_disk=configured.container_disk,
        even_parity=configured.even_parity,
        restricted_seccomp=configured.restricted_seccomp,
        expands=configured.expands,
    )


def _invalid(record: ClassRecord, problem: str | None) -> Unavailable:
    return Unavailable(Reason.MISCONFIGURED, f"IsolationClass {record.name} is not valid: {problem}: correct it")


def _contradiction(spec: IsolationClassSpec) -> str | None:
    """Return what the API server would refuse; the command line reads files that it has not seen."""
    if (spec.pod is None) == (spec.virtual_machine is None):
        return "it needs exactly one of pod and virtualMachine"
    if spec.pod is not None and spec.level is not IsolationLevel.CONTAINER and spec.pod.runtime_class_name is None:
        return f"{spec.level} pods need pod.runtimeClassName"
    if spec.virtual_machine is None:
        return None
    if spec.level is IsolationLevel.CONFIDENTIAL and spec.virtual_machine.launch_security not in _ENCRYPTED:
        return f"{spec.level} needs virtualMachine.launchSecurity, one of {', '.join(_ENCRYPTED)}"
    return None


def _offer(
    record: ClassRecord, spec: IsolationClassSpec, cluster: Cluster, pool: NodePool
) -> tuple[Unavailable | None, tuple[NodeRecord, ...]]:
    """Return why a class cannot run, and the nodes that could run it once that is mended."""
    name, runtime = record.name, _runtime(spec, cluster)
    placed = _placed(spec, cluster, pool)
    if spec.virtual_machine is not None:
        missing, capable = _machine_nodes(spec, cluster, placed)
    else:
        missing, capable = pod_nodes(record, runtime, placed)
    if missing is None and not placed:
        labels = ", ".join(f"{key}={value}" for key, value in sorted(_labels(spec, runtime, pool))) or "any labels"
        whose = f"class {name}" + ("" if pool == ALL_NODES else " or of the tenant")
        text = f"no schedulable node has {labels} and only tolerated taints: add one, or change nodes of {whose}"
        missing = Unavailable(Reason.NO_CAPABLE_NODE, text)
    if missing is None and not capable:
        missing = Unavailable(Reason.NO_CAPABLE_NODE, _incapable(spec, runtime, _device(cluster)))
    return missing, capable


def _placed(spec: IsolationClassSpec, cluster: Cluster, pool: NodePool) -> tuple[NodeRecord, ...]:
    """Return the nodes that the scheduler may send a class to, by labels and taints."""
    runtime = _runtime(spec, cluster)
    selector = _labels(spec, runtime, pool)
    tolerations = (*_tolerations(spec, pool), *(runtime.tolerations if runtime else ()))
    return tuple(node for node in cluster.nodes if _accepts(node, selector, tolerations))


def _machine_nodes(
    spec: IsolationClassSpec, cluster: Cluster, nodes: tuple[NodeRecord, ...]
) -> tuple[Unavailable | None, tuple[NodeRecord, ...]]:
    wanted = {VIRT_NODE}
    if spec.virtual_machine is not None and spec.virtual_machine.launch_security is not None:
        wanted.add((_ENCRYPTED.get(spec.virtual_machine.launch_security, "kubevirt.io/unknown"), "true"))
    device = _device(cluster)
    able = tuple(node for node in nodes if dict(node.devices).get(device, 0) > 0 and wanted.issubset(node.labels))
    problem = _kubevirt_problem(cluster) or _gate_problem(spec, cluster)
    # Devices and labels are KubeVirt's own: as long as it does not run, no node has them, and any node may get them.
    return problem, able or (nodes if problem else ())


def _device(cluster: Cluster) -> str:
    """Return the device that proves hardware virtualization."""
    return (hypervisor_device(cluster.kubevirt) if cluster.kubevirt else None) or KVM


def _kubevirt_problem(cluster: Cluster) -> Unavailable | None:
    kubevirt = cluster.kubevirt
    if not cluster.kubevirt_present:
        return Unavailable(Reason.KUBEVIRT_NOT_READY, "KubeVirt is not installed: install it to run virtual machines")
    if kubevirt is None:
        return Unavailable(
            Reason.KUBEVIRT_NOT_READY, "KubeVirt is installed but not configured: create its KubeVirt object"
        )
    if kubevirt.phase != "Deployed" or not kubevirt.available:
        state = f"in phase {kubevirt.phase or 'unknown'}" + ("" if kubevirt.available else " and not Available")
        return Unavailable(Reason.KUBEVIRT_NOT_READY, f"KubeVirt is {state}: wait for it, or look at its conditions")
    if kubevirt.emulation:
        # With useEmulation the launcher does not ask for the KVM device, so nothing proves hardware virtualization.
        return Unavailable(
            Reason.SOFTWARE_EMULATION,
            "KubeVirt may emulate processors in software, which isolates nothing: set useEmulation to false",
        )
    return _kubevirt_unfit(kubevirt)


def _kubevirt_unfit(kubevirt: KubeVirtRecord) -> Unavailable | None:
    """Return what of a KubeVirt that runs is not for Berth: its version, or how it isolates."""
    if version_of(kubevirt) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        text = f"KubeVirt {kubevirt.version} is older than {oldest}, the oldest that Berth supports: upgrade it"
        return Unavailable(Reason.KUBEVIRT_NOT_READY, text)
    if hypervisor_device(kubevirt) is None:
        text = (
            f"KubeVirt uses hypervisor {kubevirt.hypervisor}, which is not known to isolate: use kvm or hyperv-direct"
        )
        return Unavailable(Reason.KUBEVIRT_NOT_READY, text)
    return None


def _gate_problem(spec: IsolationClassSpec, cluster: Cluster) -> Unavailable | None:
    security = spec.virtual_machine.launch_security if spec.virtual_machine else None
    gate = ENCRYPTION_GATES.get(security or "")
    if cluster.kubevirt is None or gate is None or gate not in gates_off(cluster.kubevirt):
        return None
    text = f"{security} needs feature gate {gate} of KubeVirt: add it to developerConfiguration.featureGates"
    return Unavailable(Reason.KUBEVIRT_NOT_READY, text)


def _incapable(spec: IsolationClassSpec, runtime: RuntimeClassRecord | None, device: str) -> str:
    if spec.virtual_machine is None:
        handler = runtime.handler if runtime else "default"
        if spec.pod and spec.pod.user_namespaces:
            handler += " with user namespaces"
        return (
            f"no schedulable node advertises runtime handler {handler}: install the runtime on the nodes of the class"
        )
    encrypted = spec.virtual_machine.launch_security
    if encrypted is not None:
        return f"no schedulable node has KVM and {encrypted}: add one with label {_ENCRYPTED.get(encrypted)}=true"
    return f"no schedulable node has KVM: add one that offers {device} and is labelled {'='.join(VIRT_NODE)}"


def _runtime(spec: IsolationClassSpec, cluster: Cluster) -> RuntimeClassRecord | None:
    name = spec.pod.runtime_class_name if spec.pod else None
    return None if name is None else cluster.runtime_classes.get(name)


def _pools(spec: IsolationClassSpec, pool: NodePool) -> tuple[NodePool, NodePool]:
    return spec.nodes or ALL_NODES, pool


def _labels(spec: IsolationClassSpec, runtime: RuntimeClassRecord | None, pool: NodePool) -> set[tuple[str, str]]:
    return _selector(spec, pool) | set(runtime.node_selector if runtime else ())


def _selector(spec: IsolationClassSpec, pool: NodePool) -> set[tuple[str, str]]:
    return {pair for each in _pools(spec, pool) for pair in (each.selector or {}).items()}


def _tolerations(spec: IsolationClassSpec, pool: NodePool) -> set[tuple[str, str | None, str | None]]:
    given = (one for each in _pools(spec, pool) for one in each.tolerations or ())
    return {(one.key, one.value, one.effect) for one in given}


def _accepts(node: NodeRecord, selector: set[tuple[str, str]], tolerations: tuple[Toleration, ...]) -> bool:
    """Return whether the scheduler may put pods of the class on a node, size aside."""
    return (
        node.schedulable
        and selector.issubset(node.labels)
        and all(taint[2] not in _BARRED or _tolerated(taint, tolerations) for taint in node.taints)
    )


def _tolerated(taint: tuple[str, str, str], tolerations: tuple[Toleration, ...]) -> bool:
    """Return whether one toleration covers a taint; what is unset covers all, as in core/v1."""
    return any(
        key in (None, taint[0]) and value in (None, taint[1]) and effect in (None, taint[2])
        for key, value, effect in tolerations
    )


def _overhead(name: str, spec: IsolationClassSpec, runtime: RuntimeClassRecord | None) -> tuple[Cost, str]:
    """Return the overhead of one pod and where it comes from. Only what the RuntimeClass says is enforced."""
    if runtime is not None and runtime.has_overhead:
        return Cost(runtime.overhead_cpu, runtime.overhead_memory), f"RuntimeClass {runtime.name}"
    if spec.overhead is not None:
        return Cost(millicores(spec.overhead.cpu), amount(spec.overhead.memory)), f"IsolationClass {name}"
    return Cost(), "none"


def shapes(nodes: Iterable[NodeRecord]) -> tuple[NodeShape, ...]:
    """Return the kinds of nodes, largest first, without those that another one matches in every respect.

    Whatever fits a node fits the node that covers it, so leaving out the smaller ones changes no decision, and nodes of
    one kind that differ by a few pages of memory do not make the list long.
    """
    kept: list[NodeShape] = []
    for shape in sorted({_shape(node) for node in nodes}, key=_size, reverse=True):
        if not any(_covers(larger, shape) for larger in kept):
            kept.append(shape)
    return tuple(kept)


def _shape(node: NodeRecord) -> NodeShape:
    labels = frozenset(node.labels)
    return NodeShape(
        cpu=node.cpu,
        memory=node.memory,
        devices=tuple(each for each in node.devices if each[1] > 0 and not each[0].startswith(_KUBEVIRT_DEVICES)),
        architecture=dict(node.labels).get("kubernetes.io/arch", ""),
        cpu_manager=not labels.isdisjoint(_CPU_MANAGER),
        nested=not labels.isdisjoint(_NESTED),
        cpu_models=node.cpu_models,
        machine_types=node.machine_types,
    )


def _size(shape: NodeShape) -> tuple[object, ...]:
    return (
        shape.memory,
        shape.cpu,
        shape.cpu_manager,
        shape.nested,
        shape.devices,
        shape.architecture,
        shape.cpu_models,
        shape.machine_types,
    )


def _covers(larger: NodeShape, shape: NodeShape) -> bool:
    devices = dict(larger.devices)
    return (
        larger.architecture == shape.architecture
        and larger.cpu >= shape.cpu
        and larger.memory >= shape.memory
        and larger.cpu_manager >= shape.cpu_manager
        and larger.nested >= shape.nested
        and set(larger.cpu_models) >= set(shape.cpu_models)
        and set(larger.machine_types) >= set(shape.machine_types)
        and all(devices.get(name, 0) >= count for name, count in shape.devices)
    )
