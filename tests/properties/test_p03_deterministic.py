"""P3: other processes, hash seeds, locales, time zones and histories give the same bytes."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from properties.examples import EXAMPLES, told

SETTINGS: list[tuple[dict[str, str], list[str]]] = [
    ({"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"}, []),
    ({"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu"}, ["backwards"]),
    ({"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns", "PYTHONOPTIMIZE": "1"}, []),
]


def test_p03_other_processes_give_the_same_bytes(record_property: Callable[[str, object], None]) -> None:
    with told(record_property) as counts:
        assert len({_digest(*each) for each in SETTINGS}) == 1
        counts.append(EXAMPLES)


def _digest(settings: dict[str, str], how: list[str]) -> str:
    environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "properties.digest", str(EXAMPLES), *how]
    done = subprocess.run(command, check=False, capture_output=True, env=environment, text=True)
    if done.returncode:
        pytest.fail(done.stderr)
    return done.stdout
