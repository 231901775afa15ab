"""What the pages show is what the operator says, and their links lead somewhere."""

from pathlib import Path
from typing import Any

import pytest

from berth.api.crd import KINDS
from berth.cli.explain import explanation
from docs.pages import KIND_PAGES, PAGES, REPOSITORY, Example, anchors, examples, holds, links, plain
from docs.world import Object, World

EXAMPLES = [each for page in PAGES for each in examples(page)]
CLAIMING = [each for each in EXAMPLES if each.outcomes or each.lines or each.statuses]
KIND_NAMES = sorted(kind.model.__name__ for kind in KINDS)


def workloads(example: Example) -> dict[str, Object]:
    """Return the Workloads of an example by name, as the operator leaves them."""
    found = World(example.documents).settle()
    return {name: each for (kind, _, name), each in found.items() if kind == "Workload"}


def outcome(workload: Object) -> str:
    """Return the class of a Workload, or the reason why it has none."""
    status = workload["status"]
    return str(status["placement"]["className"] if "placement" in status else status["reason"])


@pytest.mark.parametrize("example", CLAIMING, ids=str)
def test_workloads_go_where_the_page_says(example: Example) -> None:
    found = {name: outcome(each) for name, each in workloads(example).items()}
    assert {name: found.get(name) for name in example.outcomes} == example.outcomes


@pytest.mark.parametrize("example", [each for each in CLAIMING if each.lines], ids=str)
def test_berth_explain_prints_the_lines_that_the_page_shows(example: Example) -> None:
    printed = {plain(line) for each in workloads(example).values() for line in explanation(each).splitlines()}
    assert [line for line in example.lines if line not in printed] == []


@pytest.mark.parametrize("example", [each for each in CLAIMING if each.statuses], ids=str)
def test_statuses_hold_what_the_page_shows(example: Example) -> None:
    found: dict[Any, Object] = {
        (kind, name): each for (kind, _, name), each in World(example.documents).settle().items()
    }
    for name, part in example.statuses:
        assert holds(part, found[name]["status"]), found[name]["status"]


def test_most_examples_claim_an_outcome() -> None:
    """So that a hint that is misspelt does not pass for none."""
    assert len(CLAIMING) > len(EXAMPLES) * 0.6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        f"{path}#{anchor}"
        for path, anchor in links(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert dead == []


def test_every_kind_has_a_page_that_the_readme_names() -> None:
    assert sorted(page.stem for page in KIND_PAGES) == [name.lower() for name in KIND_NAMES]
    linked = {path for path, _ in links(REPOSITORY / "README.md")}
    assert set(KIND_PAGES) <= linked


@pytest.mark.parametrize("page", KIND_PAGES, ids=lambda page: page.stem)
def test_the_page_of_a_kind_begins_with_its_smallest_manifest_and_ends_with_its_fields(page: Path) -> None:
    first = next(iter(examples(page)))
    assert page.stem in {each["kind"].lower() for each in first.documents}
    fields = REPOSITORY / "docs" / "reference" / "fields" / page.name
    assert (fields, "") in set(links(page))


def test_a_part_of_a_status_is_told_from_what_is_none() -> None:
    whole = {"a": 1, "list": [{"b": 1, "c": 2}, {"b": 3}]}
    assert holds({"list": [{"b": 3}, {"c": 2}]}, whole)
    assert not holds({"list": [{"b": 3, "c": 2}]}, whole)
    assert not holds({"a": 1, "d": 1}, whole)
    assert not holds([{"b": 4}], whole["list"])
