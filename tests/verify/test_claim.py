"""Of the claim of a disk its size may be written, and nothing else."""

from typing import Any

import pytest

from berth.render.claim import grown_claim
from berth.render.model import Growth
from berth.verify.check import verify_claim
from berth.verify.rules import Rule
from golden import golden
from verify.bounds import golden_bounds
from verify.change import changed

CASE = "machine-data-source-retain"
GROWN = grown_claim(golden.load(CASE)[0].namespace, Growth("db-root", "c", 40 << 30, 42 << 30)).body


def rules(body: Any) -> set[Rule]:
    return {each.rule for each in verify_claim(body, golden_bounds(CASE))}


def test_what_is_rendered_may_be_written() -> None:
    assert rules(GROWN) == set()


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("kind",), "Secret", Rule.KIND),
        (("apiVersion",), "v2", Rule.KIND),
        (("metadata", "name"), "of-another", Rule.IDENTITY),
        (("metadata", "namespace"), "other", Rule.NAMESPACE),
        (("metadata", "labels"), {"a": "b"}, Rule.IDENTITY),
        (("metadata", "ownerReferences"), [], Rule.IDENTITY),
        (("metadata", "finalizers"), [], Rule.LIFETIME),
        (("metadata", "annotations", "a"), "b", Rule.ANNOTATIONS),
        (("spec", "volumeName"), "of-another", Rule.STORAGE),
        (("spec", "storageClassName"), "gold", Rule.STORAGE),
        (("spec", "resources", "limits"), {"storage": "1Gi"}, Rule.STORAGE),
        (("spec", "resources", "requests", "cpu"), "1", Rule.STORAGE),
        (("status",), {}, Rule.NOT_WRITTEN),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_nothing_else_of_it_may_be_written(path: tuple[str, ...], value: Any, rule: Rule) -> None:
    assert rules(changed(GROWN, path, value)) == {rule}


@pytest.mark.parametrize("body", [None, {}, [], {"kind": "PersistentVolumeClaim"}, "claim"], ids=str)
def test_what_is_no_claim_is_refused(body: Any) -> None:
    assert rules(body) != set()
