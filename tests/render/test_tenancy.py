"""What holds for every spec in every class: nothing reaches the host, another namespace or another's selector."""

from berth.api.levels import IsolationLevel
from berth.api.meta import (
    CLASS_LABEL,
    DESIRED_HASH_ANNOTATION,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    TENANT_LABEL,
    WORKLOAD_LABEL,
)
from berth.decide.ask import ask_of
from berth.decide.model import ClassFacts
from berth.render.children import render
from berth.render.job import SOURCE_HASH_ANNOTATION
from berth.render.machine_template import guest_size
from berth.render.metadata import fingerprint
from berth.render.model import Unrenderable
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from render.admission import violations
from render.schemas import errors
from render.specs import MACHINE_CLASSES, POD_CLASSES, SPECS, VM, Json, subject
from render.test_golden import machines
from render.walk import keys, leaves, objects

LABELS = {WORKLOAD_LABEL, CLASS_LABEL, TENANT_LABEL, NAME_LABEL, MANAGED_BY_LABEL}
ANNOTATIONS = {DESIRED_HASH_ANNOTATION, SOURCE_HASH_ANNOTATION, "cdi.kubevirt.io/storage.deleteAfterCompletion"}
NEVER = {
    *("hostPath", "hostNetwork", "hostPID", "hostIPC", "hostPort", "hostAliases", "host", "hostname", "subdomain"),
    *("privileged", "procMount", "seLinuxOptions", "appArmorProfile", "sysctls", "supplementalGroups", "add"),
    *("nodeName", "schedulerName", "priorityClassName", "preemptionPolicy", "overhead", "shareProcessNamespace"),
    *("ephemeralContainers", "lifecycle", "volumeDevices", "subPath", "subPathExpr", "csi", "ephemeral", "projected"),
    *("hostDisk", "filesystems", "containerPath", "kernelBoot", "downwardMetrics", "clientPassthrough", "memoryDump"),
    *("bridge", "sriov", "macvtap", "slirp", "binding", "multus", "autoattachVSOCK", "serviceAccount", "utilityVolumes"),
    *("dataVolumeTemplates", "userData", "userDataBase64", "networkData", "accessCredentials", "path"),
    *("uuid", "machine", "running", "namespaces", "externalIPs", "externalName", "loadBalancerIP", "selectorLabels"),
}
"""Fields that no rendered object has (reference: Pod Security Standards; KubeVirt's VolumeSource and Devices)."""
PATHS = {"path"}
"""Among these: harmless in probes and in the items of a volume only."""

PLACES = st.tuples(SPECS, st.sampled_from((*POD_CLASSES, *MACHINE_CLASSES)))
many = settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def rendered(place: tuple[Json, ClassFacts]) -> list[Json]:
    """Return the bodies, and drop examples that are refused."""
    spec, facts = place
    try:
        return [child.body for child in render(subject(spec), facts)]
    except Unrenderable:
        assume(False)  # noqa: FBT003
        raise


@many
@given(PLACES)
def test_the_same_spec_gives_the_same_objects(place: tuple[Json, ClassFacts]) -> None:
    """Rendering has no memory and no clock."""
    assert rendered(place) == rendered(place)


@many
@given(PLACES)
def test_no_field_reaches_the_host(place: tuple[Json, ClassFacts]) -> None:
    """Not one of the fields that leave the sandbox occurs anywhere."""
    for body in rendered(place):
        assert not keys(body) & (NEVER - PATHS)
        for path, each in objects(body):
            if PATHS & each.keys():
                assert path[-1] == "httpGet" or path[-2] == "items"


@many
@given(PLACES)
def test_selectors_are_the_workload_label(place: tuple[Json, ClassFacts]) -> None:
    """Every selector names the one label that never changes; match expressions only keep others away."""
    for body in rendered(place):
        for path, each in objects(body):
            if path and path[-1] == "matchLabels":
                assert each == {WORKLOAD_LABEL: "web"}
            if "matchExpressions" in each:
                assert "affinity" in path
        if body["kind"] == "Service":
            assert body["spec"]["selector"] == {WORKLOAD_LABEL: "web"}


@many
@given(PLACES)
def test_labels_and_annotations_are_ours(place: tuple[Json, ClassFacts]) -> None:
    """No label and no annotation but Berth's own, wherever there is metadata."""
    for body in rendered(place):
        for path, each in objects(body):
            if path and path[-1] == "metadata":
                assert each.get("labels", {}).keys() <= LABELS
                assert each.get("annotations", {}).keys() <= ANNOTATIONS
                assert len(path) == 1 or each.keys() == {"labels"}


@many
@given(PLACES)
def test_only_metadata_names_a_namespace(place: tuple[Json, ClassFacts]) -> None:
    """A namespace stands in metadata.namespace and nowhere else."""
    for body in rendered(place):
        assert body["metadata"]["namespace"] == "shop"
        assert [path for path, _ in leaves(body) if "namespace" in path] == [("metadata", "namespace")]


@many
@given(PLACES)
def test_children_belong_to_the_workload(place: tuple[Json, ClassFacts]) -> None:
    """The Workload controls every child but disks that are kept."""
    for body in rendered(place):
        owners = body["metadata"].get("ownerReferences", [])
        kept = body["kind"] == "DataVolume" and place[0].get("deletionPolicy") != "Delete"
        assert [(owner["kind"], owner["controller"]) for owner in owners] == ([] if kept else [("Workload", True)])


@many
@given(st.tuples(SPECS, st.sampled_from(POD_CLASSES)))
def test_pods_are_restricted(place: tuple[Json, ClassFacts]) -> None:
    """Pods meet the restricted Pod Security Standard; user 0 exists only where it is not user 0 of the node."""
    facts = place[1]
    pod = rendered(place)[-1]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    if facts.level is IsolationLevel.CONTAINER and not facts.user_namespaces:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert all(value != 0 for path, value in leaves(pod) if path[-1] == "runAsUser")
    for each in [*pod["containers"], *pod.get("initContainers", [])]:
        assert each["securityContext"]["allowPrivilegeEscalation"] is False
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert each["securityContext"].get("runAsNonRoot", True) is True


@many
@given(PLACES)
def test_objects_satisfy_their_schemas(place: tuple[Json, ClassFacts]) -> None:
    """No unknown field, no wrong type, and nothing that KubeVirt's admission refuses."""
    found = rendered(place)
    assert [error for body in found for error in errors(body)] == []
    assert [violation for vm in machines(found) for violation in violations(vm)] == []


@many
@given(PLACES)
def test_nothing_is_written_that_the_api_server_drops(place: tuple[Json, ClassFacts]) -> None:
    """No null and no empty list: a live object would never compare equal."""
    for body in rendered(place):
        assert all(value is not None for _, value in leaves(body))
        assert [] not in [value for _, each in objects(body) for value in each.values()]


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
@given(PLACES)
def test_the_hash_is_of_the_body_without_it(place: tuple[Json, ClassFacts]) -> None:
    """Anybody can compute the hash again."""
    for body in rendered(place):
        annotations = body["metadata"]["annotations"]
        rest = {key: value for key, value in annotations.items() if key != DESIRED_HASH_ANNOTATION}
        bare = body | {"metadata": body["metadata"] | {"annotations": rest}}
        assert annotations[DESIRED_HASH_ANNOTATION] == fingerprint(bare)


@many
@given(SPECS)
def test_what_is_decided_about_is_what_is_rendered(spec: Json) -> None:
    """The guest has the size that was counted."""
    parsed = subject(spec).spec
    assert parsed.machine
    assume(not parsed.machine.instancetype)
    asked = ask_of(parsed, lambda _: None, {}).machine
    vcpus, _ = guest_size(parsed.resources)
    assert asked
    assert asked.vcpus == vcpus


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
        "sidecars": [
            {"name": "side", "image": "s:1", "args": [side], "livenessProbe": {"exec": {"command": [probe]}}}
        ],
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
