"""Probes: which run, what becomes of their results, and that nothing is left of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.parts import RUNC, Replica
from berth.api.isolation_class import IsolationProbe, NodePool, Sight
from berth.app import probing
from berth.app.probing import Probing, kept_of
from berth.app.world_report import report_world
from berth.kube.client import Client
from berth.kube.resources import ISOLATION_CLASSES, JOBS, PODS
from berth.render.isolation_probe import Prober
from berth.world import parse
from kube.fake_apiserver import FakeApiServer

HOME = "berth-system"
PROBER = Prober(HOME, "registry.example/berth-probe:1", (), ("169.254.169.254:80",))
EVERY = 3600.0
INFO = {"kubeletVersion": "v1.37.2", "kernelVersion": "6.18.44", "bootID": "b"}
SEEN: dict[str, Any] = {"kernel": "6.18.44", "bootID": "b", "uidMap": "0 0 4294967295", "seccomp": "2"}
SEEN |= {"noNewPrivs": "1", "capEff": "0", "resolved": True, "reached": []}


@pytest.fixture
def replica(server: FakeApiServer, client: Client, monkeypatch: pytest.MonkeyPatch) -> Replica:
    monkeypatch.setattr(probing, "_LOOK_SECONDS", 0.01)
    made = Replica(server, client)
    made.add_class()
    for name in ("n1", "n2"):
        raw = {"metadata": {"name": name}, "status": {"allocatable": {"cpu": "8", "memory": "32Gi"}, "nodeInfo": INFO}}
        made.store.put_fact(made.store.nodes, name, parse.node(raw))
    return made


@asynccontextmanager
async def nodes(replica: Replica, status: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
    """Give every probe's Job a pod with a status while the block runs; yields the Jobs that there were."""
    jobs: list[dict[str, Any]] = []

    async def run() -> None:
        while True:
            for (namespace, name), job in list(replica.of("jobs").items()):
                if (namespace, name) not in replica.of("pods"):
                    jobs.append(job)
                    owner = {"uid": job["metadata"]["uid"], "controller": True, "kind": "Job", "name": name}
                    meta = {"labels": job["spec"]["template"]["metadata"]["labels"], "ownerReferences": [owner]}
                    replica.server.put(PODS, name, namespace, metadata=meta, spec={}, status=status)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(run())
    try:
        yield jobs
    finally:
        task.cancel()


def ended(message: str) -> dict[str, Any]:
    return {
        "phase": "Succeeded",
        "containerStatuses": [{"name": "main", "state": {"terminated": {"message": message}}}],
    }


async def probe(replica: Replica, status: dict[str, Any]) -> tuple[Probing, list[dict[str, Any]]]:
    """Run all probes that are due, with pods of this status."""
    made = Probing(replica.deps, replica.reader, PROBER, EVERY)
    async with nodes(replica, status) as jobs:
        await asyncio.gather(*(made._probe(due) for due in made.due()))
    for namespace, name in [*replica.of("pods")]:
        replica.server.remove(PODS, name, namespace)
    return made, jobs


async def test_one_probe_sees_for_all_nodes_of_a_kind_and_nothing_is_left_of_it(replica: Replica) -> None:
    made, jobs = await probe(replica, ended(json.dumps(SEEN)))
    (found,) = replica.deps.probes["runc"]
    assert found.seen is not None
    assert (found.seen.kernel, found.problem, found.contradictions) == ("6.18.44", None, None)
    assert (len(jobs), replica.of("jobs")) == (1, {})
    assert list(made.due()) == []


async def test_what_contradicts_the_class_is_noted(replica: Replica) -> None:
    await probe(replica, ended(json.dumps(SEEN | {"seccomp": "0"})))
    assert "Seccomp is 0" in str(replica.deps.probes["runc"][0].contradictions)


@pytest.mark.parametrize("found_out", [{"seccomp": "0"}, {"reached": ["10.0.0.1:443"]}], ids=["class", "network"])
async def test_what_was_found_out_is_looked_at_again_soon(replica: Replica, found_out: dict[str, Any]) -> None:
    made, _ = await probe(replica, ended(json.dumps(SEEN | found_out)))
    assert list(made.due()) == []
    replica.clock.now += 300
    assert len(list(made.due())) == 1


def put_node(replica: Replica, name: str, *, kernel: str, schedulable: bool = True) -> None:
    status = {"allocatable": {"cpu": "8", "memory": "32Gi"}, "nodeInfo": INFO | {"kernelVersion": kernel}}
    raw = {"metadata": {"name": name}, "spec": {"unschedulable": not schedulable}, "status": status}
    replica.store.put_fact(replica.store.nodes, name, parse.node(raw))


@pytest.mark.parametrize("found_out", [{"seccomp": "0"}, {"reached": ["10.0.0.1:443"]}], ids=["class", "network"])
async def test_what_was_found_out_does_not_outlast_its_nodes_by_more_than_a_few_minutes(
    replica: Replica, found_out: dict[str, Any]
) -> None:
    await probe(replica, ended(json.dumps(SEEN)))
    put_node(replica, "bad", kernel="5.4.0")
    await probe(replica, ended(json.dumps(SEEN | found_out)))
    assert len(replica.deps.probes["runc"]) == 2
    put_node(replica, "bad", kernel="5.4.0", schedulable=False)
    replica.clock.now += 300
    await probe(replica, ended(json.dumps(SEEN)))
    (left,) = replica.deps.probes["runc"]
    assert (left.contradictions, left.seen and left.seen.reached) == (None, [])


async def test_what_was_found_out_goes_with_its_nodes_however_many_kinds_there_are(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "_MOST_KINDS", 2)
    await probe(replica, ended(json.dumps(SEEN | {"seccomp": "0"})))
    for name in ("n1", "n2", "n3", "n4"):
        put_node(replica, name, kernel=name)
    await probe(replica, ended(json.dumps(SEEN)))
    assert [each.contradictions for each in replica.deps.probes["runc"]] == [None, None]


async def test_a_probe_that_fails_in_whatever_way_says_so_and_ends_nothing_else(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(probing, "isolation_probe", fail)
    await probe(replica, {})
    (found,) = replica.deps.probes["runc"]
    assert found.problem == "it failed with ZeroDivisionError: the log of Berth's leader says how"


async def test_a_node_that_says_more_of_itself_than_a_status_holds_is_probed_all_the_same(replica: Replica) -> None:
    for name in ("n1", "n2"):
        put_node(replica, name, kernel="6" * 300)
    await probe(replica, ended(json.dumps(SEEN)))
    assert replica.deps.probes["runc"][0].kernel == "6" * 256


async def test_the_first_result_is_said_at_once(replica: Replica) -> None:
    stored = replica.server.put(ISOLATION_CLASSES, "runc", metadata={"generation": 1}, spec=RUNC)
    replica.store.put_class("runc", parse.isolation_class(stored))
    await probe(replica, ended(json.dumps(SEEN)))
    await report_world(replica.deps, with_counts=True)
    (found,) = replica.of("isolationclasses").values()
    said = {each["type"]: each["status"] for each in found["status"]["conditions"]}
    assert said["Probed"] == "True"


async def test_kinds_of_nodes_are_found_once_for_all_tenants(replica: Replica) -> None:
    views = replica.deps.views
    theirs, whole = views.catalog(NodePool(selector={"pool": "theirs"})), views.catalog()
    assert (theirs.kinds is whole.kinds, theirs.classes == whole.classes) == (True, False)


async def test_later_probes_take_other_nodes_but_where_one_has_found_something_out(replica: Replica) -> None:
    for said, stays in ((SEEN, False), (SEEN | {"seccomp": "0"}, True), (SEEN | {"reached": ["10.0.0.1:443"]}, True)):
        made, _ = await probe(replica, ended(json.dumps(said)))
        first = replica.deps.probes["runc"][0].node
        replica.clock.now += EVERY
        assert ([due.node.name == first for due in made.due()]) == [stays]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (ended("no JSON"), "is not understood"),
        (ended(json.dumps(SEEN | {"reached": [f"db-{number}:80" for number in range(33)]})), "fewer forbidden peers"),
        ({"phase": "Failed"}, "without a word"),
    ],
    ids=["garbled", "more than a status holds", "failed"],
)
async def test_a_probe_without_a_result_leaves_what_was_seen_before(
    replica: Replica, status: dict[str, Any], says: str
) -> None:
    await probe(replica, ended(json.dumps(SEEN)))
    replica.clock.now += EVERY
    await probe(replica, status)
    (found,) = replica.deps.probes["runc"]
    assert found.seen is not None
    assert says in (found.problem or "")


async def test_a_replica_that_does_not_lead_any_more_writes_no_job(replica: Replica) -> None:
    replica.leads = False
    _, jobs = await probe(replica, ended(json.dumps(SEEN)))
    assert jobs == []
    assert "does not lead" in (replica.deps.probes["runc"][0].problem or "")


async def test_nobody_elses_job_of_that_name_is_taken_for_a_probe(replica: Replica) -> None:
    made = Probing(replica.deps, replica.reader, PROBER, EVERY)
    (due,) = made.due()
    replica.server.put(JOBS, f"probe-{due.key}", HOME, metadata={}, spec={})
    await made._probe(due)
    assert "it was not run" in (replica.deps.probes["runc"][0].problem or "")
    assert len(replica.of("jobs")) == 1


def a_probe(key: str, *, wrong: bool) -> IsolationProbe:
    return IsolationProbe(key=key, node="n", time="2026-03-01T12:00:00Z", contradictions=["x"] if wrong else None)


def test_a_class_that_was_found_out_stays_so_until_all_its_kinds_of_nodes_were_seen() -> None:
    old, new = a_probe("old", wrong=True), a_probe("new", wrong=False)
    assert kept_of({"old": old, "new": new}, frozenset({"new"})) == (old, new)
    seen = new.model_copy(update={"seen": Sight.model_validate_json(json.dumps(SEEN))})
    assert kept_of({"old": old, "new": seen}, frozenset({"new"})) == (seen,)
    assert kept_of({"old": old, "new": seen}, frozenset()) == (old,)
