"""How many decisions a core makes per second: 12 classes, 50 policies, 10 namespaces, every workload different.

Run with `PYTHONPATH=operator:tests python -m bench.decide`; prints JSON. A decision includes the effective requirement.
Policies, selectors and classes are prepared once, as the operator does; what workloads share under the same policies is
remembered, no decision is.
"""

import json
import sys
from collections.abc import Callable
from time import process_time

from berth.api.levels import IsolationLevel
from berth.decide.change import Inputs
from berth.decide.engine import decide
from berth.decide.facts import catalog, cluster_of
from berth.decide.fingerprint import hashes
from berth.decide.model import Ask, ClassFacts
from berth.decide.whatif import outcome, would_change
from berth.policy.compiled import CompiledPolicies, Labels
from berth.policy.effective import Defaults, Subject, effective
from decide.builders import GI, KUBEVIRT, MI, a_class, a_node, a_policy, a_runtime_class, an_ask, policies

DECISIONS = 10_000
NAMESPACES = 10
POD_CLASSES = ["runc", "userns", "gvisor", "gvisor-tenant", "kata", "kata-qemu", "kata-tenant"]
LEVELS = ("Container", "Sandboxed", "Virtualized")


def main() -> None:
    """Measure and print."""
    classes, compiled, subjects = the_catalog(), the_policies(), the_subjects()
    defaults = Defaults(IsolationLevel.CONTAINER)
    rounds = [_round(subjects, compiled, defaults, classes) for _ in range(3)]
    seconds, placed = min(rounds)
    required = {s.name: effective(s, n, compiled, defaults).requirement for s, n in subjects}
    json.dump(
        {
            "decisions": DECISIONS,
            "classes": len(classes),
            "policies": len(compiled.policies),
            "placed": placed,
            "decide_per_second": round(DECISIONS / seconds),
            "microseconds": {
                "effective": _each(lambda s, n: effective(s, n, compiled, defaults), subjects),
                "hashes": _each(lambda s, _: hashes(s.ask, required[s.name], classes, None), subjects),
                "would_change": _each(lambda s, n: _flips(s, n, compiled, defaults, classes), subjects[:300]),
            },
        },
        sys.stdout,
        indent=2,
    )
    sys.stdout.write("\n")


def the_catalog() -> tuple[ClassFacts, ...]:
    """Return 12 classes of all levels on a cluster of 40 nodes: general, large memory, many processors, GPU, arm64."""
    arm = (("kubernetes.io/arch", "arm64"), ("kubevirt.io/schedulable", "true"))
    gpus = (("devices.kubevirt.io/kvm", 1000), ("nvidia.com/gpu", 4))
    nodes = [
        *(a_node(f"general{n}", cpu=16000, memory=64 * GI - n * MI) for n in range(20)),
        *(a_node(f"memory{n}", cpu=32000, memory=256 * GI - n * MI) for n in range(5)),
        *(a_node(f"cpu{n}", cpu=64000, memory=128 * GI - n * MI) for n in range(5)),
        *(a_node(f"gpu{n}", cpu=48000, memory=192 * GI - n * MI, devices=gpus) for n in range(5)),
        *(a_node(f"arm{n}", cpu=64000, memory=128 * GI - n * MI, labels=arm) for n in range(5)),
    ]
    runtimes = [
        a_runtime_class("gvisor", "runsc"),
        a_runtime_class("kata", "kata", memory=130 * MI, cpu=250),
        a_runtime_class("kata-qemu", "kata", memory=320 * MI, cpu=250),
    ]
    records = [
        a_class("runc", level="Container", pod={}),
        a_class("userns", level="Container", pod={"userNamespaces": True}, preference=10),
        a_class("gvisor", level="Sandboxed", pod={"runtimeClassName": "gvisor"}),
        a_class("gvisor-tenant", level="Sandboxed", pod={"runtimeClassName": "gvisor"}, nodes={"sharing": "Tenant"}),
        a_class("gvisor-gone", level="Sandboxed", pod={"runtimeClassName": "gone"}),
        a_class("kata", level="Virtualized", pod={"runtimeClassName": "kata"}),
        a_class("kata-qemu", level="Virtualized", pod={"runtimeClassName": "kata-qemu"}),
        a_class("kata-tenant", level="Virtualized", pod={"runtimeClassName": "kata"}, nodes={"sharing": "Tenant"}),
        a_class("kata-off", level="Virtualized", pod={"runtimeClassName": "kata"}, enabled=False),
        a_class("vm", level="Virtualized", virtualMachine={}),
        a_class("vm-exclusive", level="Virtualized", virtualMachine={}, nodes={"sharing": "Exclusive"}),
        a_class("vm-snp", level="Confidential", virtualMachine={"launchSecurity": "snp"}),
    ]
    return catalog(records, cluster_of(runtimes, nodes, KUBEVIRT, kubevirt_present=True))


def the_policies() -> CompiledPolicies:
    """Return 50 policies: by namespace, by label, by trust, by type, some in Audit or Warn, one with a condition."""
    made = [
        a_policy(
            f"p{n:02}",
            {"level": LEVELS[n % 3]} | ({"classes": POD_CLASSES} if n % 10 == 1 else {}),
            mode=("Enforce", "Enforce", "Enforce", "Audit", "Warn")[n % 5],
            match=(
                {"namespaceSelector": {"matchLabels": {"team": f"t{n % NAMESPACES}"}}},
                {"namespaceSelector": {"matchExpressions": [{"key": "env", "operator": "In", "values": ["prod"]}]}},
                {"workloadSelector": {"matchLabels": {"tier": f"x{n % 7}"}}, "trust": ["Untrusted"]},
                {"types": ["Task"], "namespaceSelector": {"matchLabels": {"env": "prod"}}},
            )[n % 4],
        )
        for n in range(49)
    ]
    return policies(*made, a_policy("p49", {"level": "Sandboxed"}, when="workload.name.endsWith('7')"))


def the_subjects() -> list[tuple[Subject, Labels]]:
    """Return workloads that all differ, with the labels of their namespaces."""
    labels = [(("env", "prod" if n % 2 else "dev"), ("team", f"t{n}")) for n in range(NAMESPACES)]
    return [
        (Subject(f"ns{n % NAMESPACES}", f"w{n}", (("tier", f"x{n % 7}"),), _ask(n), b"{}"), labels[n % NAMESPACES])
        for n in range(DECISIONS)
    ]


def _ask(n: int) -> Ask:
    gpu = ("nvidia.com/gpu", 1) if n % 50 == 0 else None
    return an_ask(cpu=10 + n, memory=(64 + n) * MI, replicas=n % 4, root=n % 20 == 0, gpu=gpu)


def _round(
    subjects: list[tuple[Subject, Labels]],
    compiled: CompiledPolicies,
    defaults: Defaults,
    classes: tuple[ClassFacts, ...],
) -> tuple[float, int]:
    start, placed = process_time(), 0
    for subject, labels in subjects:
        found = effective(subject, labels, compiled, defaults)
        placed += decide(subject.ask, found.requirement, classes, None).chosen is not None
    return process_time() - start, placed


def _each(call: Callable[[Subject, Labels], object], subjects: list[tuple[Subject, Labels]]) -> float:
    """Return the mean time of a call in microseconds."""
    start = process_time()
    for subject, labels in subjects:
        call(subject, labels)
    return round((process_time() - start) / len(subjects) * 1e6, 1)


def _flips(
    subject: Subject, labels: Labels, compiled: CompiledPolicies, defaults: Defaults, classes: tuple[ClassFacts, ...]
) -> object:
    given = Inputs(subject, labels, compiled, defaults, classes)
    return would_change(given, outcome(given))


if __name__ == "__main__":
    main()
