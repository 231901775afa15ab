"""`python -m ground.deployed NOTE COMMAND...`: runs a program as a Deployment does, with kubelet's back-off.

NOTE is the file for the program's process id. Told to end, it ends the program politely, and returns its exit status. It
imports nothing of the ground, so that it takes little memory.
"""

import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path

PAUSES = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""Seconds before each start after an end; the last holds for all that follow."""
STEADY_SECONDS = 600.0
"""A program that has run for so long begins with the first pause again."""
ENDED = "ended with exit status"
TOLD = {signal.SIGTERM, signal.SIGINT}
SIGNALS = {*TOLD, signal.SIGCHLD}
DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
LIBC = ctypes.CDLL(None)


def deploy(command: list[str], note: Path) -> int:
    """Keep a program running until this process is told to end; return the program's last exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    ends = 0
    while True:
        started = time.monotonic()
        program = subprocess.Popen(command, preexec_fn=_born)  # noqa: PLW1509  there is one thread
        note.write_text(str(program.pid))
        while program.poll() is None:
            if signal.sigwait(SIGNALS) in TOLD:
                program.terminate()
                return program.wait()
        ends = 0 if time.monotonic() - started > STEADY_SECONDS else ends
        ends += 1
        print(f"{note.stem} {ENDED} {program.returncode}: next start in {pause(ends):g} s", flush=True)
        if signal.sigtimedwait(TOLD, pause(ends)) is not None:
            return program.returncode


def pause(ends: int) -> float:
    """Return the seconds before the start that follows so many ends."""
    return PAUSES[min(ends, len(PAUSES)) - 1]


def _born() -> None:
    """Be the program: it hears signals, and goes with this process, however that ends."""
    LIBC.prctl(DIES_WITH_PARENT, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


if __name__ == "__main__":
    sys.exit(deploy(sys.argv[2:], Path(sys.argv[1])))
