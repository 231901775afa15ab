"""Pods: what is refused, what the class adds, and what the author's wishes become."""

import pytest

from berth.decide.model import ClassFacts
from berth.render.model import Unrenderable
from render.specs import (
    CONTAINER,
    GVISOR,
    KATA,
    TENANTS,
    USERNS,
    VM,
    Json,
    bodies,
    container,
    pod_of,
)

OTHER_TENANTS = [
    {"key": "berth.dev/tenant", "operator": "Exists"},
    {"key": "berth.dev/tenant", "operator": "NotIn", "values": ["ns.shop"]},
]


@pytest.mark.parametrize(
    ("needs", "facts", "why"),
    [
        ({"root": True}, CONTAINER, "root on the host's kernel"),
        ({"privileged": True}, KATA, "never privileged"),
        ({"kernelModules": ["zfs"]}, GVISOR, "kernel modules"),
        ({"nestedVirtualization": True}, USERNS, "run no machines"),
    ],
)
def test_needs_that_pods_never_get(needs: Json, facts: ClassFacts, why: str) -> None:
    """Rendering refuses what deciding should have ruled out."""
    with pytest.raises(Unrenderable, match=why):
        pod_of(container(needs=needs), facts)


@pytest.mark.parametrize("level", ["Sandboxed", "Virtualized", "Confidential"])
def test_a_sandbox_without_a_runtime_is_none(level: str) -> None:
    """A class that promises a sandbox but names no runtime would run on the shared kernel."""
    facts = ClassFacts("broken", type(CONTAINER.level)(level), CONTAINER.backend)
    with pytest.raises(Unrenderable, match="names no runtime"):
        pod_of(container(), facts)


def test_a_machine_alone_is_no_pod() -> None:
    """A class of pods needs an image."""
    with pytest.raises(Unrenderable, match="add container"):
        pod_of(
            {"machine": {"bootDisk": {"containerDisk": {"image": "d:1"}}}, "resources": {"limits": {"memory": "1Gi"}}}
        )


@pytest.mark.parametrize(
    ("given", "security"),
    [
        ({}, {"runAsNonRoot": False, "runAsUser": 0}),
        ({"securityContext": {"runAsUser": 7}}, {"runAsNonRoot": True, "runAsUser": 7}),
    ],
)
def test_root_unless_a_user_is_named(given: Json, security: Json) -> None:
    """A user that the author names is tighter than needs.root, so it wins."""
    pod = pod_of(container(needs={"root": True}, **given), GVISOR)
    assert security.items() <= pod["securityContext"].items()


ROOT = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
)
BIND: Json = {"capabilities": {"add": ["NET_BIND_SERVICE"]}}


@pytest.mark.parametrize(
    ("given", "facts", "added"),
    [
        ({}, CONTAINER, None),
        ({}, KATA, None),
        ({"container": BIND}, CONTAINER, ["NET_BIND_SERVICE"]),
        ({"needs": {"root": True}}, USERNS, ROOT.split()),
        ({"needs": {"root": True}}, GVISOR, ROOT.split()),
        ({"needs": {"root": True}, "container": BIND}, KATA, ROOT.split()),
        ({"needs": {"root": True}, "container": {"runAsUser": 7}}, USERNS, None),
        ({"needs": {"root": True}, "securityContext": {"runAsUser": 7}}, USERNS, None),
    ],
)
def test_root_has_capabilities_and_others_have_none_but_what_they_add(
    given: Json, facts: ClassFacts, added: list[str] | None
) -> None:
    spec = container(**given | {"container": {"image": "app:1", "securityContext": given.get("container", {})}})
    security = pod_of(spec, facts)["containers"][0]["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]} | ({"add": added} if added else {})
    assert security["allowPrivilegeEscalation"] is False


def test_user_namespaces() -> None:
    """`hostUsers: false` comes from the class; elsewhere the field is absent."""
    assert pod_of(container(), USERNS)["hostUsers"] is False
    assert "hostUsers" not in pod_of(container(), GVISOR)


SERVED: Json = {"service": {"ports": [{"port": 80}]}}


def _with_pause(seconds: int) -> Json:
    return {"container": {"image": "app:1", "lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}}}


@pytest.mark.parametrize(
    ("given", "pause", "grace"),
    [
        ({}, None, None),
        ({"terminationGracePeriodSeconds": 9}, None, 9),
        (SERVED, 5, 35),
        (SERVED | {"terminationGracePeriodSeconds": 60}, 5, 60),
        (SERVED | {"terminationGracePeriodSeconds": 9}, 4, 9),
        (SERVED | {"terminationGracePeriodSeconds": 1}, None, 1),
        (SERVED | {"terminationGracePeriodSeconds": 0}, None, 0),
        (SERVED | _with_pause(0), None, None),
        (SERVED | _with_pause(0) | {"terminationGracePeriodSeconds": 0}, None, 0),
        (SERVED | _with_pause(120), 120, 150),
        (SERVED | _with_pause(8) | {"terminationGracePeriodSeconds": 9}, 8, 9),
        (_with_pause(2), 2, 32),
        ({"type": "Task"} | _with_pause(2), 2, 32),
    ],
)
def test_what_a_service_leads_to_pauses_before_it_ends_and_has_its_time_after_that(
    given: Json, pause: int | None, grace: int | None
) -> None:
    """A node learns that an address is gone after its pod is told to end: until then requests still come."""
    pod = pod_of(container() | given)
    hook = {"preStop": {"sleep": {"seconds": pause}}} if pause else None
    assert pod["containers"][0].get("lifecycle") == hook
    assert pod.get("terminationGracePeriodSeconds") == grace


def test_a_new_pod_is_ready_before_an_old_one_is_told_to_end() -> None:
    """Never fewer ready pods than replicas; readiness alone counts, so no pod waits for anything after it."""
    rollout = bodies(container(**SERVED), CONTAINER)["Deployment"]["spec"]
    assert rollout["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": "25%"}
    assert "minReadySeconds" not in rollout


@pytest.mark.parametrize(("facts", "runtime"), [(CONTAINER, None), (GVISOR, "gvisor"), (KATA, "kata")])
def test_runtime_of_the_class(facts: ClassFacts, runtime: str | None) -> None:
    """The RuntimeClass is the class' own; its overhead is left to Kubernetes."""
    assert pod_of(container(), facts).get("runtimeClassName") == runtime


@pytest.mark.parametrize(
    ("resources", "facts", "rendered"),
    [
        (None, CONTAINER, None),
        ({"requests": {"cpu": "1000m"}}, CONTAINER, {"requests": {"cpu": "1"}}),
        (
            {"requests": {"cpu": "1", "memory": "1Gi"}},
            KATA,
            {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        ),
        (
            {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}},
            KATA,
            {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        ),
        (
            {"requests": {"cpu": "2", "memory": "1024Mi"}, "limits": {"memory": "1Gi"}, "dedicated": True},
            CONTAINER,
            {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        ),
    ],
)
def test_resources(resources: Json | None, facts: ClassFacts, rendered: Json | None) -> None:
    """Kata and dedicated processors need limits; everything is written as the API server stores it."""
    spec = container() if resources is None else container(resources=resources)
    assert pod_of(spec, facts)["containers"][0].get("resources") == rendered


def test_dedicated_needs_every_size() -> None:
    """One container without a size would make the pod Burstable, and nothing would be dedicated."""
    sizes = {"requests": {"cpu": "1", "memory": "1Gi"}, "dedicated": True}
    with pytest.raises(Unrenderable, match="container side"):
        pod_of(container(resources=sizes, sidecars=[{"name": "side", "image": "s:1"}]))


def test_nodes_of_the_class_come_before_the_author() -> None:
    """The author's architecture is an addition; what the class says of its nodes stands."""
    pod = pod_of(container(needs={"architecture": "arm64"}), TENANTS)
    assert pod["nodeSelector"] == {"kubernetes.io/arch": "arm64", "pool": "tenants"}
    assert pod["tolerations"] == [
        {"key": "pool", "operator": "Equal", "value": "tenants", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    ]


def test_other_tenants_are_kept_off_the_node() -> None:
    """The term looks at pods with a tenant in all namespaces, so DaemonSets do not bar the node."""
    affinity = pod_of(container(), TENANTS)["affinity"]
    [term] = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["namespaceSelector"] == {}
    assert term["labelSelector"] == {"matchExpressions": OTHER_TENANTS}


@pytest.mark.parametrize(
    ("claim", "strategy"),
    [
        ({"claimName": "d"}, "Recreate"),
        ({"claimName": "d", "readOnly": False}, "Recreate"),
        ({"claimName": "d", "readOnly": True}, "RollingUpdate"),
    ],
)
def test_one_writer(claim: Json, strategy: str) -> None:
    """A disk that is written has one writer at a time."""
    volumes = [{"name": "d", "persistentVolumeClaim": claim}]
    assert bodies(container(volumes=volumes), CONTAINER)["Deployment"]["spec"]["strategy"]["type"] == strategy


def test_scaling_restarts_nothing() -> None:
    """The pod template does not depend on the number of replicas."""
    one, many = (pod_of(container(replicas=replicas)) for replicas in (1, 9))
    assert one == many


@pytest.mark.parametrize(
    ("replicas", "kind", "facts", "budget"),
    [
        (1, "Service", CONTAINER, None),
        (3, "Service", CONTAINER, {"maxUnavailable": 1}),
        (3, "Task", CONTAINER, None),
        (3, "Service", VM, {"minAvailable": 2}),
    ],
)
def test_disruption_budget(replicas: int, kind: str, facts: ClassFacts, budget: Json | None) -> None:
    """Only services of several replicas have one; launcher pods need a whole minAvailable."""
    machine = {"bootDisk": {"containerDisk": {"image": "d:1"}}}
    spec = container(replicas=replicas, type=kind, machine=machine, resources={"limits": {"memory": "1Gi"}})
    found = bodies(spec, facts).get("PodDisruptionBudget")
    assert (found is None) == (budget is None)
    assert budget is None or budget.items() <= found["spec"].items()  # type: ignore[index]


def test_names_that_are_no_label_values() -> None:
    """A class whose name does not fit into a label is refused before anything is written."""
    with pytest.raises(Unrenderable, match="value of a label"):
        bodies(container(), ClassFacts("c" * 64, CONTAINER.level, CONTAINER.backend))


@pytest.mark.parametrize(
    ("change", "reruns"),
    [
        ({"isolation": {"level": "Sandboxed"}}, False),
        ({"trust": "Untrusted"}, False),
        ({"switching": {"approval": "Manual"}}, False),
        ({"deletionPolicy": "Delete"}, False),
        ({"replicas": 1}, False),
        ({"replicas": 2}, True),
        ({"container": {"image": "app:2"}}, True),
    ],
)
def test_a_finished_task_runs_again_only_when_edited(change: Json, reruns: bool) -> None:
    """The source hash is of what the author wrote, not of where it runs."""
    spec = container(type="Task")
    before, after = (bodies(each, CONTAINER)["Job"]["metadata"]["annotations"] for each in (spec, spec | change))
    assert (before["berth.dev/source-hash"] != after["berth.dev/source-hash"]) == reruns
    moved = bodies(spec, GVISOR)["Job"]["metadata"]["annotations"]
    assert moved["berth.dev/source-hash"] == before["berth.dev/source-hash"]
    assert moved["berth.dev/desired-hash"] != before["berth.dev/desired-hash"]
