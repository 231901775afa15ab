"""Checks of names, labels, annotations, owners and texts: what is let through gets no further than it should."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ground.api import MERGE, ApiError, call
from scenarios import objects
from scenarios.kinds import (
    DATA_VOLUME,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    POD,
    SERVICE,
    TENANT,
    VM,
    VMI,
    WORKLOAD,
)
from scenarios.site import condition
from threats.acting import (
    WORKLOADS,
    children_of,
    reason_of,
    refused,
    until,
    workload,
)
from threats.people import kubeconfig
from threats.site import EVIL, SHOP, Site, place
from threats.specs import CONTAINER, DISKS, FULL, GUEST, LOADED
from verify.change import changed, path_of
from verify.foreign import STEERING

Json = dict[str, Any]

STEERED = "steered"


def steers_nothing(site: Site, key: str) -> str:
    """A key that controllers take orders from gets from a Workload to none of its children, pods and instances."""
    text = _noted(site)
    assert text, "there are no children"
    assert json.dumps({key: STEERED})[1:-1] not in text, "a child has it"
    return "no Deployment, Service, policy, pod, machine or instance has it"


@lru_cache(maxsize=1)
def _noted(site: Site) -> str:
    """Make a container and a machine with every such key, and return everything that was made for them."""
    keys = {key: STEERED for key in STEERING if not key.startswith(("berth.dev/", "kopf.zalando.org/"))}
    assert keys
    text = ""
    for name, spec in (("noted", CONTAINER), ("noted-guest", GUEST)):
        with workload(site, name, spec, annotations=keys, labels=keys):
            until(site, name, "Ready", "True")
            found = children_of(site, EVIL, name)
            assert any(each["kind"] in {"Deployment", "VirtualMachine"} for each in found if "kind" in each)
            text += json.dumps(found)
    return text


def no_token_in_pods(site: Site) -> str:
    """No pod or machine of a Workload has a token of the API server."""
    pods = [
        pod
        for pod in objects.items(site.cluster, POD, EVIL, "berth.dev/workload")
        if "kubevirt.io" not in pod["metadata"]["labels"]
    ]
    assert pods
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert not any("projected" in volume for volume in pod["spec"].get("volumes", []))
    for machine in objects.items(site.cluster, VMI, EVIL):
        assert not any("serviceAccount" in volume for volume in machine["spec"].get("volumes", []))
    return f"{len(pods)} pods have none"


def text_stays_in_its_place(site: Site, text: str) -> str:
    """A text in every free field of a Workload is rendered at the same places, letter by letter, and nowhere else."""
    spec: Json = FULL
    for path, value in (
        ("container.command", [text]),
        ("container.args", ["-c", text]),
        ("container.env.0.value", text),
        ("container.workingDir", text),
        ("container.readinessProbe.httpGet.path", text),
        ("container.readinessProbe.httpGet.httpHeaders.0.value", text),
        ("sidecars.0.args", [text]),
    ):
        spec = changed(spec, path_of(path), value)
    with workload(site, f"text-{abs(hash(text)) % 10**8}", spec) as name:
        found = objects.until(site.cluster, WORKLOAD, EVIL, name, lambda found: place(found) == "gvisor")
        made = objects.until(site.cluster, DEPLOYMENT, EVIL, name, lambda found: found)
        assert reason_of(found) != "ChildRejected", found["status"]
        places = sorted(
            path.removeprefix("spec.") for path, each in _texts(made) if each == text and path.startswith("spec.")
        )
        others = [
            path
            for path, each in _texts({**made, "metadata": {**made["metadata"], "managedFields": []}})
            if text in each and each != text
        ]
    pod = "template.spec."
    assert places == sorted(
        [
            f"{pod}containers.0.command.0",
            f"{pod}containers.0.args.1",
            f"{pod}containers.0.env.0.value",
            f"{pod}containers.0.workingDir",
            f"{pod}containers.0.readinessProbe.httpGet.path",
            f"{pod}containers.0.readinessProbe.httpGet.httpHeaders.0.value",
            f"{pod}initContainers.0.args.0",
        ]
    ), places
    assert not others, others
    return "it stands at its seven places, as it was written"


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{path}.{number}")


def selectors_select_their_own(site: Site) -> str:
    """Every selector that Berth writes selects pods of its own Workload alone, whatever labels others have."""
    foreign = {"metadata": {"name": "foreign", "labels": {"app": "web", "app.kubernetes.io/name": "web"}}}
    foreign["spec"] = {"containers": [{"name": "c", "image": "x"}]}  # type: ignore[assignment]
    objects.put(site.cluster, POD, "free", foreign)
    checked = 0
    for kind, at in ((SERVICE, "selector"), (NETWORK_POLICY, "podSelector"), (DEPLOYMENT, "selector")):
        for each in objects.items(site.cluster, kind, EVIL, "app.kubernetes.io/managed-by=berth"):
            chosen = each["spec"][at].get("matchLabels", each["spec"][at])
            assert list(chosen) == ["berth.dev/workload"], chosen
            assert chosen["berth.dev/workload"] == each["metadata"]["name"]
            query = ",".join(f"{key}={value}" for key, value in chosen.items())
            assert not objects.items(site.cluster, POD, "free", query)
            checked += 1
    assert checked > 5
    return f"{checked} selectors"


def owners_bind_no_namespace(site: Site) -> str:
    """A namespace that names a Tenant as its owner does not become its namespace: the binding is by labels alone."""
    owner = objects.get(site.cluster, TENANT, "", "acme")["metadata"]
    reference = {"apiVersion": "berth.dev/v1alpha1", "kind": "Tenant", "name": "acme", "uid": owner["uid"]}
    body = {"metadata": {"name": "claimed", "ownerReferences": [reference]}}
    call(kubeconfig(site.cluster, "lead"), "POST", "/api/v1/namespaces", body)
    try:
        with workload(site, "probe", CONTAINER, "claimed", "admin"):
            found = until(site, "probe", "Placed", "True", "claimed")
            assert "tenant" not in found["status"], found["status"]["tenant"]
        assert "claimed" not in objects.get(site.cluster, TENANT, "", "acme")["status"]["namespaces"]
    finally:
        objects.delete(site.cluster, NAMESPACE, "", "claimed")
    return "it belongs to nobody"


def owners_decide_nothing(site: Site) -> str:
    """A Workload that names another Tenant as its owner stays under its own namespace's."""
    owner = objects.get(site.cluster, TENANT, "", "acme")["metadata"]
    reference = {"apiVersion": "berth.dev/v1alpha1", "kind": "Tenant", "name": "acme", "uid": owner["uid"]}
    with workload(site, "claimant", CONTAINER, ownerReferences=[reference]) as name:
        found = until(site, name, "Placed", "True")
        assert found["status"]["tenant"] == "evil", found["status"]["tenant"]
        made = objects.until(site.cluster, DEPLOYMENT, EVIL, name, lambda found: found)
        assert [each["name"] for each in made["metadata"]["ownerReferences"]] == [name]
    return "it is tenant evil's"


def scale_takes_no_metadata(site: Site) -> str:
    """The scale subresource changes replicas and nothing else."""
    path = f"{WORKLOADS.format(EVIL)}/web/scale"
    forged = {
        "metadata": {"annotations": {"berth.dev/forged": "x"}, "labels": {"berth.dev/class": "x"}},
        "spec": {"replicas": 2},
    }
    with suppress(ApiError):
        call(kubeconfig(site.cluster, "developer"), "PATCH", path, forged, MERGE)
    found = objects.get(site.cluster, WORKLOAD, EVIL, "web")
    assert "berth.dev/forged" not in json.dumps(found)
    assert "berth.dev/class" not in found["metadata"].get("labels", {})
    return "metadata stays as it was"


def no_peering(site: Site) -> str:
    """There are no peering objects by which somebody could pause the operator: they are not served."""
    body = {"apiVersion": "kopf.dev/v1", "kind": "KopfPeering", "metadata": {"name": "default"}}
    for who in ("owner", "admin"):
        said = refused(site, who, "POST", f"/apis/kopf.dev/v1/namespaces/{EVIL}/kopfpeerings", body)
    return said


def finalizer_holds_nothing(site: Site) -> str:
    """A Workload that is held while it is deleted runs nothing weaker, even when its author edits it meanwhile."""
    path = f"{WORKLOADS.format(EVIL)}/held"
    developer = kubeconfig(site.cluster, "developer")
    with workload(site, "held", CONTAINER, finalizers=["evil.example/hold"]):
        until(site, "held", "Ready", "True")
        call(developer, "DELETE", path)
        call(developer, "PATCH", path, {"spec": {"isolation": {"className": "container"}}}, MERGE)
        made = objects.get(site.cluster, DEPLOYMENT, EVIL, "held")
        assert not made or made["spec"]["template"]["spec"]["runtimeClassName"] == "gvisor"
        call(developer, "PATCH", path, {"metadata": {"finalizers": []}}, MERGE)
    objects.gone(site.cluster, WORKLOAD, EVIL, "held")
    pods = objects.items(site.cluster, POD, EVIL, "berth.dev/workload=held")
    assert all(pod["spec"].get("runtimeClassName") == "gvisor" for pod in pods)
    return "what ran was a sandbox to the end"


def no_status_on_create(site: Site) -> str:
    """A status that comes with a new Workload is dropped."""
    body = {
        "apiVersion": WORKLOAD.api,
        "kind": WORKLOAD.name,
        "metadata": {"name": "fresh"},
        "spec": CONTAINER,
        "status": {"reason": "Running", "ready": "1/1", "placement": {"className": "container", "level": "Container"}},
    }
    answer = call(kubeconfig(site.cluster, "developer"), "POST", f"{WORKLOADS.format(EVIL)}?dryRun=All", body)
    assert "placement" not in answer.get("status", {}), answer["status"]
    return "it is dropped"


def names_never_collide(site: Site) -> str:
    """Children have the Workload's own name, which is unique in its namespace; disks have another one each."""
    for key, body in site.children.items():
        name = key.split("/")[0]
        if body["kind"] == "DataVolume":
            assert body["metadata"]["name"].startswith(f"{name}-")
        else:
            assert body["metadata"]["name"] == name, key
        assert (
            body["metadata"]["labels"]["berth.dev/disk-of" if body["kind"] == "DataVolume" else "berth.dev/workload"]
            == name
        )
    for name in ("web-x", "we", "webb"):
        with workload(site, name, CONTAINER):
            until(site, name, "Ready", "True")
            selector = f"berth.dev/workload={name}"
            for pod in objects.items(site.cluster, POD, EVIL, selector):
                assert pod["metadata"]["name"].startswith(f"{name}-")
    return "web, web-x, we and webb have pods of their own each"


def a_taken_disk_is_not_shared(site: Site) -> str:
    """Of two Workloads whose disks would be called the same, the second gets nothing, and says so."""
    source = DISKS["machine"]["bootDisk"]
    size = {"name": "b-c", **source}
    with workload(site, "col-a", changed(DISKS, path_of("machine.disks"), [size])):
        objects.until(site.cluster, DATA_VOLUME, EVIL, "col-a-b-c", lambda found: found)
        with workload(site, "col-a-b", changed(DISKS, path_of("machine.disks"), [{"name": "c", **source}])):
            found = until(site, "col-a-b", "Stalled", "True", says="col-a-b-c")
            said: str = condition(found, "Stalled")["message"]
            assert not objects.get(site.cluster, VM, EVIL, "col-a-b")
        disk = objects.get(site.cluster, DATA_VOLUME, EVIL, "col-a-b-c")
        assert disk["metadata"]["labels"]["berth.dev/disk-of"] == "col-a"
    return said


def same_names_stay_apart(site: Site) -> str:
    """Workloads of the same name in two tenants have children of their own, with nothing of the other in them."""
    mine, theirs = (objects.get(site.cluster, DEPLOYMENT, at, "web") for at in (EVIL, SHOP))
    uids = [each["metadata"]["ownerReferences"][0]["uid"] for each in (mine, theirs)]
    assert len(set(uids)) == 2
    assert "acme" not in json.dumps(mine["spec"])
    assert "evil" not in json.dumps(theirs["spec"])
    assert mine["spec"]["replicas"] == LOADED["replicas"]
    rules = [objects.get(site.cluster, NETWORK_POLICY, at, "web")["spec"] for at in (EVIL, SHOP)]
    assert SHOP not in json.dumps(rules[0])
    assert EVIL not in json.dumps(rules[1])
    return "owners, images, tenants and peers differ"
