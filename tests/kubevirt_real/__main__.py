"""`make kubevirt-real`: Berth and the simulator held against what KubeVirt's own binaries said and did.

Its last two lines count what agrees. VERDICTS= and TIMELINES= name other recordings of the same form.
"""

import os
import sys
from pathlib import Path
from uuid import uuid4

from ground import cluster, crds, simulator
from ground.deadline import deadline
from kubevirt_real import timelines, verdicts

RECORDINGS = timelines.RECORDING.parent
MINUTES = 60.0
"""Longest that it all may take."""


def main() -> int:
    """Compare both recordings; returns the exit status: 0 when all agrees, 1 when not, 2 when there is no recording."""
    try:
        said, did = recording("VERDICTS", "verdicts.jsonl"), recording("TIMELINES", "timelines.jsonl")
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    with deadline(MINUTES, "make kubevirt-real"):
        count, wrong = verdicts.compare(said)
        found = compared(did)
    for text in (*wrong, *found.differ, *found.stale_lines):
        print(text)
    for text in found.reasons:
        print(f"differs for a reason: {text}")
    print(f"verdicts: {count - len(wrong)} of {count} agree")
    print(found.line)
    return 1 if wrong or found.differ else 0


def recording(variable: str, name: str) -> Path:
    """Return the file that an environment variable names, else that of ../shared; raises FileNotFoundError."""
    path = Path(os.environ.get(variable) or RECORDINGS / name)
    if not path.is_file():
        message = f"{path} is not there: name a recording by {variable}="
        raise FileNotFoundError(message)
    return path


def compared(file: Path) -> timelines.Comparison:
    """Play a recording of timelines on a control plane of its own, and compare."""
    name = f"kubevirt-real-{uuid4().hex[:8]}"
    try:
        made = cluster.up(name, nodes=timelines.NODES, say=lambda *_: None)
        crds.install(made)
        simulator.start(made)
        return timelines.against(made, file)
    finally:
        cluster.down(name, say=lambda *_: None)


if __name__ == "__main__":
    sys.exit(main())
