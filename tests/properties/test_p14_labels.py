"""P14: labels, annotations and selectors are ours alone, and no selector ever finds the pods of another Workload."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from berth.render.model import Peers, Subject
from decide.drawing import pick
from properties.examples import EXAMPLES, for_all
from properties.specs import CLASSES, Scene, a_scene, a_spec, children_of, parsed

Json = dict[str, Any]

LABELS = {
    "berth.dev/workload",
    "berth.dev/disk-of",
    "berth.dev/class",
    "berth.dev/tenant",
    "app.kubernetes.io/name",
    "app.kubernetes.io/managed-by",
}
DISK_LABELS = {"berth.dev/disk-of", "app.kubernetes.io/managed-by"}
"""Of a disk, and so of the pods that fill it, which no selector of a Workload may find."""
ANNOTATIONS = {
    *("berth.dev/desired-hash", "berth.dev/source-hash", "berth.dev/made-from"),
    "cdi.kubevirt.io/storage.deleteAfterCompletion",
}
SELECTORS = {
    "Deployment": [("selector",)],
    "Service": [("selector",)],
    "NetworkPolicy": [("podSelector",)],
    "PodDisruptionBudget": [("selector",)],
    "VirtualMachinePool": [("selector",)],
}
"""Where each kind selects pods or machines. All others must not select any."""
TEMPLATES = {
    "Deployment": ("template",),
    "Job": ("template",),
    "VirtualMachine": ("template",),
    "VirtualMachinePool": ("virtualMachineTemplate", "spec", "template"),
}

Pod = tuple[str, Json]
"""Namespace and labels."""


def neighbours(random: Random, scene: Scene) -> list[tuple[Subject, Any]]:
    """Return Workloads beside one: of other names, namespaces and tenants, and alike as far as they can be."""
    others = (
        {"name": "web-2"},
        {"name": "we"},
        {"name": "web", "namespace": "shop-2", "tenant": "ns.shop-2"},
        {"name": "web", "namespace": "evil", "tenant": "evil"},
    )
    found = []
    for number, other in enumerate(others):
        spec = scene.subject.spec if random.random() < 0.5 else parsed(a_spec(random))
        subject = replace(scene.subject, spec=spec, uid=f"other-{number}", **other)
        found.append((subject, scene.facts if random.random() < 0.5 else pick(random, CLASSES)))
    return found


def a_scene_with_neighbours(random: Random) -> tuple[Scene, list[tuple[Subject, Any]]]:
    scene = a_scene(random)
    return scene, neighbours(random, scene)


@for_all(a_scene_with_neighbours)
def test_p14_labels_are_closed_and_selectors_find_only_their_own(
    given: tuple[Scene, list[tuple[Subject, Any]]],
) -> bool:
    scene, others = given
    children = children_of(scene)
    if children is None:
        return False
    bodies = [child.body for child in children]
    own = list(pods(bodies))
    foreign = [pod for other in others for pod in pods([c.body for c in children_of(Scene(*other)) or ()])]
    # CDI gives the pod that fills a disk the disk's labels.
    foreign += [(each["metadata"]["namespace"], each["metadata"]["labels"]) for each in bodies if is_disk(each)]
    assert own
    for body in bodies:
        assert body["metadata"]["namespace"] == scene.subject.namespace
        for meta in metadata(body):
            assert set(meta.get("labels", ())) <= (DISK_LABELS if body["kind"] == "DataVolume" else LABELS)
            assert set(meta.get("annotations", ())) <= ANNOTATIONS
        for selector in selectors(body):
            assert all(finds(selector, pod, scene.subject.namespace) for pod in own)
            assert not any(finds(selector, pod, scene.subject.namespace) for pod in foreign)
        if body["kind"] == "HorizontalPodAutoscaler":
            target = body["spec"]["scaleTargetRef"]
            assert (target["apiVersion"], target["kind"], target["name"]) == ("berth.dev/v1alpha1", "Workload", "web")
    return True


def is_disk(body: Json) -> bool:
    """Tell whether CDI makes a pod with the labels of this object."""
    kind: str = body["kind"]
    return kind == "DataVolume"


def metadata(value: Any) -> Iterator[Json]:
    """Yield every metadata in an object."""
    if isinstance(value, dict):
        if isinstance(value.get("metadata"), dict):
            yield value["metadata"]
        for each in value.values():
            yield from metadata(each)
    if isinstance(value, list):
        for each in value:
            yield from metadata(each)


def selectors(body: Json) -> Iterator[Json]:
    """Yield what selects pods in an object: also spread and affinity, which look at pods of this namespace."""
    for path in SELECTORS.get(body["kind"], []):
        found = body["spec"]
        for name in path:
            found = found[name]
        yield found.get("matchLabels", found)
        assert set(found) == {"matchLabels"} or body["kind"] == "Service"
    if body["kind"] in TEMPLATES:
        for spread in template(body)["spec"].get("topologySpreadConstraints", ()):
            yield spread["labelSelector"]["matchLabels"]
        assert body["kind"] in SELECTORS or "selector" not in body["spec"]


def template(body: Json) -> Json:
    """Return the template of pods or machines."""
    found: Json = body["spec"]
    for name in TEMPLATES[body["kind"]]:
        found = found[name]
    return found


def pods(bodies: list[Json]) -> Iterator[Pod]:
    """Yield the pods that run a Workload; the launcher pod of a machine has the machine's labels."""
    for body in bodies:
        if body["kind"] in TEMPLATES:
            yield body["metadata"]["namespace"], template(body)["metadata"]["labels"]


def finds(selector: Json, pod: Pod, namespace: str) -> bool:
    """Return whether a selector of one namespace finds a pod, as in meta/v1; an empty one finds all."""
    return pod[0] == namespace and all(pod[1].get(key) == value for key, value in selector.items())


def isolated(random: Random) -> Scene:
    scene = a_scene(random)
    return replace(scene, subject=replace(scene.subject, peers=pick(random, (Peers(("shop",)), Peers(("shop", "db"))))))


@for_all(isolated, of=EXAMPLES // 10)
def test_p14_who_is_let_in_is_named_by_namespace_alone(scene: Scene) -> bool:
    children = children_of(scene)
    if children is None:
        return False
    policy = next(child.body for child in children if child.kind == "NetworkPolicy")["spec"]
    assert scene.subject.peers is not None
    allowed = {*scene.subject.peers.namespaces, "kube-system"}
    for rule in (*policy.get("ingress", ()), *policy["egress"]):
        for peer in (*rule.get("from", ()), *rule.get("to", ())):
            [term] = peer["namespaceSelector"]["matchExpressions"]
            assert (term["key"], term["operator"]) == ("kubernetes.io/metadata.name", "In")
            assert set(term["values"]) <= allowed
    return True
