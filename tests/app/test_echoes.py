"""The echo of an own write goes no further than the watch; whatever anybody else wrote does."""

from typing import Any

import orjson
import pytest

from berth.app.watch_lines import Echoes


def line(version: str, **metadata: Any) -> bytes:
    meta = {**metadata, "name": "web", "resourceVersion": version}
    return orjson.dumps({"type": "MODIFIED", "object": {"kind": "Workload", "metadata": meta, "spec": {}}})


@pytest.fixture
def echoes() -> Echoes:
    found = Echoes()
    found.expect("7")
    return found


def test_an_own_write_is_heard_once(echoes: Echoes) -> None:
    assert echoes.heard(line("7"))
    assert not echoes.heard(line("7"))


@pytest.mark.parametrize("version", ["8", "77", "6"])
def test_what_others_wrote_is_no_echo(echoes: Echoes, version: str) -> None:
    assert not echoes.heard(line(version))
    assert echoes.heard(line("7"))


@pytest.mark.parametrize("place", ["annotations", "labels"])
def test_a_version_that_somebody_wrote_into_the_object_hides_nothing(echoes: Echoes, place: str) -> None:
    assert not echoes.heard(line("8", **{place: {"resourceVersion": "7"}}))
    assert echoes.heard(line("7"))


@pytest.mark.parametrize("kind", ["ADDED", "DELETED"])
def test_only_a_change_can_be_an_echo(echoes: Echoes, kind: str) -> None:
    assert not echoes.heard(line("7").replace(b"MODIFIED", kind.encode()))


def test_the_oldest_of_very_many_are_forgotten() -> None:
    echoes = Echoes()
    for version in range(10_001):
        echoes.expect(str(version))
    assert not echoes.heard(line("0"))
    assert echoes.heard(line("10000"))
