"""What is decided for a golden case, on one cluster that has everything, beside the default classes."""

from pathlib import Path
from typing import Any

import orjson
import yaml

from berth.api.levels import IsolationLevel
from berth.api.workload import WorkloadSpec
from berth.decide.ask import ask_of, images_of
from berth.decide.engine import decide
from berth.decide.facts import catalog, cluster_of
from berth.decide.guest import Described
from berth.decide.whatif import Inputs, would_change
from berth.policy.compiled import compile_policies
from berth.policy.effective import Defaults, Subject, effective
from berth.policy.tenancy import compile_tenants
from berth.world import parse
from berth.world.records import ClaimRecord, InstancetypeRecord, Key, KubeVirtRecord, NodeRecord, RuntimeClassRecord
from golden.explain import explain
from kubevirt_real.verdicts import common

VALUES = Path(__file__).resolve().parents[2] / "manifests" / "berth" / "values.yaml"
GI = 1 << 30

DEVICES = (
    ("devices.kubevirt.io/kvm", 1000),
    ("example.com/nic", 8),
    ("hugepages-1Gi", 64 * GI),
    ("nvidia.com/A100", 8),
    ("nvidia.com/gpu", 8),
)
VIRT = {
    "kubevirt.io/schedulable",
    "kubevirt.io/cpumanager",
    "kubevirt.io/sev",
    "kubevirt.io/sev-snp",
    "kubevirt.io/tdx",
}
RUNTIMES = (
    RuntimeClassRecord("gvisor", "u1", "runsc", 0, 0, has_overhead=False, node_selector=()),
    RuntimeClassRecord("kata", "u2", "kata", 250, 320 << 20, has_overhead=True, node_selector=()),
)
KUBEVIRT = KubeVirtRecord(
    "Deployed",
    True,
    "",
    False,
    10,
    True,
    frozenset(name for name, _ in DEVICES[1:]),
    True,
    architecture="amd64",
    gates=frozenset({"HostDevices", "WorkloadEncryptionTDX"}),
    machine_types=(("amd64", ("q35*", "pc-q35*")), ("arm64", ("virt*",))),
)


class Instancetypes(dict[Key, InstancetypeRecord]):
    """Has every instancetype: 2 processors, 4Gi; those of series gn1 with a GPU."""

    def __missing__(self, key: Key) -> InstancetypeRecord:
        gpu = (("nvidia.com/A100", 1),) if key[1].startswith("gn1.") else ()
        return InstancetypeRecord(key[1], 2, 4 * GI, devices=gpu)

    def get(self, key: Key, _default: object = None) -> InstancetypeRecord:  # type: ignore[override]
        """Return it."""
        return self[key]


def described() -> Described:
    """Return every instancetype, and the common preferences."""
    return Described("default", Instancetypes(), common().preferences)


def decided(documents: list[dict[str, Any]]) -> tuple[str | None, tuple[str, ...]]:
    """Return the class that is chosen for the Workload among these documents, and the whole explanation."""
    workload = next(each for each in documents if each["kind"] == "Workload")
    spec = WorkloadSpec.model_validate_json(orjson.dumps(workload["spec"]))
    ask = ask_of(spec, _claim, described())
    policies = compile_policies(
        tuple(parse.isolation_policy(_stored(each)) for each in _kind(documents, "IsolationPolicy"))
    )
    tenants = compile_tenants(tuple(parse.tenant(_stored(each)) for each in _kind(documents, "Tenant")))
    subject = Subject(
        workload["metadata"]["namespace"],
        workload["metadata"]["name"],
        (),
        ask,
        tenants=tenants,
        images=images_of(spec),
    )
    defaults = Defaults(IsolationLevel.CONTAINER, allowed_service_accounts=frozenset({str(spec.service_account_name)}))
    classes = _catalog(_kind(documents, "IsolationClass"))
    decision = decide(ask, effective(subject, (), policies, defaults).requirement, classes, None)
    flips = would_change(Inputs(subject, (), policies, defaults, classes), decision)
    chosen = decision.chosen.facts.name if decision.chosen else None
    return chosen, explain(decision, spec.replicas, flips)


def _kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in documents if each["kind"] == kind]


def _catalog(own: list[dict[str, Any]]) -> tuple[Any, ...]:
    classes = with_defaults(own)
    records = tuple(parse.isolation_class(_stored(each)) for each in classes)
    return catalog(records, cluster_of(RUNTIMES, nodes_of(classes), KUBEVIRT, kubevirt_present=True))


def with_defaults(own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the classes of a case, and the default ones of other names."""
    taken = {each["metadata"]["name"] for each in own}
    defaults = yaml.safe_load(VALUES.read_text())["classes"].items()
    head = {"apiVersion": "berth.dev/v1alpha1", "kind": "IsolationClass"}
    return [*own, *({**head, "metadata": {"name": name}, "spec": spec} for name, spec in defaults if name not in taken)]


def nodes_of(documents: list[dict[str, Any]]) -> tuple[NodeRecord, ...]:
    """Return a node of each architecture for every class or tenant."""
    return tuple(_node(each, architecture) for each in documents for architecture in ("amd64", "arm64"))


def _node(document: dict[str, Any], architecture: str) -> NodeRecord:
    """Return a node that has everything, with the labels that a class or a tenant asks for."""
    pool = document["spec"].get("nodes") or {}
    labels = {**dict.fromkeys(VIRT, "true"), "cpu-feature.node.kubevirt.io/vmx": "true", **(pool.get("selector") or {})}
    return NodeRecord(
        name=f"{document['metadata']['name']}-{architecture}",
        schedulable=True,
        labels=tuple(sorted({**labels, "kubernetes.io/arch": architecture}.items())),
        taints=(),
        cpu=64000,
        memory=512 * GI,
        devices=DEVICES,
        handlers=frozenset({"", "runc", "runsc", "kata"}),
        user_namespaces=frozenset({"", "runc"}),
        cpu_models=("Haswell-noTSX", "Skylake-Server"),
        machine_types=("pc-q35-rhel9.4.0", "q35"),
    )


def _claim(name: str) -> ClaimRecord:
    return ClaimRecord(("", name), name, ("ReadWriteMany",), block=False, bound=True)


def _stored(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "metadata": {**document["metadata"], "uid": "u", "generation": 1}}
