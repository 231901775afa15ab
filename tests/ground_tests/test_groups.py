"""Tests that share a cluster of their own run on one worker: otherwise each worker would bring one up."""

import subprocess
import sys
from pathlib import Path

GROUPED = """
import pathlib, pytest

@pytest.mark.xdist_group("one-cluster")
@pytest.mark.parametrize("number", range(8))
def test_grouped(number, worker_id):
    pathlib.Path(f"worker-{worker_id}").touch()
"""


def test_tests_of_one_group_run_on_one_worker(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
    assert len(list(tmp_path.glob("worker-*"))) == 1
