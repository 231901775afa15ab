"""A tool ends in time, whatever it waits for, and says what does not run."""

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ground import parts
from ground.deadline import deadline

SOON = 0.2 / 60

WAITS: dict[str, Callable[[], object]] = {
    "for a thread": lambda: threading.Event().wait(60.0),
    "for a program": lambda: subprocess.run(["sleep", "60"], check=True),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_what_waits_for_ever_ends_with_a_message(wait: Callable[[], object], tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    parts.attend(tmp_path)
    parts.note(tmp_path, "kube-scheduler", 2**22)
    with pytest.raises(TimeoutError) as late, deadline(SOON, "make bench"):
        wait()
    parts.dismiss(tmp_path)
    assert str(late.value).startswith("make bench did not end within 0.00333333 minutes\nkube-scheduler of cluster")


def test_what_ends_in_time_is_left_alone() -> None:
    with deadline(SOON, "make bench"):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_cleaning_up_has_as_long_again() -> None:
    with pytest.raises(TimeoutError, match="did not end within"):
        hang_twice()


def hang_twice() -> None:
    with deadline(SOON, "make bench"):
        try:
            threading.Event().wait(60.0)
        finally:
            with pytest.raises(TimeoutError, match="did not end within"):
                threading.Event().wait(60.0)
