"""When a live object says all that is wanted of it."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.plan.covers import covers
from berth.render.model import Child
from plan.effort import half
from plan.records import wanted
from render.specs import CONTAINER, SPECS, VM, Json, machine
from render.walk import Path, leaves, objects

scalars = st.none() | st.booleans() | st.integers(2, 9) | st.text("ab", max_size=2)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=2), inner),
    max_leaves=9,
)
named = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcd"), "value": scalars}),
    max_size=4,
    unique_by=lambda i: i["name"],
)
CONTAINERS: Json = {"containers": [{"name": "main", "image": "app:1"}]}


def at(value: Any, path: Path) -> Any:
    """Return what stands at a place."""
    for step in path:
        value = value[step]
    return value


def changed(value: Any, path: Path, leaf: Any) -> Any:
    """Return a copy with another value at a place."""
    copy = deepcopy(value)
    at(copy, path[:-1])[path[-1]] = leaf
    return copy


def removed(value: Any, path: Path) -> Any:
    """Return a copy without what stands at a place."""
    copy = deepcopy(value)
    del at(copy, path[:-1])[path[-1]]
    return copy


def rendered(spec: Json) -> tuple[Child, ...]:
    """Return the children of a spec in the weakest class of pods that takes it; none when none does."""
    try:
        return wanted(spec, CONTAINER)
    except ValueError:
        return ()


@half
@given(value=values, merges=st.booleans())
def test_everything_covers_itself(value: Any, *, merges: bool) -> None:
    assert covers(value, deepcopy(value), merges=merges)


@half
@given(value=values, key=st.text("q", min_size=1, max_size=3), data=st.data(), merges=st.booleans())
def test_a_foreign_key_changes_nothing(value: Any, key: str, data: st.DataObject, *, merges: bool) -> None:
    places = [path for path, _ in objects(value)]
    live = deepcopy(value)
    if places:
        at(live, data.draw(st.sampled_from(places)))[key] = "foreign"
    assert covers(live, value, merges=merges)


@half
@given(items=named, extra=st.integers(0, 4), kind=st.sampled_from(["containers", "volumes", "env", "initContainers"]))
def test_a_foreign_item_of_a_map_changes_nothing_wherever_it_stands(items: Any, extra: int, kind: str) -> None:
    live = [*items[:extra], {"name": "foreign"}, *items[extra:]]
    assert covers({kind: live}, {kind: items}, merges=True)
    assert covers({kind: live[::-1]}, {kind: items}, merges=True)
    assert not covers({kind: live}, {kind: items}, merges=False)


@half
@given(value=values, data=st.data(), merges=st.booleans())
def test_a_changed_leaf_is_seen(value: Any, data: st.DataObject, *, merges: bool) -> None:
    places = [path for path, _ in leaves(value) if path]
    if places:
        assert not covers(changed(value, data.draw(st.sampled_from(places)), "other"), value, merges=merges)


@half
@given(value=values, data=st.data(), merges=st.booleans())
def test_a_missing_leaf_is_seen(value: Any, data: st.DataObject, *, merges: bool) -> None:
    places = [path for path, _ in leaves(value) if path]
    if places:
        assert not covers(removed(value, data.draw(st.sampled_from(places))), value, merges=merges)


@half
@given(spec=SPECS, data=st.data())
def test_any_leaf_of_a_rendered_child_that_is_changed_or_gone_is_seen(spec: Json, data: st.DataObject) -> None:
    for child in rendered(spec):
        body = {"spec": child.body["spec"]}
        places = [path for path, _ in leaves(body)]
        path = data.draw(st.sampled_from(places))
        assert covers(body, deepcopy(body), merges=True)
        assert not covers(changed(body, path, "other"), body, merges=True)
        assert not covers(removed(body, path), body, merges=True)


@pytest.mark.parametrize("name", ["disks", "interfaces", "networks", "ports", "volumes", "containers"])
def test_lists_of_custom_resources_are_atomic(name: str) -> None:
    wish = {name: [{"name": "a"}]}
    assert covers({name: [{"name": "a", "default": 1}]}, wish, merges=False)
    assert not covers({name: [{"name": "a"}, {"name": "b"}]}, wish, merges=False)
    assert not covers({name: []}, wish, merges=False)


@pytest.mark.parametrize("name", ["tolerations", "command", "args", "accessModes", "metrics"])
def test_lists_without_keys_are_atomic_in_core_kinds_too(name: str) -> None:
    assert not covers({name: [{"a": 1}, {"b": 2}]}, {name: [{"a": 1}]}, merges=True)


@pytest.mark.parametrize("merges", [True, False])
def test_another_owner_beside_us_changes_nothing(*, merges: bool) -> None:
    ours = {"uid": "u", "controller": True}
    assert covers({"ownerReferences": [{"uid": "x"}, ours]}, {"ownerReferences": [ours]}, merges=merges)
    assert not covers({"ownerReferences": [{"uid": "x"}]}, {"ownerReferences": [ours]}, merges=merges)


def test_ports_are_told_apart_by_protocol_which_the_server_fills_in() -> None:
    wish = {"ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]}
    live = {"ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]}
    assert covers(live, wish, merges=True)
    assert not covers({"ports": live["ports"][:1]}, wish, merges=True)


@pytest.mark.parametrize("live", [None, [], "x", 1, {"containers": {}}, {"containers": None}])
def test_another_shape_never_covers(live: Any) -> None:
    assert not covers(live, CONTAINERS, merges=True)


def test_a_machine_covers_itself_after_the_server_filled_in_its_defaults() -> None:
    body = next(child.body for child in wanted(machine(), VM) if "Machine" in child.kind)
    live = deepcopy(body)
    domain = live["spec"]["template"]["spec"]["domain"]
    domain |= {"machine": {"type": "q35"}, "firmware": {"uuid": "x"}}
    assert covers(live, body, merges=False)
    domain["devices"]["disks"].append({"name": "foreign"})
    assert not covers(live, body, merges=False)
