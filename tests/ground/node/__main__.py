"""`python -m ground.node up|down NAME`: a cluster with a real node."""

import argparse
import sys

from ground import cluster
from ground.node import configuration, node
from ground.toolchain import ToolchainError


def main() -> int:
    """Return the exit status: 1 where something failed."""
    parser = argparse.ArgumentParser(prog="ground.node", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("name")
    given = parser.parse_args()
    try:
        return run(given.command, given.name)
    except (cluster.ClusterError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1


def run(command: str, name: str) -> int:
    """Bring a cluster with a real node up, or take it down, whatever of it still runs; return the exit status."""
    if command == "up":
        found = cluster.up(name, nodes=0, flags=configuration.api_server)
        node.up(found)
        print(f"export KUBECONFIG={found.kubeconfig}")
        return 0
    left = cluster.known(name)
    if left is None:
        print(f"there is no cluster {name}")
    else:
        node.down(left)
        cluster.down(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
