"""What a machine lacks to be a real node is told before anything is built."""

import os
import subprocess
import sys

import pytest

from ground.node.lacking import lacking


@pytest.mark.skipif(bool(lacking()), reason="this machine cannot be a node anyway")
def test_a_container_that_may_not_make_namespaces_is_no_node() -> None:
    bare = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    command = [*bare, sys.executable, "-m", "ground.node.lacking"]
    told = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": "tests"}
    )
    assert (told.returncode, told.stdout) == (
        1,
        "it may not make namespaces and mounts: run it on a machine, or in a privileged container\n",
    )
