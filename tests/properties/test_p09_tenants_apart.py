"""P9: whatever changes in one tenant, what was decided, rendered and granted in another stays the same, byte for byte.

Everything of the other tenant changes: its spec, quota and nodes, its namespaces, Workloads, claims, pods and waivers,
and policies that name it; understood or not. Two things that admins may do are left out, for they are meant to reach
others: giving it a selector that takes a namespace of the first, and making that selector unreadable. So is the number
of moves at one time, which all tenants share.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import orjson

from berth.app.rationing import rationed
from berth.decide.fingerprint import canonical
from berth.render.children import render
from berth.render.model import Unrenderable
from decide.drawing import pick, some
from properties.examples import EXAMPLES, SEED, told
from properties.fields import a_value, spec_of
from properties.garbage import spoiled
from properties.site import Json, Site, furnished, passing
from properties.specs import a_spec

OURS = ("shop", "web")
CHANGES = 50
"""Changes of the other tenant, one after the other, in one cluster."""
QUOTA: Json = {"cpu": "20", "memory": "40Gi", "workloads": 5}

Change = tuple[str, str, Any, str, Json]
"""Kind, name, spec (None removes it), namespace, and further parts of the object."""


def a_cluster(random: Random) -> list[Change]:
    """Draw a cluster of two tenants."""
    tenant = {"namespaceSelector": {"matchLabels": {"tenant": "acme"}}} | pick(
        random,
        (
            {},
            {"floor": "Sandboxed", "quota": QUOTA},
            {"network": {"mode": "Open"}, "classes": {"allowed": ["gvisor", "kata"], "default": "kata"}},
            {"nodes": {"selector": {"pool": "n1"}}, "network": {"ingressNamespaces": ["edge"]}},
        ),
    )
    everywhere = {"mode": pick(random, ("Enforce", "Warn")), "reason": "x", "require": {"level": "Sandboxed"}}
    labels = {"tenant": "acme", "env": "prod"}
    return [
        ("Namespace", "shop", {}, "", {"labels": labels}),
        ("Namespace", "shop-db", {}, "", {"labels": labels}),
        ("Namespace", "evil", {}, "", {"labels": {"tenant": "evil"}}),
        ("Tenant", "acme", tenant, "", {}),
        ("IsolationPolicy", "all", everywhere, "", {}),
        ("PersistentVolumeClaim", "p", {"accessModes": ["ReadWriteMany"]}, "shop", {}),
        ("PersistentVolumeClaim", "q", {"accessModes": ["ReadWriteOnce"]}, "shop", {}),
        ("Workload", "web", _ours(random), "shop", {"labels": {"a": "1"}}),
    ]


def _ours(random: Random) -> Json:
    spec = a_spec(random)
    spec.setdefault("container", {"image": "app:1"})
    for name in ("serviceAccountName", "priorityClassName", "needs"):
        spec.pop(name, None)
    return spec


def a_change(random: Random) -> Change:
    """Draw a change of the other tenant."""
    return pick(random, WAYS)(random)


def _of_workloads(random: Random) -> Change:
    name = pick(random, ("web", "w0", "w1", "w2"))
    spec = pick(
        random, (None, a_spec(random), spoiled(random, a_spec(random))[0], a_value(random, spec_of("Workload")))
    )
    return "Workload", name, spec, pick(random, ("evil", "evil-2")), {"labels": {"a": pick(random, ("1", "2"))}}


def _of_the_tenant(random: Random) -> Change:
    spec = a_value(random, spec_of("Tenant"), odds=0.4)
    if random.random() < 0.2:
        spec = spoiled(random, spec)[0]
    if random.random() < 0.3:
        spec |= {"network": {"mode": "Isolated", "ingressNamespaces": ["shop"]}, "quota": {"workloads": 0}}
    return "Tenant", "evil", spec | {"namespaceSelector": {"matchLabels": {"tenant": "evil"}}}, "", {}


def _of_namespaces(random: Random) -> Change:
    name = pick(random, ("evil", "evil-2", "evil-3"))
    labels = {"tenant": "evil"} | dict(some(random, [("env", "prod"), ("a", "1"), ("team", "shop")], 2))
    return "Namespace", name, pick(random, (None, {}, {})), "", {"labels": labels}


def _of_policies(random: Random) -> Change:
    spec: Any = {"mode": "Enforce", "reason": "x", "match": {"tenants": ["evil"]}}
    spec |= pick(
        random,
        (
            {"require": {"level": "Confidential", "nodeSharing": "Exclusive"}},
            {"require": {"classes": ["kata"]}, "when": "workload.name == 'web'"},
            {"require": {"level": "Sandboxed"}, "unheard": 1},
            {"require": {"images": {"digest": "Required"}}},
        ),
    )
    return "IsolationPolicy", "theirs", pick(random, (None, spec, spec)), "", {}


def _of_waivers(random: Random) -> Change:
    spec = {
        "workloads": [{"namespace": "evil", "name": "web"}],
        "policies": some(random, ["all", "theirs"], 2) or ["all"],
        "reason": "x",
        "approver": "ada",
        "expiresAt": "2026-03-20T10:00:00Z",
    }
    return "Waiver", "theirs", pick(random, (None, spec, spec)), "", {}


def _of_claims(random: Random) -> Change:
    modes = pick(random, (["ReadWriteOnce"], ["ReadWriteMany"]))
    return "PersistentVolumeClaim", pick(random, ("p", "q")), pick(random, (None, {"accessModes": modes})), "evil", {}


def _of_pods(random: Random) -> Change:
    labels = {"berth.dev/workload": "web", "berth.dev/class": pick(random, ("runc", "kata"))}
    spec = pick(random, (None, {"containers": [], "nodeName": "n1"}))
    return "Pod", f"web-{random.randrange(3)}", spec, "evil", {"labels": labels, "status": {"phase": "Running"}}


def _of_children(random: Random) -> Change:
    labels = {"berth.dev/workload": "web", "berth.dev/class": pick(random, ("runc", "kata"))}
    spec = pick(random, (None, {"replicas": 3, "template": {"spec": {"containers": []}}}))
    return pick(random, ("Deployment", "Job", "NetworkPolicy")), "web", spec, "evil", {"labels": labels}


WAYS: tuple[Callable[[Random], Change], ...] = (
    *(_of_workloads, _of_workloads, _of_workloads, _of_the_tenant, _of_the_tenant, _of_namespaces),
    *(_of_policies, _of_waivers, _of_claims, _of_pods, _of_children),
)


def put(site: Site, change: Change) -> None:
    """Let a site see a change."""
    kind, name, spec, namespace, parts = change
    site.put(kind, name, spec, namespace, **parts)


def seen(site: Site) -> bytes:
    """Return everything that comes of the Workload of the first tenant, as bytes."""
    found = passing(site, OURS)
    assert found is not None
    move = rationed(found.look, found.move, site)  # type: ignore[arg-type]
    placed = found.decision.chosen.facts if found.decision.chosen else None
    try:
        bodies = [child.body for child in render(found.look.rendered, placed)] if placed else []
    except Unrenderable as error:
        bodies = [str(error)]
    said = [move, found.look.effective, found.look.waivers, found.bounds(site)]
    return canonical(found.decision) + orjson.dumps(bodies) + orjson.dumps(said, default=sorted)


def charged(site: Site) -> None:
    """Let the other tenant's Workloads take what their quota gives them."""
    for key in [key for key in site.store.workloads if key != OURS]:
        found = passing(site, key)
        if found is not None:
            rationed(found.look, found.move, site)  # type: ignore[arg-type]


def test_p09_nothing_in_one_tenant_changes_anything_in_another(
    record_property: Callable[[str, object], None],
) -> None:
    with told(record_property) as counts:
        number = placed = 0
        while sum(counts) < EXAMPLES:
            random = Random(f"{SEED}/tenants/{number}")
            number += 1
            changes = a_cluster(random)
            site = furnished()
            for change in changes:
                put(site, change)
            before = seen(site)
            placed += b'"reason":"Placed"' in before
            for _ in range(CHANGES):
                changes.append(a_change(random))
                put(site, changes[-1])
                if random.random() < 0.1:
                    charged(site)
                where = f"BERTH_SEED={SEED}, cluster {number - 1}, after {changes[-1]}"
                assert seen(site) == before, where
                counts.append(1)
            anew = furnished()
            for change in changes:
                put(anew, change)
            assert seen(anew) == before, "what was remembered is not what is found anew"
    assert placed > number / 4
