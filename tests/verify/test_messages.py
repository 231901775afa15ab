"""What is refused is said so that somebody can act on it: where, by which rule, how to put it right; and no secrets."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.verify.check import verify, verify_quota
from berth.verify.model import QuotaBounds, Violation
from berth.verify.rules import Rule
from golden import golden
from verify import mutants
from verify.bounds import Json, corpus, golden_bounds
from verify.change import changed, path_of

CANARY = "canary-in-a-coal-mine"
FIX = re.compile(
    r": (add|choose|create|decide|drop|list|make|name|pin|point|remove|render|say|set|use|write)\b.*[^.]", re.DOTALL
)
CORPUS = corpus()


def test_every_violation_says_where_by_which_rule_and_how_to_put_it_right() -> None:
    found: set[Violation] = set()
    for group in (mutants.never_written, mutants.foreign_values, mutants.missing_fields, mutants.unknown_fields):
        for mutant in group():
            found.update(verify(mutant.body, mutant.bounds))
    assert len(found) > 1000
    assert [each for each in found if not each.path or each.rule not in set(Rule)] == []
    assert [str(each) for each in found if not FIX.search(each.message)][:20] == []
    assert [str(each) for each in found if len(each.message) > 600][:5] == []


def test_one_line_has_all_of_it() -> None:
    body = changed(golden.children("container-minimal")[-1], path_of("spec.template.spec.hostNetwork"), True)
    [found] = verify(body, golden_bounds("container-minimal"))
    assert str(found) == (
        "spec.template.spec.hostNetwork: hostNetwork shares the network, the processes or the memory of the node or of"
        " other containers: remove it (rule HostNamespaces)"
    )


@pytest.mark.parametrize(
    ("case", "path", "value"),
    [
        ("container-full", "spec.template.spec.containers.0.env", [{"name": "A", "value": [CANARY]}]),
        ("container-full", "spec.template.spec.containers.0.env", [{"name": "A", "value": "x", "values": CANARY}]),
        ("container-full", "spec.template.spec.containers.0.args", CANARY),
        ("machine-disks", "spec.template.spec.volumes.0.cloudInitNoCloud", {"userData": CANARY}),
        ("machine-disks", "spec.template.spec.volumes.0.cloudInitConfigDrive", {"userData": CANARY}),
        ("machine-disks", "spec.template.spec.accessCredentials", [CANARY]),
    ],
)
def test_what_may_be_a_secret_is_not_repeated(case: str, path: str, value: Any) -> None:
    """Violations end up in logs and status."""
    found = verify(changed(golden.children(case)[-1], path_of(path), value), golden_bounds(case))
    assert found
    assert CANARY not in "".join(map(str, found))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SPOTS = list(mutants.spots())


@given(JSON)
def test_anything_that_is_no_child_is_refused_without_a_stumble(body: Any) -> None:
    assert verify(body, golden_bounds("container-minimal"))
    assert verify_quota(body, QuotaBounds("shop", "berth", "acme", "u", ()))


@given(st.sampled_from(SPOTS), st.data(), JSON)
def test_anything_anywhere_in_a_child_is_judged_without_a_stumble(
    spot: mutants.Spot, data: st.DataObject, value: Any
) -> None:
    """Refused or not, nothing is raised; null and fractions are refused everywhere."""
    name = data.draw(st.sampled_from(sorted({*spot.value, *(spot.fields or ())}) or ["x"]))
    found = verify(changed(spot.body, (*spot.path, name), value), spot.bounds)
    assert all(isinstance(each, Violation) for each in found)
    assert found or isinstance(value, (str, int, list, dict))


def test_depth_is_no_stumbling_block() -> None:
    """A value nested a hundred thousand times is refused like any other."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for path in ("spec.template.spec.affinity", "spec.template.spec.containers", "metadata.labels", "deep"):
        body: Json = changed(golden.children("container-minimal")[-1], path_of(path), deep)
        assert verify(body, golden_bounds("container-minimal"))
