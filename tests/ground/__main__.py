"""Command line of the test ground: `python -m ground up|down|status NAME`."""

import argparse
import sys
from pathlib import Path

from ground import cluster, crds, simulator
from ground.toolchain import ToolchainError

MEBIBYTE = 1 << 20


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 failed or (status) not running, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m ground", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status"])
    parser.add_argument("name", help="name of the cluster, a DNS label")
    parser.add_argument("--nodes", type=int, default=3, help="fake nodes that `up` makes sure of (default 3)")
    parser.add_argument("--folder", type=Path, help="where the cluster's state is kept (default: the cache)")
    parser.add_argument("--kubevirt", action="store_true", help="`up` also installs and simulates KubeVirt")
    given = parser.parse_args(arguments)
    try:
        return _run(given)
    except (cluster.ClusterError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(given: argparse.Namespace) -> int:
    if given.command == "down":
        cluster.down(given.name, folder=given.folder)
        return 0
    if given.command == "status":
        return _show(given)
    made = cluster.up(given.name, given.nodes, folder=given.folder)
    if given.kubevirt:
        crds.install(made)
        simulator.start(made)
        print("KubeVirt and CDI are simulated")
    print(f"export KUBECONFIG={made.kubeconfig}")
    return 0


def _show(given: argparse.Namespace) -> int:
    for part in cluster.status(given.name, folder=given.folder):
        state = f"pid {part.pid}, {part.memory // MEBIBYTE} MiB" if part.pid else "not running"
        print(f"{part.name:24} {state}")
    found = cluster.find(given.name, folder=given.folder)
    print(f"ready at {found.server}" if found else "not ready")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
