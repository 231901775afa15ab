"""Which single changes are worth trying: for every rule, what would satisfy it. Nearest first, and each only once."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from berth.api.levels import Backend, IsolationLevel, NodeSharing, Trust
from berth.api.machine import OperatingSystem
from berth.api.quantity import format_cpu
from berth.api.reasons import Reason
from berth.decide.change import Change, Inputs, Target
from berth.decide.cost import MI, overhead, requested
from berth.decide.guest import devices_in
from berth.decide.machine_remedies import any_architecture, features, hardware, preference
from berth.decide.model import Candidate, ClassFacts, Cost, Decision, Guest, MachineAsk
from berth.decide.remedy import Case, Remedy, ample, machine_classes, of_class, of_field, with_guest
from berth.decide.rules.capacity import suits
from berth.decide.words import memory
from berth.policy.compiled import CompiledPolicy
from berth.policy.effective import LEVEL_SOURCE
from berth.policy.pod_security import BASELINE
from berth.policy.pod_security import LABEL as POD_SECURITY


def remedies(inputs: Inputs, decision: Decision) -> Iterable[Change]:
    """Yield changes to try: for the classes nearest to fitting first, and what an author can do before the rest."""
    tried = set[str]()
    for change in _all(inputs, decision):
        if change.text not in tried:
            tried.add(change.text)
            yield change


def _all(inputs: Inputs, decision: Decision) -> Iterable[Change]:
    if decision.requirement.denials:
        yield from _denied(inputs)
    refused = [candidate for candidate in decision.candidates if candidate.verdicts]
    for candidate in sorted(refused, key=_distance):
        case = Case(inputs, decision.requirement, candidate.facts)
        for verdict in candidate.verdicts:
            yield from REMEDIES.get(verdict.rule, _none)(case)
    if decision.chosen is not None:
        yield from _raises(decision.chosen.facts.level)


def _distance(candidate: Candidate) -> tuple[object, ...]:
    return len(candidate.verdicts), candidate.facts.level.rank, candidate.facts.name


def _default(text: str, **fields: Any) -> Change:
    return Change(text, Target.DEFAULTS, fields=tuple(fields.items()))


def _none(_case: Case) -> Iterable[Change]:
    return ()


def _denied(inputs: Inputs) -> Iterable[Change]:
    """Yield what may lift a denial: what an author can leave out or add, and what an admin can allow."""
    ask = inputs.subject.ask
    if ask.service_account is not None:
        yield of_field("remove spec.serviceAccountName", "serviceAccountName", None, service_account=None)
        allowed = inputs.defaults.allowed_service_accounts | {ask.service_account}
        yield _default(
            f"allow ServiceAccount {ask.service_account} in Berth's settings", allowed_service_accounts=allowed
        )
    if ask.priority_class is not None:
        yield of_field("remove spec.priorityClassName", "priorityClassName", None, priority_class=None)
    if ask.attachments:
        yield of_field("remove spec.machine.networks", "machine.networks", None, attachments=())
    if not ask.dedicated:
        yield of_field("set spec.resources.dedicated to true", "resources.dedicated", value=True, dedicated=True)
    for policy in inputs.policies.policies:
        if policy.demand.images or policy.demand.storage_classes or policy.demand.dedicated:
            yield _without(policy)


def _without(policy: CompiledPolicy) -> Change:
    text = f"remove IsolationPolicy {policy.name}, or set its mode to Audit"
    return Change(text, Target.POLICY, (policy.name,))


def _raises(level: IsolationLevel) -> Iterable[Change]:
    """Yield higher levels that an author may ask for."""
    for higher in IsolationLevel:
        if higher.rank > level.rank:
            yield of_field(f"set spec.isolation.level to {higher}", "isolation.level", higher.value, level=higher)


def _available(case: Case) -> Iterable[Change]:
    facts, missing = case.facts, case.facts.unavailable
    if missing is None or missing.reason is Reason.MISCONFIGURED:
        return
    alike = [each for each in case.inputs.catalog if each == facts or _misses_the_same(each, facts)]
    text = {
        Reason.RUNTIME_CLASS_MISSING: f"install RuntimeClass {facts.runtime_class_name}",
        Reason.KUBEVIRT_NOT_READY: "get KubeVirt deployed, on nodes with KVM",
        Reason.SOFTWARE_EMULATION: "turn off useEmulation in KubeVirt",
    }.get(missing.reason, f"add a node that can run {facts.name}")
    if missing.reason is Reason.RUNTIME_CHANGED:
        text = f"restore RuntimeClass {facts.runtime_class_name}, or set pod.handler of IsolationClass {facts.name}"
    node: dict[str, Any] = {} if facts.shapes or len(alike) > 1 else {"shapes": (ample(case),)}
    yield of_class(text, *sorted(each.name for each in alike), unavailable=None, **node)


def _misses_the_same(one: ClassFacts, other: ClassFacts) -> bool:
    """Return whether one repair makes both classes available."""
    if one.unavailable is None or other.unavailable is None or one.unavailable.reason is not other.unavailable.reason:
        return False
    if one.unavailable.reason is Reason.RUNTIME_CLASS_MISSING:
        return one.runtime_class_name == other.runtime_class_name
    return one.unavailable.reason in (Reason.KUBEVIRT_NOT_READY, Reason.SOFTWARE_EMULATION)


def _policies(case: Case, holds: Callable[[CompiledPolicy], bool]) -> Iterable[Change]:
    """Yield the removal of each policy that is named as a source of what holds."""
    named = {source.by for source in case.requirement.sources}
    for policy in case.inputs.policies.policies:
        if policy.demand.by in named and holds(policy):
            yield _without(policy)


def _trust(case: Case) -> Iterable[Change]:
    if case.inputs.subject.ask.trust is not Trust.TRUSTED:
        yield of_field("set spec.trust to Trusted", "trust", Trust.TRUSTED.value, trust=Trust.TRUSTED)


def _allowed(case: Case) -> Iterable[Change]:
    yield from _trust(case)
    yield from _policies(case, lambda policy: _outside(case, policy))


def _outside(case: Case, policy: CompiledPolicy) -> bool:
    classes = policy.demand.classes
    return classes is not None and case.facts.name not in classes


def _level(case: Case) -> Iterable[Change]:
    sources = [source.by for source in case.requirement.sources if source.dimension == "level"]
    if LEVEL_SOURCE in sources:
        yield of_field("remove spec.isolation.level", "isolation.level", None, level=None)
    yield from _trust(case)
    yield from _policies(case, lambda policy: policy.demand.level is case.requirement.level)
    if case.inputs.defaults.level.rank > case.facts.level.rank:
        yield _default(f"lower the cluster's default level to {case.facts.level}", level=case.facts.level)


def _node_sharing(case: Case) -> Iterable[Change]:
    yield from _trust(case)
    yield from _policies(case, lambda policy: policy.demand.sharing is case.requirement.node_sharing)
    if case.inputs.defaults.node_sharing is not NodeSharing.SHARED:
        yield _default("lower the cluster's default node sharing to Shared", node_sharing=NodeSharing.SHARED)


def _pinned(_case: Case) -> Iterable[Change]:
    yield of_field("remove spec.isolation.className", "isolation.className", None, class_name=None)


def _enabled(case: Case) -> Iterable[Change]:
    yield of_class(f"enable IsolationClass {case.facts.name}", case.facts.name, enabled=True)


def _source(case: Case) -> Iterable[Change]:
    ask = case.inputs.subject.ask
    if case.facts.backend is Backend.POD:
        guest = ask.machine.guest if ask.machine else None
        size = Cost(guest.vcpus * 1000, guest.memory) if guest else Cost()
        yield of_field("add spec.container", "container", {}, has_container=True, cpu=size.cpu, memory=size.memory)
    else:
        guest = Guest(ask.memory, sockets=max(1, -(-ask.cpu // 1000)))
        machine = MachineAsk(OperatingSystem.LINUX, guest)
        yield of_field("add spec.machine with a bootDisk", "machine", {}, machine=machine)


def _needs(case: Case) -> Iterable[Change]:
    ask = case.inputs.subject.ask
    if ask.privileged:
        yield of_field("drop needs.privileged", "needs.privileged", None, privileged=False)
    if ask.kernel_modules:
        yield of_field("drop needs.kernelModules", "needs.kernelModules", None, kernel_modules=())
    if ask.nested_virtualization:
        yield of_field(
            "drop needs.nestedVirtualization", "needs.nestedVirtualization", None, nested_virtualization=False
        )
    if ask.root:
        yield of_field("drop needs.root", "needs.root", None, root=False)


def _pod_security(case: Case) -> Iterable[Change]:
    """Yield what its author can do without, and what an admin can set up."""
    ask, enforced = case.inputs.subject.ask, case.inputs.subject.ask.pod_security
    if case.facts.backend is Backend.VIRTUAL_MACHINE:
        yield of_class(
            "give launcher pods a seccomp profile in KubeVirt", *machine_classes(case), restricted_seccomp=True
        )
    elif ask.root:
        yield of_field("drop needs.root", "needs.root", None, root=False)
    if enforced is not None:
        yield of_field(f"label namespace {enforced.namespace} {POD_SECURITY}={BASELINE}", "", None, pod_security=None)


def _memory_limit(case: Case) -> Iterable[Change]:
    facts = case.facts
    above = facts.overhead.memory + MI
    yield of_field(f"raise limits.memory to {memory(above)}", "resources.limits.memory", str(above), memory_limit=above)
    text = f"set overhead.podFixed of RuntimeClass {facts.runtime_class_name}"
    yield of_class(text, facts.name, overhead_within=False)


def _devices(case: Case) -> Iterable[Change]:
    ask, facts = case.inputs.subject.ask, case.facts
    if ask.gpu is not None:
        yield of_field("drop needs.gpu", "needs.gpu", None, gpu=None)
    for device in ask.host_devices:
        rest = tuple(each for each in ask.host_devices if each != device)
        value = [{"deviceName": name, "count": count} for name, count in rest] or None
        yield of_field(f"drop {device[0]} from needs.hostDevices", "needs.hostDevices", value, host_devices=rest)
    if ask.network_devices:
        changed: dict[str, Any] = {"attachments": (), "network_devices": ()}
        yield of_field("remove spec.machine.networks", "machine.networks", None, **changed)
    wanted = frozenset(name for name, _ in devices_in(ask, facts))
    if facts.backend is Backend.VIRTUAL_MACHINE and not wanted <= facts.permitted_devices:
        text = f"permit {', '.join(sorted(wanted - facts.permitted_devices))} in KubeVirt"
        yield of_class(text, *machine_classes(case), permitted_devices=facts.permitted_devices | wanted)


def _dedicated(_case: Case) -> Iterable[Change]:
    yield of_field("drop spec.resources.dedicated", "resources.dedicated", None, dedicated=False)


def _capacity(case: Case) -> Iterable[Change]:
    ask, facts = case.inputs.subject.ask, case.facts
    machine = ask.machine if facts.backend is Backend.VIRTUAL_MACHINE else None
    if machine is not None and machine.missing:
        yield of_field(f"create {' and '.join(machine.missing)}", "", None, machine=replace(machine, missing=()))
        return
    yield from _smaller(case, machine)
    yield from any_architecture(case)
    yield from _needs(case)
    yield from _devices(case)
    suited = any(suits(shape, ask, facts) for shape in facts.shapes)
    what = f"larger node for {facts.name}" if suited else f"node for {facts.name} that has all that is asked for"
    text = f"add a {what}"
    yield of_class(text, facts.name, shapes=(ample(case), *facts.shapes))


def _smaller(case: Case, machine: MachineAsk | None) -> Iterable[Change]:
    """Yield the largest memory, and the largest number of processors, that a node has room for."""
    ask, facts = case.inputs.subject.ask, case.facts
    if machine is not None and machine.guest.instancetype is not None:
        return
    wanted, extra = requested(ask, facts), overhead(ask, facts)
    nodes = [shape for shape in facts.shapes if suits(shape, ask, facts)]
    most = max((each.memory for each in nodes if each.cpu >= wanted.cpu + extra.cpu), default=0) - extra.memory
    most -= most % MI
    if MI <= most < wanted.memory:
        changed = with_guest(machine, replace(machine.guest, memory=most)) if machine else {"memory": most}
        text = f"lower {'guest ' if machine else ''}memory to {memory(most)} per replica"
        yield of_field(text, "resources.requests.memory", str(most), **changed)
    cpu = max((each.cpu for each in nodes if each.memory >= wanted.memory + extra.memory), default=0) - extra.cpu
    if 0 < cpu < wanted.cpu:
        vcpus = max(1, (machine.guest.vcpus if machine else 0) * cpu // wanted.cpu)
        smaller = replace(machine.guest, sockets=vcpus, cores=1, threads=1) if machine else None
        changed = with_guest(machine, smaller) if machine and smaller else {"cpu": cpu}
        amount = format_cpu(vcpus * 1000 if machine else cpu)
        text = f"lower {'guest ' if machine else ''}cpu to {amount} per replica"
        yield of_field(text, "resources.requests.cpu", amount, **changed)


def _storage(case: Case) -> Iterable[Change]:
    ask = case.inputs.subject.ask
    yield from _one_replica(case)
    missing = [claim.name for claim in ask.claims if not claim.found]
    if missing:
        claims = tuple(
            replace(claim, found=True, access_modes=claim.access_modes or ("ReadWriteMany",)) for claim in ask.claims
        )
        yield of_field(f"create PersistentVolumeClaim {', '.join(missing)}", "", None, claims=claims)


def _disks(case: Case) -> Iterable[Change]:
    ask = case.inputs.subject.ask
    origins = [f"{each.kind} {each.name or '(default)'}" for each in ask.origins if not (each.found and each.leads)]
    if origins:
        there = tuple(replace(each, found=True, leads=True) for each in ask.origins)
        yield of_field(f"create {', '.join(origins)}", "", None, origins=there)
    if ask.resized:
        yield of_field("restore storage of the disks", "", None, resized=())
    if ask.kept:
        yield of_field(f"delete {', '.join(f'{each.kind} {each.name}' for each in ask.kept)}", "", None, kept=())


def _preflight(case: Case) -> Iterable[Change]:
    name = case.facts.name
    rest = tuple(each for each in case.inputs.subject.ask.refusals if each.class_name != name)
    yield of_field(f"resolve what the API server refuses in {name}", "", None, refusals=rest)


def _one_replica(case: Case) -> Iterable[Change]:
    if case.inputs.subject.ask.most_replicas > 1:
        yield of_field("set spec.replicas to 1, without autoscaling", "replicas", 1, replicas=1, max_replicas=0)


def _task(case: Case) -> Iterable[Change]:
    if case.inputs.subject.ask.task_limits:
        yield of_field("remove spec.task", "task", None, task_limits=())
    yield from _one_replica(case)


REMEDIES: Final[dict[str, Remedy]] = {
    "available": _available,
    "allowed": _allowed,
    "level": _level,
    "node_sharing": _node_sharing,
    "pinned": _pinned,
    "enabled": _enabled,
    "source": _source,
    "operating_system": _source,
    "preference": preference,
    "features": features,
    "instancetype": _none,
    "encryption": any_architecture,
    "architecture": any_architecture,
    "hardware": hardware,
    "needs": _needs,
    "pod_security": _pod_security,
    "memory_limit": _memory_limit,
    "devices": _devices,
    "dedicated": _dedicated,
    "capacity": _capacity,
    "storage": _storage,
    "disks": _disks,
    "task": _task,
    "preflight": _preflight,
}
"""What would satisfy each rule. A rule without an entry has no single change that would."""
