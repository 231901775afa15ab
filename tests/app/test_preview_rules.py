"""What a dry-run of a policy, a tenant or a waiver is told: whom it moves, at what cost, and what would not hold."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.pictures import Json, Pictured, assert_told, erp, policy, raw, tenant, waiver, web
from berth.app.policy_report import exceeded
from berth.app.preview.difference import Rules, compare
from berth.app.preview.of_rules import with_policy
from berth.decide.model import Cost
from berth.policy.compiled import compile_policy
from berth.world import parse
from decide.builders import a_node

DATA: Json = {"match": {"namespaceSelector": {"matchLabels": {"data": "cardholder"}}}}


def shop(p: Pictured) -> None:
    """Let two services and a machine run in shop."""
    p.run("web", web(replicas=2))
    p.run("api", web())
    p.run("erp", erp())


def bank(p: Pictured) -> None:
    """Let a service of Tenant acme run in bank, with cardholder data."""
    p.tenant("acme", quota={"cpu": "1500m", "memory": "2Gi"})
    p.namespace("bank", tenant="acme", data="cardholder")
    p.run("pay", web(replicas=2, resources={"requests": {"cpu": "500m", "memory": "768Mi"}}), "bank")


def sandboxed(p: Pictured) -> None:
    """Let a policy hold for what runs."""
    p.policy("old", {"level": "Sandboxed"})
    shop(p)


def confidential(p: Pictured) -> None:
    """Let a policy hold that nothing fits, and a Workload that it does not let run."""
    p.policy("old", {"level": "Confidential"})
    p.workload("web", web())


def spared(p: Pictured) -> None:
    confidential(p)
    p.waiver("migration", waiver("old"))
    p.run("web", web())


def snp(p: Pictured) -> None:
    """Let there be a class of confidential machines, and a node for them."""
    spec = {"level": "Confidential", "virtualMachine": {"launchSecurity": "snp"}}
    p.store.put_class("snp", parse.isolation_class(raw("snp", spec)))
    labels = (*a_node().labels, ("kubevirt.io/sev-snp", "true"))
    p.store.put_fact(p.store.nodes, "n2", a_node("n2", labels=labels))


def spared_already(p: Pictured) -> None:
    p.run("web", web())
    p.waiver("w", waiver("new"))


def all_of(*steps: Callable[[Pictured], None]) -> Callable[[Pictured], None]:
    def prepare(p: Pictured) -> None:
        for step in steps:
            step(p)

    return prepare


NEW: dict[str, tuple[Callable[[Pictured], None], Json, list[str]]] = {
    "it moves some": (
        shop,
        policy({"level": "Virtualized"}),
        [
            "it matches 3 of 3 Workloads",
            "2 Workloads would be placed differently: container -> kata 2",
            "isolation would add 750m CPU and 960Mi, most of it for ns/shop (750m CPU and 960Mi)",
        ],
    ),
    "it matches some": (
        all_of(shop, bank),
        policy({"level": "Sandboxed"}, **DATA),
        ["it matches 1 of 4 Workloads", "1 Workload would be placed differently: container -> gvisor 1"],
    ),
    "it matches nobody": (
        shop,
        policy({"level": "Sandboxed"}, **DATA),
        ["it matches 0 of 3 Workloads", "no Workload would be placed differently"],
    ),
    "it breaks a quota": (
        all_of(shop, bank),
        policy({"level": "Virtualized"}),
        [
            "it matches 4 of 4 Workloads",
            "3 Workloads would be placed differently: container -> kata 3",
            "the quota of Tenant acme would not hold: it uses 1536Mi of 2Gi memory, and 640Mi would be added",
            (
                "isolation would add 1250m CPU and 1600Mi, most of it for ns/shop (750m CPU and 960Mi), acme (500m CPU and"
                " 640Mi)"
            ),
        ],
    ),
    "it leaves some without a class": (
        shop,
        policy({"level": "Confidential"}),
        [
            "3 Workloads would be placed differently: container -> nowhere 2, vm -> nowhere 1",
            (
                "3 Workloads would be left without a class: shop/api, shop/erp, shop/web; what runs of them goes on below what"
                " is required, and nothing new starts"
            ),
        ],
    ),
    "some wait for approval": (
        all_of(shop, snp),
        policy({"level": "Confidential"}),
        [
            "container -> nowhere 2, vm -> snp 1",
            "1 Workload would wait for approval, for a move would interrupt it: shop/erp",
        ],
    ),
    "it only warns": (
        shop,
        policy({"level": "Sandboxed"}, mode="Warn"),
        [
            "it matches 3 of 3 Workloads",
            "no Workload would be placed differently",
            "mode Warn: if it were enforced, 2 Workloads would be placed differently: container -> gvisor 2",
        ],
    ),
    "it closes off": (
        shop,
        policy({"network": "Isolated"}),
        ["no Workload would be placed differently", "3 Workloads would be closed off on the network"],
    ),
    "its condition does not compile": (
        shop,
        policy({"level": "Sandboxed"}, when="workload."),
        [
            "its condition `when` does not compile: 1:10: Syntax error",
            "until that is corrected it counts as true",
            "it matches 3 of 3 Workloads",
            "2 Workloads would be placed differently: container -> gvisor 2",
        ],
    ),
    "its condition fails": (
        shop,
        policy({"level": "Sandboxed"}, when="workload.labels.tier == 'db'"),
        [
            "it matches 3 of 3 Workloads",
            "its condition fails on some of them, which counts as a match; the first is shop/api: ",
        ],
    ),
    "it is not understood": (
        shop,
        policy({"level": "Marble"}),
        [
            "IsolationPolicy new is not understood: spec.require.level: Input should be",
            "it would be read in the strictest way",
            "3 Workloads would be left without a class",
        ],
    ),
    "it has a field of another version": (
        shop,
        policy({"level": "Container", "color": "red"}),
        ["IsolationPolicy new is not understood: unknown field spec.require.color"],
    ),
    "authors could evade it": (
        shop,
        policy({"level": "Sandboxed"}, match={"workloadSelector": {"matchLabels": {"tier": "db"}}}),
        ["authors could write their Workloads so that it does not match: match.workloadSelector looks at labels"],
    ),
    "waivers spare some": (
        spared_already,
        policy({"level": "Sandboxed"}),
        ["it matches 1 of 1 Workload, of which Waivers spare 1", "no Workload would be placed differently"],
    ),
}


@pytest.mark.parametrize(("prepare", "spec", "said"), NEW.values(), ids=NEW)
def test_a_new_policy_is_told_what_it_does_in_order(
    prepare: Callable[[Pictured], None], spec: Json, said: list[str]
) -> None:
    pictured = Pictured()
    prepare(pictured)
    told = pictured.ask("isolationpolicies", raw("new", spec))
    assert all(len(line) <= 256 for line in told)
    assert_told(told, said)


@pytest.mark.parametrize("name", ["it moves some", "it matches nobody", "it breaks a quota", "it only warns"])
def test_nothing_else_is_told_than_what_matters(name: str) -> None:
    prepare, spec, said = NEW[name]
    pictured = Pictured()
    prepare(pictured)
    told = pictured.ask("isolationpolicies", raw("new", spec))
    assert told == said


CHANGED: dict[str, tuple[Callable[[Pictured], None], Json | None, list[str]]] = {
    "as it is": (sandboxed, policy({"level": "Sandboxed"}), ["no Workload would be placed differently"]),
    "stricter": (
        sandboxed,
        policy({"level": "Virtualized"}),
        ["2 Workloads would be placed differently: gvisor -> kata 2", "isolation would add 750m CPU and 960Mi"],
    ),
    "looser": (
        sandboxed,
        policy({"level": "Container"}),
        [
            "no Workload would be placed differently",
            "2 Workloads would stay where less isolation would do: new ones would run elsewhere (gvisor -> container 2)",
        ],
    ),
    "only audited": (
        sandboxed,
        policy({"level": "Sandboxed"}, mode="Audit"),
        [
            "2 Workloads would stay where less isolation would do",
            "mode Audit: if it were enforced, no Workload would be placed differently",
        ],
    ),
    "gone": (sandboxed, None, ["2 Workloads would stay where less isolation would do"]),
    "so that something runs": (
        confidential,
        policy({"level": "Virtualized"}),
        ["1 Workload would be placed differently: nowhere -> kata 1", "isolation would add 250m CPU and 320Mi"],
    ),
}


@pytest.mark.parametrize(("prepare", "spec", "said"), CHANGED.values(), ids=CHANGED)
def test_a_changed_policy_is_compared_with_the_stored_one(
    prepare: Callable[[Pictured], None], spec: Json | None, said: list[str]
) -> None:
    pictured = Pictured()
    prepare(pictured)
    stored = raw("old", policy({"level": "Sandboxed"}))
    told = pictured.ask("isolationpolicies", None if spec is None else raw("old", spec), stored)
    assert_told(told, said)


TENANTS: dict[str, tuple[Callable[[Pictured], None], str, Json | None, list[str]]] = {
    "a floor": (
        bank,
        "acme",
        tenant("acme", floor="Virtualized"),
        [
            "1 namespace would belong to it: bank",
            "1 Workload would be placed differently: container -> kata 1",
            "isolation would add 500m CPU and 640Mi, most of it for acme",
        ],
    ),
    "a quota that holds": (
        bank,
        "acme",
        tenant("acme", quota={"cpu": "4", "classes": [{"className": "container", "cpu": "2"}]}),
        ["no Workload", "its quota would hold: 1 of 4 cpu, 1 of 2 cpu in class container are used"],
    ),
    "a quota that does not hold": (
        bank,
        "acme",
        tenant("acme", quota={"cpu": "4", "memory": "1Gi"}),
        [
            "its quota would not hold: 1536Mi of 1Gi memory are used; what runs goes on, and nothing of it may grow",
        ],
    ),
    "a class that is not allowed any more": (
        bank,
        "acme",
        tenant("acme", classes={"allowed": ["vm"]}),
        ["1 Workload would be placed differently: container -> nowhere 1", "left without a class: bank/pay"],
    ),
    "other namespaces": (
        all_of(shop, bank),
        "acme",
        tenant("acme") | {"namespaceSelector": {"matchLabels": {"team": "shop"}}},
        ["0 namespaces would belong to it", "no longer to it: bank"],
    ),
    "the namespaces of another": (
        bank,
        "evil",
        tenant("acme"),
        [
            "namespace bank would belong to acme too: the strictest of all they say would hold",
            "1 namespace would belong",
        ],
    ),
    "a network that is closed": (
        bank,
        "acme",
        tenant("acme", network={"mode": "Isolated"}),
        ["1 Workload would be closed off on the network"],
    ),
    "not understood": (
        bank,
        "acme",
        tenant("acme", floor="Marble"),
        ["Tenant acme is not understood: spec.floor", "1 Workload would be left without a class: bank/pay"],
    ),
    "gone": (bank, "acme", None, ["no longer to it: bank", "no Workload would be placed differently"]),
}


@pytest.mark.parametrize(("prepare", "name", "spec", "said"), TENANTS.values(), ids=TENANTS)
def test_a_tenant_is_told_whose_namespaces_it_takes_whom_it_moves_and_whether_its_quota_holds(
    prepare: Callable[[Pictured], None], name: str, spec: Json | None, said: list[str]
) -> None:
    pictured = Pictured()
    prepare(pictured)
    told = pictured.ask("tenants", None if spec is None else raw(name, spec), raw(name, tenant(name)))
    assert_told(told, said)


WAIVERS: dict[str, tuple[Callable[[Pictured], None], Json | None, list[str]]] = {
    "it spares": (
        confidential,
        waiver("old"),
        [
            "of the 1 Workload that it names, IsolationPolicies are waived: old on 1",
            "1 Workload would be placed differently: nowhere -> container 1",
        ],
    ),
    "it names what is not there": (
        confidential,
        waiver("nope", workload="gone"),
        [
            "there is no workloads.berth.dev shop/gone",
            "there is no IsolationPolicy nope",
            "waived: nope on 0",
            "no Workload would be placed differently",
        ],
    ),
    "it has ended": (
        confidential,
        waiver("old", expiresAt="2026-02-01T10:00:00Z"),
        ["it would waive nothing: it ended at 2026-02-01T10:00:00Z", "no Workload would be placed differently"],
    ),
    "it lasts too long": (
        confidential,
        waiver("old", expiresAt="2027-02-01T10:00:00Z"),
        ["it would waive nothing: it ends 337.0 days after its creation, more than the 90.0 days"],
    ),
    "it is not understood": (
        confidential,
        waiver("old", approver=""),
        ["it would waive nothing: spec.approver", "no Workload would be placed differently"],
    ),
    "it goes": (
        spared,
        None,
        ["1 Workload would be placed differently: container -> nowhere 1", "left without a class: shop/web"],
    ),
}


@pytest.mark.parametrize(("prepare", "spec", "said"), WAIVERS.values(), ids=WAIVERS)
def test_a_waiver_is_told_whom_it_spares(
    prepare: Callable[[Pictured], None], spec: Json | None, said: list[str]
) -> None:
    pictured = Pictured()
    prepare(pictured)
    stored = raw("migration", waiver("old"))
    assert_told(pictured.ask("waivers", None if spec is None else raw("migration", spec), stored), said)


STORED = {f"new, {name}": ("new", *case) for name, case in NEW.items()} | {
    f"changed, {name}": ("old", *case) for name, case in CHANGED.items()
}


@pytest.mark.parametrize(("name", "prepare", "spec", "said"), STORED.values(), ids=STORED)
async def test_what_a_policy_is_told_is_what_comes_when_it_is_stored(
    name: str, prepare: Callable[[Pictured], None], spec: Json | None, said: list[str]
) -> None:
    pictured = Pictured()
    prepare(pictured)
    record = None if spec is None else parse.isolation_policy(raw(name, spec))
    now, new = Rules.now(pictured.picture), None if record is None else compile_policy(record)
    await pictured.picture.refresh(60.0)
    told = await compare(pictured.picture, now, replace(now, policies=with_policy(now.policies, name, new)))
    before = pictured.places()
    pictured.store.put_policy(name, record)
    after = pictured.places()
    moved = {key for key in before if before[key] != after[key]}
    assert told.total.flips == Counter((before[key], after[key]) for key in moved)
    assert told.lost == sorted(key for key in moved if not after[key])


def test_whose_quota_would_not_hold_is_reckoned_like_the_status_of_a_policy() -> None:
    pictured = Pictured()
    bank(pictured)
    told = pictured.ask("isolationpolicies", raw("new", policy({"level": "Virtualized"})))
    pictured.policy("new", {"level": "Virtualized"}, mode="Audit")
    ledger = pictured.picture.ledger
    text = exceeded("acme", Cost(500, 640 << 20), pictured.views.tenancy(), ledger)
    assert f"the quota of Tenant acme would not hold: it {text}" in told
