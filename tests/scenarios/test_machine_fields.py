"""An edit of a machine that runs reaches the guest, is told to wait for a restart, or is refused: each field."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from ground.api import ApiError, eventually
from ground.nodes import CAPABLE
from scenarios.acting import plays
from scenarios.kinds import (
    CLAIM,
    CLUSTER_INSTANCETYPE,
    CLUSTER_PREFERENCE,
    INSTANCETYPE,
    MIGRATION,
    PREFERENCE,
    TENANT,
    VMI,
    WORKLOAD,
    Kind,
)
from scenarios.machine_fields import GROWING, ROWS, after, before, fields, missing
from scenarios.objects import Json, items
from scenarios.process import Operator
from scenarios.site import Space, condition, shows

LARGE: Json = {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}}
SMALL: Json = {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}}
RUNNING = {f"f{place}": row for place, row in enumerate(ROWS) if row["became"] != "refused"}
REFUSED = {f"f{place}": row for place, row in enumerate(ROWS) if row["became"] == "refused"}
OUTCOMES = {
    "live": ("Ready", "Running"),
    "restart": ("Ready", "RestartRequired"),
    "ruled out": ("Stalled", "Misconfigured"),
}
PATIENCE = 300.0
"""Seconds for all machines together."""

Objects = dict[str, Json]
"""Objects by name."""


@dataclass(frozen=True)
class Edited:
    """What was seen of a machine of each row, all of them at once: before the edit, after it, and after a restart."""

    space: Space
    started: Objects
    """Instances before the edit."""
    told: Objects
    """Workloads once they tell what became of it."""
    running: Objects
    """Instances then."""
    again: Objects
    """Workloads that waited for a restart, after it."""
    restarted: Objects
    """Their instances."""


def named(*outcomes: str) -> list[str]:
    """Return the rows with these outcomes."""
    return [name for name, row in RUNNING.items() if row["became"] in outcomes]


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    rows = {field for row in ROWS for field in row["fields"]} | GROWING
    assert sorted(fields() - rows) == []
    assert sorted(rows - fields()) == []


@pytest.mark.parametrize("name", RUNNING)
def test_no_row_expects_what_runs_already(name: str) -> None:
    assert before(RUNNING[name]) != after(RUNNING[name])


@pytest.fixture(scope="module")
def edited(shared: Operator) -> Iterator[Edited]:
    """All rows, played at once in a namespace of their own."""
    space = Space.make(shared.cluster)
    try:
        yield played(space)
    finally:
        space.remove()


def played(space: Space) -> Edited:
    """Make a machine of each row, edit it, and start anew those that wait for it."""
    pins = prepared(space)
    for name, row in RUNNING.items():
        space.workload(name, pinned(row, before(row), pins))
    reach(space, dict.fromkeys(RUNNING, ("Ready", "Running")))
    started = listed(space, VMI)
    for name, row in RUNNING.items():
        space.workload(name, pinned(row, after(row), pins))
    reach(space, dict.fromkeys(named("live"), ("Ready", "LiveUpdating")))
    for name in named("live"):  # as KubeVirt's workload updater does
        space.put_body(MIGRATION, {"metadata": {"name": name}, "spec": {"vmiName": name}})
    told = reach(space, {name: (*OUTCOMES[row["became"]], row.get("words", "")) for name, row in RUNNING.items()})
    running = listed(space, VMI)
    for replicas, reason in ((0, "ScaledToZero"), (1, "Running")):
        for name in named("restart"):
            space.merge(WORKLOAD, name, {"spec": {"replicas": replicas}}, "/scale")
        again = reach(space, dict.fromkeys(named("restart"), ("Ready", reason)))
    return Edited(space, started, told, running, again, listed(space, VMI))


def prepared(space: Space) -> str:
    """Make what the rows refer to; return a class whose node gives processors of their own."""
    mine = {"matchLabels": {"kubernetes.io/metadata.name": space.name}}
    open_to = {"mode": "Open", "attachments": ["lan", "san"]}
    space.enact(TENANT, space.name, {"namespaceSelector": mine, "network": open_to})
    for name in ("root", "data"):
        space.put(CLAIM, name, {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}})
    for name, size in (("berth-fields-small", SMALL), ("berth-fields-large", LARGE)):
        space.put(CLUSTER_INSTANCETYPE, name, size)
    space.put(INSTANCETYPE, "berth-fields-small", LARGE)
    space.put(CLUSTER_PREFERENCE, "berth-fields", {"devices": {"preferredDiskBus": "sata"}})
    space.put(PREFERENCE, "berth-fields", {"devices": {"preferredDiskBus": "scsi"}})
    space.node("pins", replace(CAPABLE, labels={"kubevirt.io/cpumanager": "true"}))
    return space.isolation_class("pins", {"level": "Virtualized", "virtualMachine": {}, **space.pool})


def pinned(row: Json, spec: Json, pins: str) -> Json:
    """Return a spec in the class with processors of their own, where the row needs them."""
    return {**spec, "isolation": {"className": pins}} if row.get("pins") else spec


def listed(space: Space, kind: Kind) -> Objects:
    """Return all objects of a kind."""
    return {each["metadata"]["name"]: each for each in items(space.cluster, kind, space.name)}


def reach(space: Space, wishes: Mapping[str, tuple[str, ...]]) -> Objects:
    """Wait until a condition of each Workload is True for a reason, with these words, and return all as they are then.

    One that does not get there is returned as it is at last: its own test tells.
    """

    def there() -> bool:
        found = listed(space, WORKLOAD)
        return all(stands(found[name], *wish) for name, wish in wishes.items())

    with suppress(TimeoutError):
        eventually(there, PATIENCE, "all machines are where they should be")
    return listed(space, WORKLOAD)


def stands(found: Json, kind: str, reason: str, says: str = "") -> bool:
    """Return whether a condition of a Workload is True for a reason, about its newest spec, with nothing else to do.

    What its guest has is told by the instance, what it waits for by the machine: the one may be heard of before the other.
    """
    current = condition(found, kind).get("observedGeneration") == found["metadata"]["generation"]
    busy = condition(found, "Reconciling")["status"] == "True"
    other = reason == "Running" and "running" in found.get("status", {}).get("cost", {})
    told = current and shows(found, kind, "True", reason, says=says)
    return told and busy == (reason == "LiveUpdating") and not other


@plays("edit the Workload")
@pytest.mark.ground
@pytest.mark.xdist_group("machine_fields")
@pytest.mark.parametrize("name", named("live"))
def test_an_edit_that_needs_no_restart_reaches_the_guest_that_runs(edited: Edited, name: str) -> None:
    row, found = RUNNING[name], edited.told[name]
    assert condition(found, "Ready")["reason"] == "Running"
    assert missing(edited.running[name]["spec"], row["runs"]) == []
    assert edited.running[name]["metadata"]["uid"] == edited.started[name]["metadata"]["uid"]
    assert (found["status"]["cost"]["requested"], found["status"]["cost"].get("running")) == (row["cost"], None)


@plays("edit the Workload")
@pytest.mark.ground
@pytest.mark.xdist_group("machine_fields")
@pytest.mark.parametrize("name", named("restart"))
def test_an_edit_that_waits_for_a_restart_is_told_and_the_next_start_has_it(edited: Edited, name: str) -> None:
    row, found = RUNNING[name], edited.told[name]
    assert (found["status"]["reason"], found["status"]["ready"]) == ("RestartRequired", "1/1")
    assert f"`virtctl restart {name} -n {edited.space.name}`" in condition(found, "Ready")["message"]
    assert edited.running[name]["metadata"]["uid"] == edited.started[name]["metadata"]["uid"]
    assert missing(edited.running[name]["spec"], row["runs"]), "it runs with it before it was restarted"
    cost = found["status"]["cost"]
    assert (cost.get("running"), cost["requested"]) == (row.get("running"), row.get("cost", cost["requested"]))
    assert condition(edited.again[name], "Ready")["reason"] == "Running"
    assert missing(edited.restarted[name]["spec"], row["runs"]) == []
    assert "running" not in edited.again[name]["status"]["cost"]


@pytest.mark.ground
@pytest.mark.xdist_group("machine_fields")
@pytest.mark.parametrize("name", named("ruled out"))
def test_an_edit_that_no_machine_can_have_is_told_and_what_runs_goes_on(edited: Edited, name: str) -> None:
    assert RUNNING[name]["words"] in condition(edited.told[name], "Stalled")["message"]
    assert condition(edited.running[name], "Ready")["status"] == "True"
    assert edited.running[name]["metadata"]["uid"] == edited.started[name]["metadata"]["uid"]


@pytest.mark.ground
@pytest.mark.parametrize("name", REFUSED)
def test_an_edit_that_could_not_take_effect_is_refused_in_words(space: Space, name: str) -> None:
    row = REFUSED[name]
    space.workload(name, {**before(row), "replicas": 0})
    with pytest.raises(ApiError, match=row["words"]):
        space.workload(name, {**after(row), "replicas": 0})
