"""Checks of size and number: what is too much is refused at once, and holds nobody up."""

import json
from time import monotonic
from typing import Any

from ground.api import APPLY, MERGE, ApiError, call, eventually
from scenarios import objects
from scenarios.audit import Audit
from scenarios.kinds import (
    DEPLOYMENT,
    EVENT,
    POLICY,
    WORKLOAD,
    Kind,
)
from scenarios.site import audit_of
from threats.acting import (
    DENIED,
    SOON,
    WORKLOADS,
    events_of,
    reason_of,
    refused,
    tried,
    until,
    workload,
)
from threats.people import kubeconfig
from threats.site import EVIL, SHOP, Site
from threats.specs import CONTAINER

Json = dict[str, Any]

CRD = Kind("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False)


def a_storm_holds_nobody_up(site: Site) -> str:
    """A hundred updates of one tenant do not keep another tenant's Workload waiting."""
    developer = kubeconfig(site.cluster, "developer")
    with workload(site, "storm", CONTAINER):
        for number in range(100):
            path = f"{WORKLOADS.format(EVIL)}/storm"
            call(
                developer, "PATCH", path, {"spec": {"container": {"env": [{"name": "N", "value": str(number)}]}}}, MERGE
            )
        start = monotonic()
        with workload(site, "calm", CONTAINER, SHOP, "admin"):
            objects.until(site.cluster, DEPLOYMENT, SHOP, "calm", lambda found: found, SOON)
            took = monotonic() - start
    assert took < SOON, f"it took {took:.1f} s"
    return f"it was there after {took:.1f} s"


def too_long(site: Site, path: str, size: int) -> str:
    """A text that is too long is refused at once."""
    value: Any = "x" * size
    last = path.rpartition(".")[2]
    if last in {"args", "command"}:
        value = [value]
    if last == "env":
        value = [{"name": "A", "value": value}]
    return tried(site, path, value)


def too_many(site: Site, path: str, size: int) -> str:
    """A list that is too long is refused at once."""
    last = path.rpartition(".")[2]
    one: Json = {"sidecars": {"image": "x"}, "volumes": {"emptyDir": {}}, "env": {"value": "x"}}[last]
    return tried(site, path, [{"name": f"n{number}", **one} for number in range(size)])


def too_much_text(site: Site) -> str:
    """Variables that are short each are too long together."""
    said = tried(site, "spec.container.env", [{"name": f"N{number}", "value": "x" * 8000} for number in range(9)])
    assert "longer than 65536 characters together" in said, said
    return said


def deep_json(site: Site, depth: int) -> str:
    """JSON that is nested deeply is refused at once."""
    body = (
        b'{"apiVersion":"berth.dev/v1alpha1","kind":"Workload","metadata":{"name":"x"},"spec":{"x":'
        + b"[" * depth
        + b"]" * depth
        + b"}}"
    )
    return refused(site, "developer", "POST", f"{WORKLOADS.format(EVIL)}?dryRun=All&fieldValidation=Strict", body)


def yaml_bomb_at_the_api_server(site: Site) -> str:
    """A YAML bomb is refused at once."""
    lines = ["a: &a [" + ",".join(["x"] * 9) + "]"]
    lines += [
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    text = "apiVersion: berth.dev/v1alpha1\nkind: Workload\nmetadata: {name: bomb}\nspec: {container: {image: x, args: *i}}\n"
    path = f"{WORKLOADS.format(EVIL)}/bomb?fieldManager=x&dryRun=All&fieldValidation=Strict"
    return refused(site, "developer", "PATCH", path, ("\n".join(lines) + "\n" + text).encode(), APPLY)


def too_long_condition(site: Site) -> str:
    """A condition of a policy has an end."""
    spec = {"mode": "Enforce", "reason": "r", "require": {"level": "Sandboxed"}, "when": "true || " * 600 + "true"}
    body = {"apiVersion": POLICY.api, "kind": POLICY.name, "metadata": {"name": "long"}, "spec": spec}
    return refused(site, "admin", "POST", f"{POLICY.path()}?dryRun=All", body)


def events_are_told_once(site: Site) -> str:
    """Ten edits of a Workload that stays denied for the same reason make one Event."""
    developer = kubeconfig(site.cluster, "developer")
    with workload(site, "flood", DENIED) as name:
        until(site, name, "Placed", "False")
        for number in range(10):
            env = {"spec": {"container": {"env": [{"name": "N", "value": str(number)}]}}}
            call(developer, "PATCH", f"{WORKLOADS.format(EVIL)}/{name}", env, MERGE)
            until(site, name, "Placed", "False")
        count = len(events_of(site, name))
    assert count <= 1, f"{count} Events"
    return f"{count} Event"


def notes_have_an_end(site: Site) -> str:
    """No note of any Event is longer than the API server takes, and none was dropped."""
    notes = [
        each.get("note", "")
        for each in objects.items(site.cluster, EVENT)
        if each.get("reportingController") == "berth.dev/operator"
    ]
    assert notes
    longest = max(len(note.encode()) for note in notes)
    assert longest <= 1024
    assert site.operator.metric("berth_events_dropped_total") == 0
    return f"{len(notes)} Events, the longest of {longest} bytes"


def denied_is_quiet(site: Site) -> str:
    """A Workload that is denied is said to be once: no writes follow."""
    log: Audit = audit_of(site.cluster)
    with workload(site, "denied", {**CONTAINER, "isolation": {"className": "container"}}, "lost") as name:
        until(site, name, "Placed", "False", "lost")
        log.settle(2.5, "lost")
        log.silence(2.0, "lost")
    return "no write within two seconds"


def an_old_object_stops_nothing(site: Site) -> str:
    """A Workload that was stored before a rule, and makes no sense now, runs nothing and holds nobody up."""
    name = "workloads.berth.dev"
    crd = objects.get(site.cluster, CRD, "", name)
    loose = json.loads(json.dumps(crd["spec"]["versions"]))
    for version in loose:
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version["schema"]["openAPIV3Schema"]["properties"]["spec"] = anything
        version["subresources"]["scale"] = None
    old = {
        "metadata": {"name": "old"},
        "spec": {"container": {"image": 7, "privileged": True}, "replicas": "many", "volumes": {}},
    }
    objects.merge(site.cluster, CRD, "", name, {"spec": {"versions": loose}})
    try:
        eventually(lambda: _put(site, old), SOON, "the old object is stored")
    finally:
        objects.merge(site.cluster, CRD, "", name, {"spec": {"versions": crd["spec"]["versions"]}})
    strict = {**old, "metadata": {"name": "probe"}}
    eventually(lambda: not _put(site, strict, dry=True), SOON, "the schema is back")
    try:
        with workload(site, "after", CONTAINER):
            until(site, "after", "Ready", "True")
        assert site.operator.alive()
        assert not objects.get(site.cluster, DEPLOYMENT, EVIL, "old")
        found = objects.get(site.cluster, WORKLOAD, EVIL, "old")
        return f"it has {reason_of(found) or 'no'} as its reason, and the others run"
    finally:
        objects.delete(site.cluster, WORKLOAD, EVIL, "old")


def _put(site: Site, body: Json, *, dry: bool = False) -> bool:
    whole = {"apiVersion": WORKLOAD.api, "kind": WORKLOAD.name, **body}
    try:
        call(site.cluster.kubeconfig, "POST", WORKLOADS.format(EVIL) + ("?dryRun=All" if dry else ""), whole)
    except ApiError:
        return False
    return True
