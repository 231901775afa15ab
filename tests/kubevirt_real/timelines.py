"""The recording of what KubeVirt's own controllers did, held against what the simulator does when the same is done."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ground import kubevirt_sim
from ground.api import MERGE, call
from ground.cluster import Cluster
from ground.kubevirt_sim.kinds import KUBEVIRT
from kubevirt_real.place import Place, watching
from kubevirt_real.scenarios import SCENARIOS
from kubevirt_real.trace import Trace, differences

NODES = 3
RECORDING = Path(__file__).parents[3] / "shared" / "kubevirt-real" / "timelines.jsonl"
SECCOMP = {"virtualMachineInstanceProfile": {"customProfile": {"runtimeDefaultProfile": True}}}
DEDICATED = {"metadata": {"labels": {"kubevirt.io/cpumanager": "true"}}}
RESTARTED = (
    "what stood in for virt-handler left the guest of a failed pod running; here it has failed, and is restarted"
)
MOVED = "the nodes gave no digest of the disk's image, without which nothing is migrated; a kubelet gives one, as here"
SHUT = "the nodes were fake; a kubelet takes a pod out of service when its readiness gate is shut, as here"
RACED = "two controllers met in one write of a member; it is tried again, and the condition goes"
HELD = (
    "the real pool is held by a finalizer and deletes its machines; here the garbage collector does, and it goes first"
)
BOTH = "at the last change the real controller, behind with what it had seen, restarted both members at once"
UNPAUSED = "POD condition kubevirt.io/virtual-machine-unpaused"
DIFFERENCES: dict[tuple[str, str], str] = {
    ("t-crash", UNPAUSED): RESTARTED,
    ("t-crash", "POD life"): RESTARTED,
    ("t-crash", "POD phase"): RESTARTED,
    ("t-migrate", UNPAUSED): MOVED,
    ("t-migrate", "POD life"): MOVED,
    ("t-migrate", "POD phase"): MOVED,
    ("t-migrate", "VMIM phase"): MOVED,
    ("t-pause", "VM condition Ready"): SHUT,
    ("t-pause", "VMI condition Ready"): SHUT,
    ("t-pool", "POOL condition ReplicaFailure"): RACED,
    ("t-pool", "POOL life"): HELD,
    ("t-pool", "POOL readyReplicas"): BOTH,
}
"""What differs for a reason: by namespace, and by kind and facet."""


@dataclass
class Comparison:
    """What came of holding a recording against the simulator, by namespace."""

    agree: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)
    """What differs without a reason, one sentence each."""
    reasons: list[str] = field(default_factory=list)
    """What differs for a reason, one sentence each."""
    stale: list[str] = field(default_factory=list)
    """Reasons for what does not differ."""

    @property
    def stale_lines(self) -> list[str]:
        """Say which reasons are not needed for this recording."""
        return [f"does not differ here, though listed: {text}" for text in self.stale]

    @property
    def line(self) -> str:
        """Say it in one line."""
        count = len(self.agree)
        whole = count + len({text.partition(" ")[0] for text in self.differ})
        return f"timelines: {count} of {whole} agree, {len(self.reasons)} differ for a reason"


def recorded(file: Path) -> Trace:
    """Read a recording; its lines may be in any order."""
    lines = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    trace = Trace()
    for seen in sorted(lines, key=lambda seen: float(seen["t"])):
        namespace, _, name = seen["n"].partition("/")
        trace.add(seen["k"], namespace, name, seen)
    return trace


def played(cluster: Cluster, names: list[str], say: Callable[[str], object]) -> tuple[Trace, dict[str, str]]:
    """Do the scenarios of some namespaces again, all at once; returns the traces, and why a scenario did not end.

    The cluster has three nodes, KubeVirt's CRDs and a running simulator, and none of the namespaces.
    """
    account = cluster.kubeconfig
    config = {"spec": {"configuration": {"seccompConfiguration": SECCOMP}}}
    call(account, "PATCH", KUBEVIRT.path(kubevirt_sim.NAMESPACE, "kubevirt"), config, MERGE)
    for node in call(account, "GET", "/api/v1/nodes")["items"]:
        call(account, "PATCH", f"/api/v1/nodes/{node['metadata']['name']}", DEDICATED, MERGE)
    with watching(cluster) as watch, ThreadPoolExecutor(max(1, len(names))) as pool:

        def play(name: str) -> str:
            try:
                SCENARIOS[name](Place.made(cluster, watch, name))
            except Exception as error:  # noqa: BLE001 whatever ends one scenario must not end the others
                say(f"{name}: {error!r}")
                return f"{error!r}"
            return ""

        ended = dict(zip(names, pool.map(play, names), strict=True))
    return watch.trace, {name: why for name, why in ended.items() if why}


def compared(was: Trace, shown: Trace, failures: dict[str, str]) -> Comparison:
    """Hold a recording against what the simulator showed."""
    found = Comparison()
    for name in was.namespaces():
        wrong = [f"{name} {failures[name]}"] if name in failures else []
        wrong += [] if name in SCENARIOS else [f"{name} is none of the scenarios: what was done there is not known"]
        differ = differences(was, shown, name) if not wrong else []
        for where, what in differ:
            reason = DIFFERENCES.get((name, where))
            if reason is None:
                wrong.append(f"{name} {where}: {what}")
            elif (told := f"{name} {where}: {reason}") not in found.reasons:
                found.reasons.append(told)
        found.differ += wrong
        found.agree += [] if wrong else [name]
        listed = {where for namespace, where in DIFFERENCES if namespace == name}
        found.stale += [f"{name} {where}" for where in sorted(listed - {where for where, _ in differ})]
    return found


def against(cluster: Cluster, file: Path, say: Callable[[str], object] = print) -> Comparison:
    """Play what a recording holds on a cluster, and compare."""
    was = recorded(file)
    shown, failures = played(cluster, [name for name in was.namespaces() if name in SCENARIOS], say)
    return compared(was, shown, failures)
