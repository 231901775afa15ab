"""Words to build worlds with: records as the store has them, and inputs of a decision."""

import json
from dataclasses import replace
from typing import Any

from berth.api.isolation_class import IsolationClassSpec
from berth.api.isolation_policy import IsolationPolicySpec
from berth.api.levels import Backend, IsolationLevel, WorkloadType
from berth.api.machine import OperatingSystem
from berth.api.tenant import TenantSpec
from berth.api.workload import WorkloadSpec
from berth.decide.ask import ask_of
from berth.decide.change import Inputs
from berth.decide.guest import Described
from berth.decide.model import Ask, ClassFacts, Guest, MachineAsk, NodeShape, Requirement, Source
from berth.policy.compiled import CompiledPolicies, compile_policies
from berth.policy.effective import Defaults, Subject
from berth.policy.tenancy import CompiledTenant, compile_tenant
from berth.policy.waiving import Waived
from berth.world.records import (
    ClaimRecord,
    ClassRecord,
    KubeVirtRecord,
    NodeRecord,
    PolicyRecord,
    RuntimeClassRecord,
    TenantRecord,
)

GI = 1 << 30
MI = 1 << 20

SHAPE = NodeShape(8000, 32 * GI, (), "amd64", cpu_manager=False, nested=False)
LINUX_VM = MachineAsk(OperatingSystem.LINUX, Guest(memory=GI))
ANYTHING = Requirement(IsolationLevel.CONTAINER)
DEFAULTS = Defaults(IsolationLevel.CONTAINER)
KUBEVIRT = KubeVirtRecord("Deployed", True, "", False, 10, False, frozenset(), False)


def an_ask(**fields: Any) -> Ask:
    """Return a small Service with an image, changed as given."""
    given: dict[str, Any] = {
        "type": WorkloadType.SERVICE,
        "replicas": 1,
        "has_container": True,
        "cpu": 500,
        "memory": 512 * MI,
    }
    return Ask(**(given | fields))


def a_machine(**fields: Any) -> Ask:
    """Return a small Service with a Linux machine only, changed as given."""
    return an_ask(**({"has_container": False, "machine": LINUX_VM, "cpu": 0, "memory": 0} | fields))


def a_guest(**fields: Any) -> MachineAsk:
    """Return the small Linux machine, its guest changed as given."""
    return replace(LINUX_VM, guest=replace(LINUX_VM.guest, **fields))


def pods(name: str = "runc", level: str = "Container", **fields: Any) -> ClassFacts:
    """Return an available class of pods."""
    return ClassFacts(
        **({"name": name, "level": IsolationLevel(level), "backend": Backend.POD, "shapes": (SHAPE,)} | fields)
    )


def machines(name: str = "vm", level: str = "Virtualized", **fields: Any) -> ClassFacts:
    """Return an available class of virtual machines."""
    return pods(name, level, **({"backend": Backend.VIRTUAL_MACHINE} | fields))


def needing(level: str = "Container", by: str = "IsolationPolicy pci (cardholder data)", **fields: Any) -> Requirement:
    """Return a requirement with one source of its level."""
    sources = (Source("level", level, by), *fields.pop("sources", ()))
    return Requirement(IsolationLevel(level), sources=sources, **fields)


def a_policy(name: str = "pci", require: Any = None, **spec: Any) -> PolicyRecord:
    """Return a policy record; it enforces Virtualized on everything unless told otherwise."""
    given = {"mode": "Enforce", "reason": "cardholder data", "require": require or {"level": "Virtualized"}} | spec
    return PolicyRecord(name, name, 1, IsolationPolicySpec.model_validate_json(json.dumps(given)), None, b"")


def a_tenant(name: str = "acme", **spec: Any) -> CompiledTenant:
    """Return a tenant of the namespaces labelled `tenant=<name>`; its network is open unless told otherwise."""
    given = {"namespaceSelector": {"matchLabels": {"tenant": name}}, "network": {"mode": "Open"}} | spec
    return compile_tenant(TenantRecord(name, name, 1, TenantSpec.model_validate_json(json.dumps(given)), None, b""))


def a_waiver(name: str = "w1", *policies: str, expires: float = 1e9) -> Waived:
    """Return a waiver that holds."""
    return Waived(name, frozenset(policies), "a reason", "ada", expires)


def an_invalid_policy(name: str = "broken", error: str = "spec.require: Field required") -> PolicyRecord:
    """Return the record of a policy that was not understood."""
    return PolicyRecord(name, name, 1, None, error, b"")


def policies(*records: PolicyRecord) -> CompiledPolicies:
    """Return compiled policies."""
    return compile_policies(records)


def a_class(name: str, **spec: Any) -> ClassRecord:
    """Return a class record."""
    return ClassRecord(name, name, 1, IsolationClassSpec.model_validate_json(json.dumps(spec)), None, b"")


def a_node(name: str = "n1", **fields: Any) -> NodeRecord:
    """Return a node with KVM and the handlers runc, which gives user namespaces, runsc and kata."""
    given: dict[str, Any] = {
        "name": name,
        "schedulable": True,
        "labels": (("kubernetes.io/arch", "amd64"), ("kubevirt.io/schedulable", "true")),
        "taints": (),
        "cpu": 8000,
        "memory": 32 * GI,
        "devices": (("devices.kubevirt.io/kvm", 1000),),
        "handlers": frozenset({"", "runc", "runsc", "kata"}),
        "user_namespaces": frozenset({"", "runc"}),
    }
    return NodeRecord(**(given | fields))


def a_runtime_class(name: str, handler: str, memory: int = 0, cpu: int = 0) -> RuntimeClassRecord:
    """Return a RuntimeClass, with overhead if any is given."""
    return RuntimeClassRecord(name, name, handler, cpu, memory, bool(cpu or memory), ())


def spec_of(**spec: Any) -> WorkloadSpec:
    """Return a Workload's spec from its JSON form."""
    return WorkloadSpec.model_validate_json(json.dumps(spec))


def no_claim(_name: str) -> ClaimRecord | None:
    """Find no claim."""
    return None


def ask_for(**spec: Any) -> Ask:
    """Return the Ask of a spec that uses no claims and no instancetypes."""
    return ask_of(spec_of(**spec), no_claim, Described())


def a_subject(ask: Ask | None = None, **fields: Any) -> Subject:
    """Return the workload shop/checkout as policies see it."""
    given: dict[str, Any] = {"namespace": "shop", "name": "checkout", "labels": (), "ask": ask or an_ask()}
    return Subject(**(given | fields))


def inputs(ask: Ask, *catalog: ClassFacts, **fields: Any) -> Inputs:
    """Return the inputs of a decision without policies, changed as given."""
    given: dict[str, Any] = {
        "subject": a_subject(ask),
        "namespace_labels": (),
        "policies": CompiledPolicies(),
        "defaults": DEFAULTS,
        "catalog": catalog,
    }
    return Inputs(**(given | fields))
