"""Objects that were stored before a rule existed stay updatable, on a spare copy of each CRD."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.objects import CRDS, SECONDS, Case, Json, cases, path
from berth.api.crd import KINDS, Kind, document, schema
from berth.api.meta import GROUP
from berth.api.schema import nodes
from ground.api import MERGE, ApiError, call, eventually

pytestmark = pytest.mark.ground

RULES = "x-kubernetes-validations"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.plural)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Give each kind in turn."""
    found: Kind = request.param
    return found


@pytest.fixture
def group(kubeconfig: Path, kind: Kind) -> Iterator[str]:
    """Give a group that serves a copy of the kind's CRD without rules."""
    name = f"g{uuid4().hex[:8]}.{GROUP}"
    call(kubeconfig, "POST", CRDS, copied(kind, name, strict=False))
    eventually(lambda: _served(kubeconfig, kind, name), SECONDS, f"{kind.plural}.{name} is served")
    yield name
    call(kubeconfig, "DELETE", f"{CRDS}/{kind.plural}.{name}")


def test_stored_objects_stay_updatable(kubeconfig: Path, namespace: str, kind: Kind, group: str) -> None:
    """Labels, status and unrelated fields can be written; only rules over the whole spec ask again when it changes."""
    stored = {case: _create(kubeconfig, namespace, case, group) for case in _broken(kind)}
    crd = f"{CRDS}/{kind.plural}.{group}"
    call(kubeconfig, "PATCH", crd, {"spec": copied(kind, group, strict=True)["spec"]}, MERGE)
    first = next(iter(stored))
    eventually(lambda: _refused(kubeconfig, namespace, first, group), SECONDS, "the rules are asked")
    refused = {what: _unwritable(kubeconfig, namespace, stored, group, what) for what in ("label", "status", "spec")}
    assert (refused["label"], refused["status"]) == (set(), set())
    assert refused["spec"] == _over_the_whole_spec(kind) & {case.says for case in stored}


def copied(kind: Kind, group: str, *, strict: bool) -> Json:
    """Return the CRD of a kind in another group, with or without its rules."""
    crd = deepcopy(document(kind))
    crd["metadata"]["name"] = f"{kind.plural}.{group}"
    crd["spec"]["group"] = group
    del crd["spec"]["names"]["shortNames"], crd["spec"]["names"]["categories"]
    if not strict:
        for _, node in nodes(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]):
            node.pop(RULES, None)
    return crd


def _served(kubeconfig: Path, kind: Kind, group: str) -> bool:
    try:
        call(kubeconfig, "GET", path(kind.model.__name__, "default", group=group))
    except ApiError:
        return False
    return True


def _broken(kind: Kind) -> list[Case]:
    return [case for case in cases() if case.kind == kind.model.__name__ and case.stored is None]


def _create(kubeconfig: Path, namespace: str, case: Case, group: str) -> str:
    made = call(kubeconfig, "POST", path(case.kind, namespace, group=group), case.object("refused", group))
    name: str = made["metadata"]["name"]
    return name


def _refused(kubeconfig: Path, namespace: str, case: Case, group: str) -> bool:
    try:
        call(kubeconfig, "POST", path(case.kind, namespace, group=group) + "?dryRun=All", case.object("refused", group))
    except ApiError:
        return True
    return False


def _unwritable(kubeconfig: Path, namespace: str, stored: dict[Case, str], group: str, what: str) -> set[str]:
    """Return the messages of the rules that stop a harmless change of the objects that break them."""
    found = set()
    for case, name in stored.items():
        where = path(case.kind, namespace, name, group) + ("/status" if what == "status" else "")
        try:
            call(kubeconfig, "PATCH", where, _change(case.kind, what), MERGE)
        except ApiError as error:
            found.add(case.says if case.says in str(error) else str(error))
    return found


def _change(kind: str, what: str) -> dict[str, Any]:
    harmless = {
        "Workload": {"terminationGracePeriodSeconds": 1},
        "IsolationClass": {"preference": 1},
        "IsolationPolicy": {"mode": "Audit"},
        "Tenant": {"nodeSharing": "Tenant"},
        "Waiver": {"reason": "another"},
    }
    changes: dict[str, dict[str, Any]] = {
        "label": {"metadata": {"labels": {"touched": "true"}}},
        "status": {"status": {"observedGeneration": 1}},
        "spec": {"spec": harmless[kind]},
    }
    return changes[what]


def _over_the_whole_spec(kind: Kind) -> set[str]:
    return {rule["message"] for place, node in nodes(schema(kind)) if place == ".spec" for rule in node.get(RULES, [])}
