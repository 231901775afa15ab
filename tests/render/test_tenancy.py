"""What holds for every spec in every class: nothing reaches the host, another namespace or another's selector."""

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from berth.api.levels import Backend, IsolationLevel
from berth.api.meta import (
    CLASS_LABEL,
    DESIRED_HASH_ANNOTATION,
    DISK_LABEL,
    MADE_FROM_ANNOTATION,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    TENANT_LABEL,
    WORKLOAD_LABEL,
)
from berth.api.quantity import amount
from berth.decide.ask import ask_of
from berth.decide.guest import Described
from berth.decide.model import ClassFacts, Outcome
from berth.decide.rules.architecture import architecture
from berth.decide.rules.encryption import encryption
from berth.decide.rules.hardware import hardware
from berth.decide.rules.instancetype import instancetype
from berth.render.children import render
from berth.render.machine_template import machine_spec
from berth.render.metadata import SOURCE_HASH_ANNOTATION, fingerprint
from berth.render.model import Unrenderable
from berth.world.configuration import kubevirt
from render.admission import machines, violations
from render.schemas import errors
from render.specs import MACHINE_CLASSES, POD_CLASSES, SPECS, VM, Json, subject
from render.walk import keys, leaves, objects

LABELS = {WORKLOAD_LABEL, DISK_LABEL, CLASS_LABEL, TENANT_LABEL, NAME_LABEL, MANAGED_BY_LABEL}
ANNOTATIONS = {
    *(DESIRED_HASH_ANNOTATION, SOURCE_HASH_ANNOTATION, MADE_FROM_ANNOTATION),
    "cdi.kubevirt.io/storage.deleteAfterCompletion",
}
NEVER = {
    *("hostPath", "hostNetwork", "hostPID", "hostIPC", "hostPort", "hostAliases", "host", "subdomain"),
    *("privileged", "procMount", "seLinuxOptions", "appArmorProfile", "sysctls", "supplementalGroups"),
    *("nodeName", "schedulerName", "priorityClassName", "preemptionPolicy", "overhead", "shareProcessNamespace"),
    *("ephemeralContainers", "postStart", "volumeDevices", "subPath", "subPathExpr", "csi", "ephemeral", "projected"),
    *("hostDisk", "filesystems", "containerPath", "kernelBoot", "downwardMetrics", "clientPassthrough", "memoryDump"),
    *(
        "bridge",
        "sriov",
        "macvtap",
        "slirp",
        "binding",
        "multus",
        "autoattachVSOCK",
        "serviceAccount",
        "utilityVolumes",
    ),
    *("dataVolumeTemplates", "userData", "userDataBase64", "networkData"),
    *("running", "namespaces", "externalIPs", "externalName", "loadBalancerIP", "selectorLabels"),
}
"""Fields that no rendered object has (reference: Pod Security Standards; KubeVirt's VolumeSource and Devices)."""
BASELINE = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
"""Capabilities that the Pod Security Standard *baseline* lets a container add."""
STOCK = kubevirt({"metadata": {}}).machine_types
"""What machine types a KubeVirt takes whose configuration says nothing of them."""
PLACES = st.tuples(SPECS, st.sampled_from((*POD_CLASSES, *MACHINE_CLASSES)))
many = settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def rendered(place: tuple[Json, ClassFacts]) -> list[Json]:
    """Return the bodies, and drop examples that are refused."""
    spec, facts = place
    try:
        return [child.body for child in render(subject(spec), facts)]
    except Unrenderable:
        assume(False)
        raise


@many
@given(PLACES)
def test_the_same_spec_gives_the_same_objects(place: tuple[Json, ClassFacts]) -> None:
    """Rendering has no memory and no clock."""
    assert rendered(place) == rendered(place)


@many
@given(PLACES)
def test_every_object(place: tuple[Json, ClassFacts]) -> None:
    """All promises below hold for every object of every spec in every class."""
    found = rendered(place)
    for body in found:
        for promise in PROMISES:
            promise(body)
    owned(found, kept=place[0].get("deletionPolicy") != "Delete")
    if place[1].backend is Backend.POD:
        restricted(found[-1]["spec"]["template"]["spec"], place[1])


def keeps_off_the_host(body: Json) -> None:
    """Not one of the fields that leave the sandbox occurs anywhere."""
    assert not keys(body) & NEVER
    assert all(path[-1] == "httpGet" or path[-2] == "items" for path, each in objects(body) if "path" in each)


def selects_by_the_workload_label(body: Json) -> None:
    """Every selector names the one label that never changes; match expressions only keep others away."""
    for path, each in objects(body):
        if path and path[-1] == "matchLabels":
            assert each == {WORKLOAD_LABEL: "web"}
        assert "matchExpressions" not in each or "affinity" in path
    if body["kind"] == "Service":
        assert body["spec"]["selector"] == {WORKLOAD_LABEL: "web"}


def labels_are_ours(body: Json) -> None:
    """No label and no annotation but Berth's own, wherever there is metadata."""
    for path, each in objects(body):
        if path and path[-1] == "metadata":
            assert each.get("labels", {}).keys() <= LABELS
            # CDI copies a disk's labels to the pod that fills it, which no selector may find.
            assert (WORKLOAD_LABEL in each.get("labels", {})) != (body["kind"] == "DataVolume")
            assert each.get("annotations", {}).keys() <= ANNOTATIONS
            assert len(path) == 1 or each.keys() == {"labels"}


def names_no_other_namespace(body: Json) -> None:
    """Name the own namespace, in metadata and where CDI wants that of what a disk is cloned from."""
    named = [(path, value) for path, value in leaves(body) if "namespace" in path]
    assert {value for _, value in named} == {"shop"}
    assert [path for path, _ in named if path[:2] != ("spec", "source")] == [("metadata", "namespace")]


def is_stored_as_written(body: Json) -> None:
    """No null and no empty list: a live object would never compare equal."""
    assert all(value is not None for _, value in leaves(body))
    assert [] not in [value for _, each in objects(body) for value in each.values()]


def carries_its_hash(body: Json) -> None:
    """Hash the body without the hash, so that anybody can compute it again."""
    annotations = body["metadata"]["annotations"]
    rest = {key: value for key, value in annotations.items() if key != DESIRED_HASH_ANNOTATION}
    bare = body | {"metadata": body["metadata"] | {"annotations": rest}}
    assert annotations[DESIRED_HASH_ANNOTATION] == fingerprint(bare)


PROMISES = (
    keeps_off_the_host,
    selects_by_the_workload_label,
    labels_are_ours,
    names_no_other_namespace,
    is_stored_as_written,
    carries_its_hash,
)


def owned(found: list[Json], *, kept: bool) -> None:
    """Check that the Workload controls every child but disks that are kept."""
    for body in found:
        owners = [(owner["kind"], owner["controller"]) for owner in body["metadata"].get("ownerReferences", [])]
        assert owners == ([] if kept and body["kind"] == "DataVolume" else [("Workload", True)])


def restricted(pod: Json, facts: ClassFacts) -> None:
    """Pods meet the restricted Pod Security Standard, root baseline; it exists only where it is not root of the node."""
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    if facts.level is IsolationLevel.CONTAINER and not facts.user_namespaces:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert all(value != 0 for path, value in leaves(pod) if path[-1] == "runAsUser")
    for each in [*pod["containers"], *pod.get("initContainers", [])]:
        assert each["securityContext"]["allowPrivilegeEscalation"] is False
        root = each["securityContext"].get("runAsUser", pod["securityContext"].get("runAsUser")) == 0
        assert each["securityContext"]["capabilities"]["drop"] == ["ALL"]
        added = set(each["securityContext"]["capabilities"].get("add", ()))
        assert added <= (BASELINE if root else {"NET_BIND_SERVICE"})
        assert each["securityContext"].get("runAsNonRoot", True) is True
        assert each.get("lifecycle", {"preStop": {"sleep": {}}})["preStop"].keys() == {"sleep"}


def fits(place: tuple[Json, ClassFacts]) -> bool:
    """Tell whether the rules about hardware let a spec into a class, once the preference that it names is there."""
    spec, facts = place
    ask = ask_of(subject(spec).spec, lambda _: None, Described())
    if ask.machine is None:
        return True
    there, stock = replace(ask, machine=replace(ask.machine, missing=())), replace(facts, machine_types=STOCK)
    machine_type = hardware(there, stock)
    refused = machine_type is not None and machine_type.outcome is Outcome.NEVER
    return not refused and not any(rule(there, facts) for rule in (architecture, encryption, instancetype))


@many
@given(PLACES)
def test_objects_satisfy_their_schemas(place: tuple[Json, ClassFacts]) -> None:
    """No unknown field, no wrong type, and nothing that KubeVirt's admission refuses where no rule does so before."""
    assume(fits(place))
    found = rendered(place)
    assert [error for body in found for error in errors(body)] == []
    assert [violation for vm in machines(found) for violation in violations(vm)] == []


@many
@given(PLACES, SPECS)
def test_the_hash_tells_bodies_apart(place: tuple[Json, ClassFacts], other: Json) -> None:
    """Two bodies have the same hash if and only if they are the same."""
    ours = rendered(place)
    for mine in ours:
        for theirs in rendered((other, place[1])):
            if mine["kind"] == theirs["kind"] and mine["metadata"]["name"] == theirs["metadata"]["name"]:
                assert (desired_hash(mine) == desired_hash(theirs)) == (mine == theirs)


@many
@given(SPECS)
def test_what_is_decided_about_is_what_is_rendered(spec: Json) -> None:
    """The guest has the size that was counted."""
    parsed = subject(spec).spec
    assert parsed.machine
    assume(not parsed.machine.instancetype)
    asked = ask_of(parsed, lambda _: None, Described()).machine
    assert asked
    try:
        domain = machine_spec(subject(spec), MACHINE_CLASSES[0])["template"]["spec"]["domain"]
    except Unrenderable:
        reject()
    vcpus = domain["cpu"]["sockets"] * domain["cpu"]["cores"] * domain["cpu"]["threads"]
    assert (asked.guest.vcpus, asked.guest.memory) == (vcpus, amount(domain["memory"]["guest"]))


NASTY = st.text(min_size=0, max_size=20).map(lambda text: f"\u2042{text}\u2042{{{{ .Values }}}}$(X)\n\"'")


@many
@given(st.lists(NASTY, min_size=6, max_size=6, unique=True))
def test_user_text_stands_at_its_own_path_only(texts: list[str]) -> None:
    """Free text is data: it is found once, whole, where it belongs, and never in a key."""
    command, arg, env, header, side, probe = (f"{number}{text}" for number, text in enumerate(texts))
    spec = {
        "container": {
            "image": "app:1",
            "command": [command],
            "args": [arg],
            "env": [{"name": "A", "value": env}],
            "readinessProbe": {"httpGet": {"port": 1, "httpHeaders": [{"name": "H", "value": header}]}},
        },
        "sidecars": [{"name": "side", "image": "s:1", "args": [side], "livenessProbe": {"exec": {"command": [probe]}}}],
    }
    main = ("spec", "template", "spec", "containers", 0)
    first = ("spec", "template", "spec", "initContainers", 0)
    places = {
        command: (*main, "command", 0),
        arg: (*main, "args", 0),
        env: (*main, "env", 0, "value"),
        header: (*main, "readinessProbe", "httpGet", "httpHeaders", 0, "value"),
        side: (*first, "args", 0),
        probe: (*first, "livenessProbe", "exec", "command", 0),
    }
    found = [child.body for child in render(subject(spec), POD_CLASSES[0])]
    texted = [(path, value) for body in found for path, value in leaves(body) if "\u2042" in str(value)]
    assert sorted(texted, key=str) == sorted(((path, text) for text, path in places.items()), key=str)
    assert not any("\u2042" in key for body in found for key in keys(body))


def desired_hash(body: Json) -> str:
    """Return the hash that a body carries."""
    found: str = body["metadata"]["annotations"][DESIRED_HASH_ANNOTATION]
    return found


def test_schemas_would_tell() -> None:
    """The offline schemas refuse what they do not know, so that the tests above mean something."""
    spec = {"machine": {"bootDisk": {"containerDisk": {"image": "d:1"}}}, "resources": {"limits": {"memory": "1Gi"}}}
    vm = rendered((spec, VM))[-1]
    assert errors(vm) == []
    vm["spec"]["template"]["spec"]["hostNetwork"] = True
    assert errors(vm)
    policy = rendered((spec, VM))[0]
    policy["spec"]["hostNetwork"] = True
    assert errors(policy)
