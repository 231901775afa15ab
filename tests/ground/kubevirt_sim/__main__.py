"""Run the simulator: `python -m ground.kubevirt_sim --kubeconfig PATH`, the kubeconfig of an administrator."""

import argparse
import asyncio
import os
from contextlib import suppress
from pathlib import Path

from ground import kubevirt_sim, simulator, webhooks
from ground.kubevirt_sim.controller import run


def main() -> None:
    """Install KubeVirt's ServiceAccount and its rights and webhooks, then simulate as that account until stopped."""
    parser = argparse.ArgumentParser(prog="python -m ground.kubevirt_sim", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="of the cluster's administrator")
    parser.add_argument("--version", default=kubevirt_sim.VERSION, help="version that KubeVirt's status claims")
    parser.add_argument(
        "--crash-backoff", type=float, default=10.0, help="seconds before the first restart (KubeVirt: 10)"
    )
    parser.add_argument("--detach", action="store_true", help="go on in the background, with output to --log")
    parser.add_argument("--log", type=Path, default=Path(os.devnull))
    given = parser.parse_args()
    where = webhooks.endpoint(given.kubeconfig.parent)
    account = simulator.install(given.kubeconfig, where)
    if given.detach:
        _detach(given.log)
    simulator.pid_file(given.kubeconfig).write_text(str(os.getpid()))
    with suppress(KeyboardInterrupt):
        asyncio.run(run(account, where, given.version, given.crash_backoff))


def _detach(log: Path) -> None:
    """Leave the parent, which ends at once, and the terminal."""
    if os.fork():
        os._exit(0)
    os.setsid()
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


if __name__ == "__main__":
    main()
