"""The simulator shows what KubeVirt's own controllers showed when the same was done; what differs has a reason."""

from collections.abc import Iterator

import pytest

from kubevirt_real import __main__ as command
from kubevirt_real import timelines
from kubevirt_real.trace import Trace, differences, states


@pytest.fixture(scope="module")
def comparison() -> timelines.Comparison:
    """What came of playing the recording on a control plane."""
    try:
        file = command.recording("TIMELINES", "timelines.jsonl")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return command.compared(file)


@pytest.mark.ground
@pytest.mark.xdist_group("kubevirt-real")
def test_the_simulator_shows_what_kubevirt_showed(comparison: timelines.Comparison) -> None:
    """Each scenario's conditions, reasons, generations and printable statuses are those of the recording."""
    assert comparison.differ == []


@pytest.mark.ground
@pytest.mark.xdist_group("kubevirt-real")
def test_a_difference_that_is_listed_is_still_there(comparison: timelines.Comparison) -> None:
    """Nothing stands in the table of differences that does not differ any more."""
    assert comparison.stale == []


def trace(*seen: str) -> Trace:
    """Return a trace of one machine that printed these statuses, and came to rest where they are followed by `.`."""
    found = Trace()
    for status in seen:
        found.add("VM", "t-x", "w", {"printableStatus": status.removesuffix(".")})
        if status.endswith("."):
            found.rest("t-x")
    return found


def printed(recorded: Trace, shown: Trace) -> Iterator[str]:
    """Yield the facets that differ."""
    yield from (where for where, _ in differences(recorded, shown, "t-x"))


def test_what_was_recorded_must_be_shown_in_its_order() -> None:
    """A state that the simulator lacks differs, and so does another order."""
    assert list(printed(trace("Starting", "Running"), trace("Starting", "Running."))) == []
    assert list(printed(trace("Starting", "Running"), trace("Running."))) == ["VM printableStatus"]
    assert list(printed(trace("Paused", "Running"), trace("Running", "Paused."))) == ["VM printableStatus"]


def test_what_stays_must_have_been_recorded() -> None:
    """What lasts a moment may have been missed by the recording; where an object comes to rest may not."""
    assert list(printed(trace("Running"), trace("Starting", "Running."))) == []
    assert list(printed(trace("Running"), trace("Starting.", "Running."))) == ["VM printableStatus"]


def test_a_start_may_be_copied_late_but_nothing_else_may_be_missed() -> None:
    """A controller that is behind goes from no instance to one that runs; no other state can be left out by it."""
    starting = "False[GuestNotRunning] Guest VM is not reported as running"
    assert list(printed(trace("Gone", starting, "True"), trace("Gone", "True."))) == []
    assert list(printed(trace("Gone", starting, "False"), trace("Gone", "False."))) == ["VM printableStatus"]
    assert list(printed(trace("Gone", starting), trace("Gone."))) == ["VM printableStatus"]


def test_generations_count_when_the_controller_has_seen_them() -> None:
    """While a change has not been looked at, the generations say nothing."""
    assert "generation/observedGeneration" not in states("VM", {"gen": 2, "desiredGeneration": 1})
    seen = states("VM", {"gen": 2, "desiredGeneration": 2, "observedGeneration": 1})
    assert seen["generation/observedGeneration"] == "2/1"


def test_an_unknown_namespace_is_said() -> None:
    """A recording with a scenario that nobody knows does not agree."""
    found = timelines.compared(trace("Running"), Trace(), {})
    assert found.line == "timelines: 0 of 1 agree, 0 differ for a reason"
    assert found.differ == ["t-x is none of the scenarios: what was done there is not known"]
