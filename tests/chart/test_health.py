"""Argo CD and Flux say of every state that Berth writes what its conditions mean."""

import json
import re
import subprocess
from dataclasses import replace
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given

from berth.api.crd import KINDS
from berth.api.reasons import Reason
from berth.observe.model import Scene
from berth.observe.status import compute_status
from berth.plan.model import Taken
from berth.world.records import Problem
from chart.health import ARGO, PREFIX, argo, checks, flux, scripts
from ground.api import Json
from ground.chart import INSTALL, objects
from ground.toolchain import binaries
from observe.scenes import (
    GENERATION,
    MACHINE,
    NOW,
    a_machine,
    a_pod,
    a_scene,
    at_rest,
    requiring,
    scenes,
    served,
)
from plan.records import PAIR

NAMES = {kind.model.__name__ for kind in KINDS}


def workload(scene: Scene) -> Json:
    """Return a Workload as one pass leaves it."""
    status = orjson.loads(orjson.dumps(compute_status(scene, {}, NOW)))
    return {"kind": "Workload", "metadata": {"generation": GENERATION}, "spec": {}, "status": status}


def admins(kind: str, **conditions: tuple[str, str]) -> Json:
    """Return an object of platform admins with conditions."""
    found = [{"type": name, "status": status, "message": message} for name, (status, message) in conditions.items()]
    return {"kind": kind, "metadata": {"generation": 2}, "status": {"observedGeneration": 2, "conditions": found}}


def unseen(body: Json) -> Json:
    """Return it changed since Berth has looked at it."""
    return body | {"metadata": body["metadata"] | {"generation": 99}}


def machine(restart: Problem | None = None, **fields: Any) -> Scene:
    """Return a scene with one machine that serves, but for what is given."""
    children = served(PAIR, MACHINE)
    held = (*children[:-1], replace(children[-1], restart=restart))
    return a_scene(PAIR, catalog=(MACHINE,), children=held, machines=(a_machine(**fields),))


RESTART = Problem(Reason.RESTART_REQUIRED, "RestartRequired: a field was changed")
DENIED = replace(requiring(), denials=("ServiceAccount x is not allowed",))
FULL = Problem(Reason.WAITING_FOR_QUOTA, "the quota is full")
SERVES = workload(at_rest(pods=(a_pod(),)))
SPARES = admins("Waiver", Accepted=("True", "understood"), Active=("True", "it holds"))
STATES = {
    "all replicas serve": (SERVES, "Healthy", "all replicas are ready", "Current"),
    "replicas start": (workload(a_scene()), "Progressing", "objects were created and replicas start", "InProgress"),
    "it waits for quota": (workload(a_scene(failures=(FULL,))), "Progressing", "the quota is full", "InProgress"),
    "a change waits for a restart": (
        workload(machine(restart=RESTART)),
        "Healthy",
        "RestartRequired: a field was changed",
        "Current",
    ),
    "a live update is under way": (
        workload(machine(goings_on=(Problem(Reason.LIVE_UPDATING, "HotVCPUChange"),))),
        "Progressing",
        "HotVCPUChange",
        "InProgress",
    ),
    "it moves to another node": (
        workload(machine(goings_on=(Problem(Reason.MIGRATING, "it moves"),))),
        "Healthy",
        "it moves",
        "Current",
    ),
    "it was paused": (
        workload(machine(ready=False, problem=Problem(Reason.PAUSED, "it was paused"))),
        "Suspended",
        "it was paused",
        "InProgress",
    ),
    "it was changed just now": (unseen(SERVES), "Progressing", "Berth has not looked at it yet", "InProgress"),
    "nothing fits": (workload(a_scene(requirement=requiring("Confidential"))), "Degraded", "Confidential", "Failed"),
    "a policy forbids it": (workload(a_scene(requirement=DENIED)), "Degraded", "ServiceAccount x", "Failed"),
    "its name is taken": (
        workload(a_scene(taken=(Taken("Service", "web"),))),
        "Degraded",
        "Service web exists",
        "Failed",
    ),
    "it serves below what policy requires": (
        workload(at_rest(requirement=requiring("Confidential"), pods=(a_pod(),))),
        "Degraded",
        "runs in container, but Confidential required",
        "Failed",
    ),
    "a class that runs": (
        admins("IsolationClass", Available=("True", "can run it")),
        "Healthy",
        "can run it",
        "Current",
    ),
    "a class that does not run here": (
        admins("IsolationClass", Available=("False", "KubeVirt is not installed")),
        "Healthy",
        "KubeVirt is not installed",
        "Current",
    ),
    "a policy that is understood": (
        admins("IsolationPolicy", Accepted=("True", "understood"), Evadable=("True", "authors can dodge it")),
        "Healthy",
        "understood",
        "Current",
    ),
    "a policy that is not": (admins("IsolationPolicy", Accepted=("False", "syntax")), "Degraded", "syntax", "Failed"),
    "a tenant": (admins("Tenant", Accepted=("True", "understood")), "Healthy", "understood", "Current"),
    "a tenant that shares a namespace": (admins("Tenant", Accepted=("False", "both")), "Degraded", "both", "Failed"),
    "a waiver": (SPARES, "Healthy", "it holds", "Current"),
    "a waiver that has just been made": (unseen(SPARES), "Progressing", "not looked at it", "InProgress"),
    "a waiver that has ended": (
        admins("Waiver", Accepted=("True", "understood"), Active=("False", "it ended")),
        "Suspended",
        "it ended",
        "Current",
    ),
    "a waiver that waives nothing": (
        admins("Waiver", Accepted=("False", "too long"), Active=("False", "too long")),
        "Degraded",
        "too long",
        "Failed",
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_health_is_what_the_conditions_mean(state: str) -> None:
    body, status, message, by_flux = STATES[state]
    found, said = argo(body)
    assert (found, flux(body)) == (status, by_flux)
    assert message in said


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_what_berth_has_not_seen_yet_is_waited_for(kind: str) -> None:
    for body in (
        {"kind": kind, "metadata": {"generation": 1}},
        {"kind": kind, "metadata": {"generation": 1}, "status": {}},
    ):
        assert argo(body)[0] == "Progressing"
        assert flux(body) == "InProgress"


def test_every_kind_has_a_check() -> None:
    assert scripts().keys() == checks().keys() == NAMES


@given(scenes())
def test_argo_cd_and_flux_say_the_same_of_every_workload(scene: Scene) -> None:
    body = workload(scene)
    same = {"Healthy": "Current", "Progressing": "InProgress", "Suspended": "InProgress", "Degraded": "Failed"}
    assert flux(body) == same[argo(body)[0]]


@pytest.mark.ground
def test_argo_cd_s_part_is_added_to_its_configmap() -> None:
    [made] = yaml.safe_load_all(run(str(ARGO)))
    assert (made["kind"], made["metadata"]["name"], made["metadata"]["namespace"]) == (
        "ConfigMap",
        "argocd-cm",
        "argocd",
    )
    assert made["data"] == {PREFIX + kind: text for kind, text in scripts().items()}


@pytest.mark.ground
def test_the_base_of_kustomize_is_the_default_rendering() -> None:
    made = yaml.safe_load_all(run(str(INSTALL.parent)))
    assert sorted(map(text, made)) == sorted(map(text, objects()))


def text(body: Json) -> str:
    """Return an object as text, with lines joined: kustomize folds those of expressions in another way."""
    return re.sub(r"(\\n|\s)+", " ", json.dumps(body, sort_keys=True))


def run(folder: str) -> str:
    """Return what kustomize makes of a folder."""
    return subprocess.run([binaries().kubectl, "kustomize", folder], capture_output=True, text=True, check=True).stdout
