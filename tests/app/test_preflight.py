"""A machine is put to the API server before it is made or changed, and only then."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.parts import WEB, Replica
from berth.api.reasons import Reason
from berth.app.preflight import Preflight
from berth.app.reconcile import reconcile
from berth.kube import errors
from berth.kube.client import Client
from berth.kube.resources import DATA_VOLUMES, VIRTUAL_MACHINES, WORKLOADS
from berth.world import children, parse
from berth.world.records import DataSourceRecord, Key
from decide.builders import a_node
from golden.decision import KUBEVIRT
from kube.fake_apiserver import FakeApiServer, Fault, answer, broken
from render.specs import Json, machine

API: Key = ("shop", "api")
SAYS = 'admission webhook "virtualmachine-validator.kubevirt.io" denied the request: no'
DENIED = answer(422, "Invalid", SAYS)
AWAY = answer(500, "InternalError", 'failed calling webhook "v": connection refused')
LARGER: Json = machine() | {"resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}
PINNED: Json = {"isolation": {"className": "vm-a"}}
CLONED: Json = machine(bootDisk={"dataSource": {"name": "golden", "storage": "30Gi"}})


@pytest.fixture
async def replica(server: FakeApiServer, client: Client) -> Replica:
    made = Replica(server, client)
    made.store.put_fact(made.store.nodes, "n1", a_node("n1"))
    becomes(made, "v1.9.0")
    golden = DataSourceRecord(("shop", "golden"), "pvc", ("shop", "golden"))
    made.store.put_data_source(golden.key, golden)
    for name, preference in (("vm-a", 1), ("vm-b", 0)):
        made.add_class(name, level="Virtualized", preference=preference, virtualMachine={})
    return made


def becomes(replica: Replica, version: str) -> None:
    """Let KubeVirt be this version."""
    record = replace(KUBEVIRT, version=version)
    replica.store.put_fact(replica.store.kubevirts, ("kubevirt", "kubevirt"), record)


def add(replica: Replica, name: str, spec: Json) -> None:
    """Add another Workload to shop."""
    stored = replica.server.put(WORKLOADS, name, "shop", metadata={"generation": 1}, spec=spec)
    replica.store.put_workload(("shop", name), parse.workload(stored))


def edit(replica: Replica, spec: Json) -> None:
    """Change the spec of shop/web."""
    replica.workload(**spec)


def refuse(replica: Replica, *faults: Fault) -> None:
    """Answer the next writes of machines so."""
    replica.server.fail("PATCH", "virtualmachines", *faults)


async def look(replica: Replica, key: Key = WEB) -> float | None:
    """Look at a Workload, and let the store see what was written."""
    again = await reconcile(key, replica.deps)
    for resource, obj in replica.written:
        record = children.child({**obj, "kind": resource.kind})
        replica.store.put_child(resource.kind, record.key, record)
    return again


def asked(replica: Replica) -> list[str]:
    """Return what was asked of the machines of shop, in order: a dry run, or to be stored."""
    writes = (
        query for method, path, query in replica.server.requests if method == "PATCH" and "/virtualmachines/" in path
    )
    return ["dry run" if query.get("dryRun") == "All" else "store" for query in writes]


def status_of(replica: Replica, name: str = "web") -> dict[str, Any]:
    """Return the status that was written last."""
    found: dict[str, Any] = replica.of("workloads")["shop", name]["status"]
    return found


def candidate(replica: Replica, name: str) -> dict[str, Any]:
    """Return what the status tells of one class."""
    found: dict[str, Any] = next(each for each in status_of(replica)["candidates"] if each["className"] == name)
    return found


def restarted(replica: Replica) -> None:
    """Let the operator begin anew: nothing is remembered."""
    before = replica.deps.preflight
    replica.deps = replace(replica.deps, preflight=Preflight(before.store, before.gateway, before.clock, before.count))


async def test_a_new_machine_is_asked_about_and_then_made(replica: Replica) -> None:
    replica.workload(**machine())
    await look(replica)
    assert asked(replica) == ["dry run", "store"]
    assert status_of(replica)["placement"]["className"] == "vm-a"


async def test_what_runs_as_it_is_rendered_is_never_asked_about(replica: Replica) -> None:
    replica.workload(**machine())
    for _ in range(3):
        await look(replica)
    restarted(replica)
    await look(replica)
    assert asked(replica) == ["dry run", "store"]


async def test_machines_that_are_alike_are_asked_about_once(replica: Replica) -> None:
    replica.workload(**machine())
    add(replica, "api", machine())
    await asyncio.gather(look(replica), look(replica, API))
    add(replica, "large", LARGER)
    await look(replica, ("shop", "large"))
    assert sorted(asked(replica)) == ["dry run"] * 2 + ["store"] * 3


async def test_a_refused_class_gives_way_to_the_next_and_its_words_are_told(replica: Replica) -> None:
    replica.workload(**machine())
    refuse(replica, DENIED)
    await look(replica)
    assert asked(replica) == ["dry run", "dry run", "store"]
    assert status_of(replica)["placement"]["className"] == "vm-b"
    told = candidate(replica, "vm-a")
    assert (told["verdict"], told["rule"], told["reason"]) == ("Never", "preflight", Reason.CHILD_REJECTED)
    assert SAYS in told["message"]


async def test_where_every_class_is_refused_nothing_is_made(replica: Replica) -> None:
    replica.workload(**CLONED)
    refuse(replica, DENIED, AWAY)
    await look(replica)
    assert asked(replica) == ["dry run", "dry run"]
    assert (replica.of("virtualmachines"), replica.of("datavolumes")) == ({}, {})
    assert [candidate(replica, name)["verdict"] for name in ("vm-a", "vm-b")] == ["Never", "NotNow"]
    assert status_of(replica)["reason"] == Reason.NOT_ADMITTED


async def test_without_an_answer_nothing_is_decided_or_made(replica: Replica) -> None:
    replica.workload(**machine())
    refuse(replica, broken)
    with pytest.raises(errors.Unavailable):
        await look(replica)
    assert replica.of("virtualmachines") == {}
    assert "status" not in replica.of("workloads")[WEB]
    await look(replica)
    assert asked(replica) == ["dry run", "dry run", "store"]
    assert status_of(replica)["placement"]["className"] == "vm-a"


async def test_a_refusal_is_asked_about_again_later_and_later_and_heals(replica: Replica) -> None:
    replica.workload(**(machine() | PINNED))
    refuse(replica, DENIED, DENIED, DENIED)
    waits = []
    for number in range(3):
        again = await look(replica)
        assert again is not None
        assert asked(replica) == ["dry run"] * (number + 1)
        await look(replica)
        assert asked(replica) == ["dry run"] * (number + 1)
        waits.append(again)
        replica.clock.now += again
    assert 7.5 <= waits[0] <= 15 <= waits[1] <= 30 <= waits[2] <= 60
    await look(replica)
    assert asked(replica)[3:] == ["dry run", "store"]
    assert status_of(replica)["placement"]["className"] == "vm-a"


async def test_another_version_of_kubevirt_is_asked_at_once(replica: Replica) -> None:
    replica.workload(**(machine() | PINNED))
    refuse(replica, DENIED)
    await look(replica)
    becomes(replica, "v1.9.1")
    await look(replica)
    assert asked(replica) == ["dry run", "dry run", "store"]


async def test_another_version_of_kubevirt_is_asked_about_what_runs_once_for_all_that_are_alike(
    replica: Replica,
) -> None:
    replica.workload(**machine())
    add(replica, "api", machine())
    keys = (WEB, API)
    for key in keys:
        await look(replica, key)
    for version in ("v1.9.1", "v1.9.2"):
        for _ in range(2):
            becomes(replica, version)
            await asyncio.gather(*(look(replica, key) for key in keys))
    assert asked(replica) == ["dry run", "store", "store", "dry run", "dry run"]


async def test_what_another_version_refuses_runs_on_and_is_told_until_it_takes_it(replica: Replica) -> None:
    replica.workload(**machine())
    await look(replica)
    before = replica.of("virtualmachines")[WEB]
    becomes(replica, "v1.9.1")
    refuse(replica, DENIED)
    again = await look(replica)
    assert SAYS in candidate(replica, "vm-a")["message"]
    assert status_of(replica)["placement"]["className"] == "vm-a"
    replica.clock.now += again or 0.0
    await look(replica)
    assert replica.of("virtualmachines")[WEB] == before
    assert asked(replica) == ["dry run", "store", "dry run", "dry run"]
    assert candidate(replica, "vm-a")["verdict"] == "Fit"


async def test_a_changed_annotation_has_it_asked_about_at_once(replica: Replica) -> None:
    record = replica.workload(**(machine() | PINNED))
    refuse(replica, DENIED)
    await look(replica)
    replica.store.workloads[WEB] = replace(record, annotations=7)
    await look(replica)
    assert asked(replica) == ["dry run", "dry run", "store"]


@pytest.mark.parametrize("pinned", [True, False], ids=["nothing else fits", "it would have to move"])
async def test_a_machine_goes_on_as_it_is_where_an_edit_is_refused(replica: Replica, *, pinned: bool) -> None:
    pin = PINNED if pinned else {}
    replica.workload(**(machine() | pin))
    await look(replica)
    before = replica.of("virtualmachines")[WEB]
    edit(replica, LARGER | pin)
    refuse(replica, DENIED)
    for _ in range(2):
        await look(replica)
    assert replica.of("virtualmachines")[WEB] == before
    assert asked(replica) == ["dry run", "store", "dry run"]
    assert SAYS in candidate(replica, "vm-a")["message"]
    assert status_of(replica)["placement"]["className"] == "vm-a"
    assert status_of(replica)["reason"] == (Reason.CHILD_REJECTED if pinned else Reason.AWAITING_APPROVAL)


async def test_an_edit_that_is_taken_is_asked_about_once(replica: Replica) -> None:
    replica.workload(**machine())
    await look(replica)
    edit(replica, LARGER)
    for _ in range(2):
        await look(replica)
    assert asked(replica) == ["dry run", "store"] * 2


async def test_where_it_runs_elsewhere_nobody_asks_about_the_refused_class_again(replica: Replica) -> None:
    replica.workload(**machine())
    refuse(replica, DENIED)
    await look(replica)
    replica.clock.now += 3600
    await look(replica)
    assert asked(replica) == ["dry run", "dry run", "store"]
    assert candidate(replica, "vm-a")["rule"] == "preflight"


async def test_what_runs_below_what_is_required_has_the_refused_class_asked_about_again(replica: Replica) -> None:
    replica.add_class()
    replica.workload(**machine(), container={"image": "app:1"})
    await look(replica)
    assert asked(replica) == []
    strict = {"mode": "Enforce", "reason": "x", "require": {"level": "Virtualized"}}
    meta = {"name": "strict", "uid": "strict", "generation": 1}
    replica.store.put_policy("strict", parse.isolation_policy({"metadata": meta, "spec": strict}))
    refuse(replica, AWAY, AWAY)
    replica.clock.now += await look(replica) or 0.0
    assert status_of(replica)["placement"]["className"] == "runc"
    await look(replica)
    assert asked(replica) == ["dry run"] * 3 + ["store"]


async def test_what_was_taken_and_is_refused_when_stored_is_asked_about_anew(replica: Replica) -> None:
    replica.workload(**machine())
    refuse(replica, _nothing, DENIED)
    await look(replica)
    assert status_of(replica)["reason"] == Reason.CHILD_REJECTED
    refuse(replica, DENIED)
    await look(replica)
    assert asked(replica) == ["dry run", "store", "dry run", "dry run", "store"]
    assert status_of(replica)["placement"]["className"] == "vm-b"


async def test_a_name_that_is_taken_is_told_and_proves_nothing(replica: Replica) -> None:
    replica.workload(**machine())
    replica.server.put(VIRTUAL_MACHINES, "web", "shop", spec={})
    await look(replica)
    assert status_of(replica)["reason"] == Reason.NAME_TAKEN
    replica.server.remove(VIRTUAL_MACHINES, "web", "shop")
    await look(replica)
    assert asked(replica) == ["dry run", "store"] * 2


@pytest.mark.parametrize("code", [403, 422])
async def test_a_machine_whose_disk_is_refused_is_not_made_to_wait_for_it(replica: Replica, code: int) -> None:
    replica.workload(**CLONED)
    replica.server.fail("PATCH", DATA_VOLUMES.plural, answer(code, "Forbidden", 'DataSource "golden" not found'))
    await look(replica)
    assert asked(replica) == ["dry run"]
    assert status_of(replica)["reason"] == Reason.CHILD_REJECTED
    told = next(each for each in status_of(replica)["conditions"] if each["type"] == "Ready")
    assert 'DataVolume web-root: DataSource "golden" not found' in told["message"]
    await look(replica)
    assert WEB in replica.of("virtualmachines")


async def _nothing(_: object) -> None:
    """Let a request pass."""
