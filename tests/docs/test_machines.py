"""Every row of docs/machines.md is played by a scenario, and every scenario that says it plays a row has one."""

import re
from collections.abc import Iterator
from importlib import import_module

from docs.pages import REPOSITORY

PAGE = REPOSITORY / "docs" / "machines.md"
SCENARIOS = REPOSITORY / "tests" / "scenarios"
ROW = re.compile(r"^\| (?!Action|---)(?P<action>.+?) \|.*\| *(?P<named>[^|]*)\|$", re.MULTILINE)
IN_TEXT = re.compile(r"\(scenario `([^`]+)`\)")
NAME = re.compile(r"`([^`]+)`")


def rows() -> dict[str, list[str]]:
    """Return the scenarios that each row of the page names, by its action."""
    return {row["action"]: NAME.findall(row["named"]) for row in ROW.finditer(PAGE.read_text())}


def played() -> Iterator[str]:
    """Yield the names that scenarios say they play."""
    for path in sorted(SCENARIOS.glob("test_*.py")):
        if "plays(" in path.read_text():
            for each in vars(import_module(f"scenarios.{path.stem}")).values():
                for mark in getattr(each, "pytestmark", ()):
                    yield from mark.args if getattr(mark, "name", "") == "plays" else ()


def test_every_row_names_a_scenario() -> None:
    found = rows()
    assert len(found) > 30
    assert [action for action, named in found.items() if not named] == []


def test_the_page_names_what_is_played_and_nothing_else() -> None:
    named = {name for each in rows().values() for name in each} | set(IN_TEXT.findall(PAGE.read_text()))
    assert sorted(named - set(played())) == []
    assert sorted(set(played()) - named) == []
