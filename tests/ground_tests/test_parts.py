"""What runs beside a cluster is started again when it ends, and a wait that fails names what does not run."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ground import beside, deployed, parts
from ground.api import eventually
from ground.cluster import Cluster

SECONDS = 20.0
LIVES = "import time; print('up', flush=True); time.sleep(600)"
ENDS_ONCE = """
import pathlib, sys, time
first = pathlib.Path(sys.argv[1])
if not first.exists():
    first.touch()
    sys.exit(3)
print('again', flush=True)
time.sleep(600)
"""

Deploy = Callable[[str], None]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Cluster]:
    """The folder of a cluster of which nothing runs."""
    for name in ("pids", "logs"):
        (tmp_path / name).mkdir()
    parts.attend(tmp_path)
    yield Cluster("nothing", tmp_path / "kubeconfig.yaml", "", tmp_path)
    parts.dismiss(tmp_path)


@pytest.fixture
def deploy(place: Cluster) -> Iterator[Deploy]:
    """Runs a Python program as a Deployment would, as part `web`."""
    yield lambda source: beside.deploy(place, "web", [*program(source), str(place.workdir / "first")])
    beside.stop(place, "web")


def program(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def said(place: Cluster) -> str:
    path = parts.log(place.workdir, "web")
    return path.read_text() if path.exists() else ""


def failed_wait() -> str:
    with pytest.raises(TimeoutError) as failure:
        eventually(lambda: False, 0.0, "the moon is full")
    return str(failure.value)


def test_a_program_that_ends_is_started_again_and_its_log_is_kept(place: Cluster, deploy: Deploy) -> None:
    deploy(ENDS_ONCE)
    eventually(lambda: "again" in said(place), SECONDS, "the second start")
    assert said(place).splitlines() == ["web ended with exit status 3: next start in 0 s", "again"]
    assert beside.pid(place, "web")


def test_pauses_between_starts_are_those_of_kubelet() -> None:
    assert [deployed.pause(ends) for ends in range(1, 9)] == [0, 10, 20, 40, 80, 160, 300, 300]


def test_told_to_end_it_ends_the_program_and_returns_its_status(place: Cluster) -> None:
    handles = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); " + LIVES
    command = beside.deploying(place, "web", program(handles))
    with beside.launch(place.workdir, command, parts.log(place.workdir, "web"), dict(os.environ)) as process:
        eventually(lambda: "up" in said(place), SECONDS, "the program is up")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 7
    assert beside.pid(place, "web") is None


def test_killed_it_takes_the_program_along(place: Cluster, deploy: Deploy) -> None:
    deploy(LIVES)
    eventually(lambda: "up" in said(place), SECONDS, "the program is up")
    os.kill(beside.pid(place, f"web{beside.DEPLOYMENT}") or 0, signal.SIGKILL)
    eventually(lambda: beside.pid(place, "web") is None, SECONDS, "the program is gone")


def test_a_failed_wait_names_what_does_not_run_and_shows_the_end_of_its_log(place: Cluster, deploy: Deploy) -> None:
    deploy("print('no such key'); raise SystemExit(1)")
    eventually(lambda: "next start in 10 s" in said(place), SECONDS, "it ended twice")
    log = parts.log(place.workdir, "web")
    message = failed_wait()
    assert message.startswith(
        f"not within 0 s: the moon is full\nweb of cluster {place.workdir.name} does not run ({log}):\n"
    )
    assert "no such key\nweb ended with exit status 1: next start in 10 s" in message


def test_a_failed_wait_names_nothing_where_all_runs_or_was_stopped(place: Cluster, deploy: Deploy) -> None:
    deploy(LIVES)
    eventually(lambda: "up" in said(place), SECONDS, "the program is up")
    assert failed_wait() == "not within 0 s: the moon is full"
    beside.stop(place, "web")
    assert failed_wait() == "not within 0 s: the moon is full"


def test_a_cluster_that_was_taken_down_is_not_looked_at(place: Cluster) -> None:
    parts.note(place.workdir, "etcd", 2**22)
    assert "etcd" in failed_wait()
    parts.dismiss(place.workdir)
    assert failed_wait() == "not within 0 s: the moon is full"
