"""P5: what the cluster loses never leads to weaker isolation: the workload goes as strong or stronger, or nowhere.

That holds from scratch. What runs, or has a default class, may be in a class that is stronger than it needs; when that
one is lost it may go to a weaker class, but never to one below what is required.
"""

from dataclasses import dataclass, replace
from itertools import product
from random import Random

from berth.api.isolation_class import IsolationClassSpec, NodePool, PodBackend, VirtualMachineBackend
from berth.api.levels import IsolationLevel, NodeSharing
from berth.decide.facts import Cluster, catalog, cluster_of
from berth.world.records import ClassRecord, KubeVirtRecord, NodeRecord, RuntimeClassRecord
from decide import worlds
from decide.builders import GI, KUBEVIRT, MI, a_node, a_runtime_class
from decide.drawing import NAMES, pick
from decide.worlds import World
from properties.examples import EXAMPLES, for_all
from properties.judge import class_name, decided, from_scratch, meets, rank

HANDLERS = {"gvisor": "runsc", "kata": "kata", "kata-snp": "kata"}
POOLS = (
    None,
    None,
    NodePool(selector={"pool": "apart"}, sharing=NodeSharing.TENANT),
    NodePool(selector={"pool": "apart"}, sharing=NodeSharing.EXCLUSIVE),
)
CLASSES = tuple(
    IsolationClassSpec(level=level, pod=pod, virtual_machine=machine, nodes=pool, preference=preference)
    for (level, pod, machine), pool, preference in product(
        (
            (IsolationLevel.CONTAINER, PodBackend(), None),
            (IsolationLevel.CONTAINER, PodBackend(user_namespaces=True), None),
            (IsolationLevel.SANDBOXED, PodBackend(runtime_class_name="gvisor"), None),
            (IsolationLevel.VIRTUALIZED, PodBackend(runtime_class_name="kata"), None),
            (IsolationLevel.CONFIDENTIAL, PodBackend(runtime_class_name="kata-snp"), None),
            (IsolationLevel.VIRTUALIZED, None, VirtualMachineBackend()),
            (IsolationLevel.CONFIDENTIAL, None, VirtualMachineBackend(launch_security="snp")),
        ),
        POOLS,
        (0, 1),
    )
)
MARKS = (
    ("kubernetes.io/arch", "amd64"),
    ("kubevirt.io/schedulable", "true"),
    ("kubevirt.io/sev-snp", "true"),
    ("kubevirt.io/cpumanager", "true"),
    ("cpu-feature.node.kubevirt.io/svm", "true"),
    ("pool", "apart"),
)


@dataclass(frozen=True)
class Offer:
    """What the cluster has: classes, and what they are made of."""

    classes: tuple[ClassRecord, ...]
    runtimes: tuple[RuntimeClassRecord, ...]
    nodes: tuple[NodeRecord, ...]
    kubevirt: KubeVirtRecord | None = KUBEVIRT
    kubevirt_present: bool = True

    @property
    def cluster(self) -> Cluster:
        return cluster_of(self.runtimes, self.nodes, self.kubevirt, kubevirt_present=self.kubevirt_present)


def an_offer(random: Random) -> Offer:
    names = NAMES[: random.randint(2, 4)]
    return Offer(
        tuple(ClassRecord(name, name, 1, pick(random, CLASSES), None, b"") for name in names),
        tuple(a_runtime_class(name, handler, 130 * MI, 250) for name, handler in HANDLERS.items()),
        tuple(_a_node(random, f"n{number}") for number in range(random.randint(1, 3))),
    )


def _a_node(random: Random, name: str) -> NodeRecord:
    return a_node(
        name,
        cpu=pick(random, (4000, 16000)),
        memory=pick(random, (8 * GI, 64 * GI)),
        labels=tuple(sorted(mark for mark in MARKS if random.random() < 0.8)),
        devices=(("devices.kubevirt.io/kvm", 1000),),
    )


def less(random: Random, offer: Offer) -> Offer:
    """Return what is left when the cluster has lost one thing."""
    kept = [random.randrange(len(each)) for each in (offer.classes, offer.runtimes, offer.nodes)]
    ways = (
        {"classes": _without(offer.classes, kept[0])},
        {"runtimes": _without(offer.runtimes, kept[1])},
        {"nodes": _without(offer.nodes, kept[2])},
        {"nodes": _one_changed(random, offer.nodes, kept[2])},
        {"nodes": _one_changed(random, offer.nodes, kept[2])},
        {"kubevirt": None},
        {"kubevirt": replace(KUBEVIRT, phase="Deploying")},
        {"kubevirt": replace(KUBEVIRT, emulation=True)},
        {"kubevirt": None, "kubevirt_present": False},
    )
    return replace(offer, **pick(random, ways))


def _without(values: tuple, place: int) -> tuple:
    return (*values[:place], *values[place + 1 :])


def _one_changed(random: Random, nodes: tuple[NodeRecord, ...], place: int) -> tuple[NodeRecord, ...]:
    """Return the nodes of which one has lost a label, KVM, a handler, room, or its place among those that take pods."""
    node = nodes[place]
    lost = pick(
        random,
        (
            {"schedulable": False},
            {"devices": ()},
            {"handlers": frozenset({"runc"})},
            {"user_namespaces": frozenset()},
            {"taints": (("maintenance", "", "NoSchedule"),)},
            {"cpu": 500, "memory": GI},
            {"labels": _without(node.labels, random.randrange(len(node.labels))) if node.labels else ()},
        ),
    )
    return (*nodes[:place], replace(node, **lost), *nodes[place + 1 :])


def a_loss(random: Random) -> tuple[World, World]:
    """Draw a world, and the same after the cluster has lost something."""
    offer, world = an_offer(random), worlds.a_world(random)
    after = less(random, offer)
    return tuple(replace(world, catalog=catalog(each.classes, each.cluster)) for each in (offer, after))


@for_all(a_loss, of=EXAMPLES // 2)
def test_p05_losing_a_capability_never_weakens(loss: tuple[World, World]) -> bool:
    before, after = (from_scratch(each) for each in loss)
    assert rank(decided(after)) >= rank(decided(before))
    return before.catalog != after.catalog


@for_all(a_loss, of=EXAMPLES // 2)
def test_p05_what_runs_is_never_moved_below_what_is_required(loss: tuple[World, World]) -> bool:
    before, after = (decided(each) for each in loss)
    if after.chosen is not None:
        assert meets(after.chosen.facts, after.requirement)
    if rank(after) < rank(before):
        preferred = before.requirement.preferred
        assert class_name(before) in (loss[0].current, preferred)
        lost = next((each for each in after.candidates if each.facts.name == class_name(before)), None)
        assert lost is None or lost.verdicts
    return loss[0].catalog != loss[1].catalog


def nodes_that_may_ignore(random: Random) -> tuple[NodeRecord, ...]:
    """Draw nodes whose runtimes have user namespaces, have none, or do not say."""
    said = (frozenset({"", "runc"}), frozenset({"runsc"}), frozenset[str](), None)
    return tuple(
        replace(_a_node(random, f"n{number}"), user_namespaces=pick(random, said))
        for number in range(random.randint(1, 3))
    )


@for_all(nodes_that_may_ignore)
def test_p05_root_inside_is_never_root_of_a_node_that_may_ignore_user_namespaces(nodes: tuple[NodeRecord, ...]) -> None:
    """A second time, from the words of KEP-127: every node must say, and one must have them for the default handler."""
    spec = IsolationClassSpec(level=IsolationLevel.CONTAINER, pod=PodBackend(user_namespaces=True))
    cluster = cluster_of((), nodes, None, kubevirt_present=False)
    (facts,) = catalog((ClassRecord("apart", "apart", 1, spec, None, b""),), cluster)
    safe = all(node.user_namespaces is not None for node in nodes)
    able = any("" in (node.user_namespaces or ()) for node in nodes)
    assert (facts.unavailable is None) == (safe and able)
