"""What a dry-run of a Workload is told: every kind of outcome, in words, the most important first."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.pictures import Json, Pictured, assert_told, disk, erp, policy, raw, waiver, web
from berth.app.rationing import what_runs
from berth.app.views import Look
from berth.verify.model import Bounds, Rule, Violation
from berth.world import children, parse, storage

ROOM: Json = {"cpu": "2", "memory": "3Gi"}
GPU: Json = {"gpu": {"deviceName": "vendor.example/gpu"}}


def acme(p: Pictured, **spec: object) -> None:
    """Make shop a namespace of Tenant acme."""
    p.tenant("acme", **spec)
    p.namespace("shop", tenant="acme")


def pci(p: Pictured) -> None:
    p.policy("pci", {"level": "Virtualized"})


def confidential(p: Pictured, **spec: object) -> None:
    p.policy("secret", {"level": "Confidential"}, **spec)


def running(*names: str, **spec: object) -> Callable[[Pictured], None]:
    def prepare(p: Pictured) -> None:
        for name in names:
            p.run(name, web(**spec))

    return prepare


def pods_are_there(p: Pictured) -> None:
    (made,) = (child for child in p.store.children(("shop", "web")) if child.kind == "Deployment")
    p.store.put_child("Deployment", made.key, replace(made, replicas=1))


def machine(p: Pictured) -> None:
    p.run("web", erp())


def both(*steps: Callable[[Pictured], None]) -> Callable[[Pictured], None]:
    def prepare(p: Pictured) -> None:
        for step in steps:
            step(p)

    return prepare


def quota(p: Pictured) -> None:
    acme(p, quota=ROOM)


def waiting(p: Pictured) -> None:
    p.workload("early", web(), status={"reason": "WaitingForQuota", "conditions": []})


def one_writer(p: Pictured) -> None:
    claim = {"metadata": {"namespace": "shop", "name": "d", "uid": "d"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    p.store.put_claim(("shop", "d"), storage.claim(claim))
    p.run("web", web(**disk()))


def taken(p: Pictured) -> None:
    """Let somebody else have a Deployment with the labels and the name of a child."""
    labels = {"berth.dev/workload": "web"}
    meta = {"name": "web", "namespace": "shop", "uid": "x", "resourceVersion": "1", "generation": 1, "labels": labels}
    spec = {"template": {"spec": {"containers": []}}}
    made = {"kind": "Deployment", "metadata": meta | {"creationTimestamp": "2026-03-01T10:00:00Z"}, "spec": spec}
    p.store.put_child("Deployment", ("shop", "web"), children.child(made))


def ending(p: Pictured) -> None:
    confidential(p)
    p.waiver("migration", waiver("secret", expiresAt="2026-03-02T10:00:00Z"))


def two_tenants(p: Pictured) -> None:
    p.tenant("acme")
    p.tenant("evil")
    p.store.put_namespace("shop", None)
    p.namespace("shop", tenant="acme", other="evil")
    evil = {"namespaceSelector": {"matchLabels": {"other": "evil"}}, "network": {"mode": "Open"}}
    p.store.put_tenant("evil", parse.tenant(raw("evil", evil)))


def going(p: Pictured) -> None:
    p.store.put_namespace("shop", None)


def nothing(_: Pictured) -> None:
    """Leave everything as it is."""


PCI = "lowest level that fits and meets Virtualized required by IsolationPolicy pci (cardholder data)"
TOLD: dict[str, tuple[Callable[[Pictured], None], Json, list[str]]] = {
    "a new one": (
        nothing,
        web(),
        [
            "would run in container (Container): lowest level that fits and meets Container required by cluster default",
            "isolation adds nothing to the 500m CPU and 1Gi that it asks for",
            "would create NetworkPolicy web, Deployment web",
        ],
    ),
    "replicas under a policy": (
        pci,
        web(replicas=2),
        [
            f"would run in kata (Virtualized): {PCI}",
            "isolation adds 500m CPU and 640Mi to the 1 CPU and 2Gi that its 2 replicas ask for",
            "would create NetworkPolicy web, PodDisruptionBudget web, Deployment web",
        ],
    ),
    "none for now": (
        pci,
        web(replicas=0),
        [
            f"would run in kata (Virtualized): {PCI}",
            "isolation adds 250m CPU and 320Mi to the 500m CPU and 1Gi that each replica asks for",
            "would create NetworkPolicy web, Deployment web",
        ],
    ),
    "a machine": (
        nothing,
        erp(),
        [
            "would run in vm (Virtualized): lowest level that fits and meets Container required by cluster default",
            "isolation adds 256Mi to the 100m CPU and 1Gi that it asks for",
            (
                "no port is open: machine.ports is empty, so nothing can connect: add the ports that the guest listens on"
                " to machine.ports"
            ),
            "would create NetworkPolicy web, VirtualMachine web",
        ],
    ),
    "a machine beside an image that runs": (
        nothing,
        web(machine=erp()["machine"]),
        [
            "would run in container (Container): lowest level that fits and meets Container required by cluster default",
            "isolation adds nothing to the 500m CPU and 1Gi that it asks for",
            "would create NetworkPolicy web, Deployment web",
        ],
    ),
    "nothing fits": (
        nothing,
        erp(isolation={"level": "Confidential"}),
        [
            (
                "would not run: NoEligibleClass: Confidential required by spec.isolation.level; kata, vm: Virtualized is below"
                " Confidential, required by spec.isolation.level: use a class of level Confidential or above"
            ),
            (
                "... container: Container is below Confidential, required by spec.isolation.level: use a class of level"
                " Confidential or above; gvisor: Sandboxed is below Confidential, required by spec.isolation.level: use a class"
                " of level Confidential or above"
            ),
            "it would run in vm if you remove spec.isolation.level",
        ],
    ),
    "the cluster has not what it needs": (
        nothing,
        web(needs=GPU),
        ["would not run: NoCapableNode", "1 vendor.example/gpu", "it would run in container if you drop needs.gpu"],
    ),
    "a tenant denies it": (
        lambda p: acme(p, images={"registries": ["registry.example/acme/"]}),
        web(),
        ["would not run: PolicyDenied: image registry.example/web:1 is not from registry.example/acme/"],
    ),
    "it fits the quota": (
        both(quota, running("other")),
        web(),
        [
            "would run in container",
            "fits the quota: Tenant acme would use 1 of 2 cpu, 2Gi of 3Gi memory",
            "isolation adds nothing",
        ],
    ),
    "it is larger than the quota": (
        quota,
        web(replicas=5),
        [
            "would run in container",
            (
                "it is larger than the quota, and it would not start: needs 2500m cpu, but Tenant acme may have 2: lower"
                " cpu by 500m, or ask for more quota"
            ),
            "needs 5Gi memory, but Tenant acme may have 3Gi: lower memory by 2Gi, or ask for more quota",
        ],
    ),
    "it finds no room": (
        both(quota, running("other", replicas=2)),
        web(replicas=2),
        [
            "would run in container",
            (
                "it finds no room in the quota, and it would not start: Tenant acme uses 2Gi of 3Gi memory, and this needs"
                " 2Gi: lower memory by 1Gi, wait until something goes, or ask for more quota"
            ),
        ],
    ),
    "it would grow beyond the quota": (
        both(quota, running("other", "web")),
        web(replicas=3),
        [
            "would stay in container",
            "it finds no room in the quota, and it would keep what it has: Tenant acme uses 1Gi of 3Gi memory",
        ],
    ),
    "it grows within the quota": (
        both(quota, running("other", "web")),
        web(replicas=2),
        [
            "would stay in container",
            "fits the quota: Tenant acme would use 1500m of 2 cpu, 3Gi of 3Gi memory",
        ],
    ),
    "others came first": (
        both(quota, waiting),
        web(),
        ["fits the quota", "1 Workload of Tenant acme came first and waits for room in the quota"],
    ),
    "it runs and stays": (
        running("web"),
        web(container={"image": "registry.example/web:2"}),
        ["would stay in container (Container)", "isolation adds nothing", "would change Deployment web"],
    ),
    "it runs and moves by itself": (
        both(running("web"), pci),
        web(),
        [f"would move by itself from container to kata (Virtualized): {PCI}", "would change Deployment web"],
    ),
    "its move waits for approval": (
        both(machine, confidential, lambda p: p.waiver("w", waiver("secret"))),
        web(isolation={"className": "kata"}),
        [
            "would have to move from vm to kata (Virtualized): named by spec.isolation.className",
            "the move would wait for approval: the machine would stop and start anew; until then it stays in vm",
        ],
    ),
    "its move would stop a writer": (
        both(one_writer, pci),
        web(**disk()),
        [
            "would have to move from container to kata",
            "until then it stays in container, below what is required",
        ],
    ),
    "it runs and nothing fits any more": (
        both(running("web"), confidential),
        web(),
        [
            "would not run: NoEligibleClass",
            "what runs of it in container would go on as it is, below what is required, and nothing new of it would start",
        ],
    ),
    "nothing fits any more and it is asked to stop": (
        both(running("web"), pods_are_there, confidential),
        web(replicas=0),
        [
            "would not run: NoEligibleClass",
            "what runs of it in container would stop, for no replicas are asked for",
            "would delete Deployment web",
        ],
    ),
    "policies in mode Warn": (
        lambda p: p.policy("soon", {"level": "Sandboxed"}, mode="Warn"),
        web(),
        [
            "would run in container",
            "if policies in mode Warn were enforced, it would run in gvisor: gvisor (Sandboxed)",
        ],
    ),
    "policies in mode Audit change nothing": (
        lambda p: p.policy("count", {"level": "Confidential"}, mode="Audit"),
        web(),
        ["would run in container", "isolation adds nothing", "would create"],
    ),
    "a waiver that ends soon": (
        ending,
        web(),
        ["would run in container", "Waiver migration ends at 2026-03-02T10:00:00Z"],
    ),
    "a condition that fails": (
        lambda p: p.policy("odd", {"level": "Sandboxed"}, when="workload.labels.tier == 'db'"),
        web(),
        [
            "would run in gvisor",
            "the condition of IsolationPolicy odd failed on this Workload, which counts as a match",
        ],
    ),
    "two tenants": (
        two_tenants,
        web(),
        ["would run in container", "namespace shop belongs to Tenants acme and evil"],
    ),
    "a name that is taken": (
        taken,
        web(),
        ["would run in container", "Deployment web exists and is not its own: it would wait until that is gone"],
    ),
    "a spec from another version": (
        nothing,
        web(replicas="many"),
        ["the spec is not understood: spec.replicas: Input should be a valid integer; correct it, or upgrade Berth"],
    ),
    "a namespace that is not there": (
        going,
        web(),
        ["nothing would be done about it: namespace shop is being deleted, or is not known yet"],
    ),
}


@pytest.mark.parametrize(("prepare", "spec", "said"), TOLD.values(), ids=TOLD)
def test_a_dry_run_is_told_what_would_come_of_it_in_order(
    prepare: Callable[[Pictured], None], spec: Json, said: list[str]
) -> None:
    pictured = Pictured()
    prepare(pictured)
    told = pictured.shown(spec)
    assert all(len(line) <= 256 for line in told)
    assert_told(told, said)


@pytest.mark.parametrize("name", ["a new one", "replicas under a policy", "a machine", "nothing fits"])
def test_nothing_else_is_told_than_what_matters(name: str) -> None:
    prepare, spec, said = TOLD[name]
    pictured = Pictured()
    prepare(pictured)
    assert pictured.shown(spec) == said


@pytest.mark.parametrize("name", TOLD)
def test_asking_changes_nothing_that_is_held_or_answered(name: str) -> None:
    prepare, spec, _ = TOLD[name]
    pictured = Pictured()
    prepare(pictured)
    pictured.shown(web(), "another")  # looks at all there is
    held = pictured.picture.ledger.used(["shop"])
    first = pictured.shown(spec)
    workloads = dict(pictured.store.workloads)
    assert pictured.shown(spec) == first
    assert pictured.picture.ledger.used(["shop"]) == held
    assert pictured.store.workloads == workloads


def test_what_was_told_of_the_class_is_where_it_is_placed_then() -> None:
    pictured = Pictured()
    pci(pictured)
    told = pictured.shown(web())
    pictured.run("web", web())
    look = pictured.views.look(("shop", "web"))
    assert isinstance(look, Look)
    assert told[0].startswith(f"would run in {look.current} ")
    assert what_runs(look, pictured.store) is not None


def test_an_object_that_is_being_created_may_lack_what_stored_ones_have() -> None:
    pictured = Pictured()
    bare = {"metadata": {"generateName": "web-", "namespace": "shop"}, "spec": web()}
    assert pictured.ask("workloads", bare)[0].startswith("would run in container")


@pytest.mark.parametrize("plural", ["workloads", "isolationpolicies"])
def test_what_is_no_dry_run_is_told_nothing(plural: str) -> None:
    pictured = Pictured()
    new = raw("web", web() if plural == "workloads" else policy({"level": "Virtualized"}), "shop")
    assert pictured.ask(plural, new, dry_run=False) == []


@pytest.mark.parametrize(
    ("plural", "operation"), [("workloads", "DELETE"), ("workloads", "CONNECT"), ("", "CREATE"), ("waivers", "CREATE")]
)
def test_what_there_is_nothing_to_say_of_is_told_nothing(plural: str, operation: str) -> None:
    assert Pictured().ask(plural, None, operation=operation) == []


def test_what_the_verifier_would_refuse_to_write_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = next(iter(Rule))

    def refuse(body: Json, _: Bounds) -> tuple[Violation, ...]:
        return (Violation("spec.x", rule, "must not be there"),) if body["kind"] == "Deployment" else ()

    monkeypatch.setattr("berth.app.preview.of_workload.verify", refuse)
    told = Pictured().shown(web())
    said = f"Deployment web would not be written, for Berth's own check refuses it: spec.x: must not be there (rule {rule})"
    assert told[1] == said
