"""Where a Workload runs: the RuntimeClass that was decided on and still is the same, its nodes, its neighbours."""

from dataclasses import replace
from typing import Any

import pytest

from berth.api.levels import Backend, IsolationLevel, NodeSharing
from berth.verify.check import verify
from berth.verify.model import Bounds, Runtime
from berth.verify.rules import Rule
from golden import golden
from verify.bounds import Json, golden_bounds
from verify.change import changed, path_of

POD = "spec.template.spec"
GVISOR = Runtime("gvisor", "runsc", "uid-of-gvisor")
RUNC = Runtime("gvisor", "runc", "uid-of-gvisor")


def last(case: str) -> Json:
    return golden.children(case)[-1]


def rules(body: Json, bounds: Bounds) -> set[Rule]:
    return {found.rule for found in verify(body, bounds)}


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ({"seen": None}, "does not exist"),
        ({"seen": RUNC}, "handler runc"),
        ({"seen": replace(GVISOR, uid="made anew")}, "UID made anew"),
        ({"runtime": RUNC, "seen": RUNC}, "shares the kernel"),
        ({"runtime": replace(GVISOR, name="kata")}, "set it to kata"),
        ({"runtime": None}, "has no RuntimeClass"),
    ],
)
def test_a_runtime_that_is_not_the_one_decided_on_is_refused(bounds: dict[str, Any], says: str) -> None:
    """Another handler or UID behind the same name is another runtime; one of a shared kernel is no sandbox."""
    [found] = verify(last("gvisor"), replace(golden_bounds("gvisor"), **bounds))
    assert (found.path, found.rule) == (f"{POD}.runtimeClassName", Rule.RUNTIME)
    assert says in found.message


@pytest.mark.parametrize("level", [level for level in IsolationLevel if level is not IsolationLevel.CONTAINER])
def test_pods_above_container_have_a_runtime(level: IsolationLevel) -> None:
    """Without one they would run on the shared kernel, whatever their class promises."""
    bounds = replace(golden_bounds("container-minimal"), level=level)
    assert rules(last("container-minimal"), bounds) == {Rule.RUNTIME}


@pytest.mark.parametrize(
    ("case", "other"), [("container-minimal", Backend.VIRTUAL_MACHINE), ("machine-minimal", Backend.POD)]
)
def test_a_class_of_one_backend_never_gets_the_other(case: str, other: Backend) -> None:
    assert Rule.KIND in rules(last(case), replace(golden_bounds(case), backend=other))


@pytest.mark.parametrize("sharing", [NodeSharing.TENANT, NodeSharing.EXCLUSIVE])
@pytest.mark.parametrize("case", ["container-minimal", "machine-minimal"])
def test_neighbours_are_kept_off_where_the_class_says_so(case: str, sharing: NodeSharing) -> None:
    assert rules(last(case), replace(golden_bounds(case), sharing=sharing)) == {Rule.NEIGHBOURS}


@pytest.mark.parametrize("path", ["affinity", "nodeSelector"])
def test_a_tenants_nodes_are_not_left_by_leaving_fields_out(path: str) -> None:
    body = changed(last("container-tenant-nodes"), path_of(f"{POD}.{path}"), {})
    assert rules(body, golden_bounds("container-tenant-nodes")) & {Rule.NEIGHBOURS, Rule.NODES}


def test_fewer_tolerations_are_no_harm() -> None:
    """A class may stand more taints than a child uses."""
    body = changed(last("container-tenant-nodes"), path_of(f"{POD}.tolerations"), [])
    assert verify(body, golden_bounds("container-tenant-nodes")) == ()


@pytest.mark.parametrize("case", ["container-minimal", "machine-minimal"])
def test_a_priority_class_is_only_the_one_that_is_allowed(case: str) -> None:
    body = changed(last(case), path_of(f"{POD}.priorityClassName"), "batch")
    assert rules(body, golden_bounds(case)) == {Rule.PRIORITY}
    assert rules(body, replace(golden_bounds(case), priority_class="batch")) == set()


@pytest.mark.parametrize(("least", "may"), [(-1, False), (0, True), (1, True), (2, True), (3, False), (True, False)])
def test_a_drain_may_always_take_one_replica_away(least: int, may: bool) -> None:
    """A budget that allows none would hold up every drain of a node."""
    body = next(each for each in golden.children("machine-pool") if each["kind"] == "PodDisruptionBudget")
    assert golden_bounds("machine-pool").named.replicas == 3
    found = rules(changed(body, path_of("spec.minAvailable"), least), golden_bounds("machine-pool"))
    assert found == (set() if may else {Rule.EVICTION})


@pytest.mark.parametrize("kind", ["snp", "tdx"])
def test_memory_is_encrypted_as_the_class_says(kind: str) -> None:
    """Nothing, or another kind, is weaker than what was decided; Confidential is never unencrypted."""
    case = f"confidential-{kind}"
    body, bounds = last(case), golden_bounds(case)
    bare = changed(
        body,
        path_of(f"{POD}.domain"),
        {k: v for k, v in body["spec"]["template"]["spec"]["domain"].items() if k != "launchSecurity"},
    )
    assert rules(bare, bounds) == {Rule.ENCRYPTION}
    assert rules(body, replace(bounds, launch_security="sev")) == {Rule.ENCRYPTION}
    # The architecture is said for the sake of the encryption alone.
    both = {Rule.ENCRYPTION, Rule.NODES}
    assert rules(bare, replace(bounds, launch_security=None)) == both
    assert rules(body, replace(bounds, launch_security=None, level=IsolationLevel.VIRTUALIZED)) == both
