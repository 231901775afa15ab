"""Where a node is: its folder, its cgroup, its addresses."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path

from ground.cluster import Cluster

CGROUPS = Path("/sys/fs/cgroup")
PODS = "10.77.0.0/20"
DNS = "10.96.0.10"
REGISTRY_PORT = 5000
KUBELET_PORT = 10250


@dataclass(frozen=True)
class Place:
    """The node of a cluster. Both ends of its cable have an address: this machine's, and the node's."""

    cluster: Cluster

    @cached_property
    def id(self) -> str:
        """Short name: that of the cgroup and of this machine's end of the cable."""
        return f"berth{zlib.crc32(str(self.cluster.workdir).encode()):08x}"

    @property
    def folder(self) -> Path:
        """What the node keeps: images, pods, logs."""
        return self.cluster.workdir / "node"

    @property
    def gateway(self) -> str:
        """Address of this machine as the node sees it."""
        return gateway(self.cluster.workdir)

    @property
    def address(self) -> str:
        """Address of the node."""
        return str(IPv4Address(self.gateway) + 1)

    @property
    def cgroups(self) -> list[Path]:
        """The node's folder in every hierarchy of cgroups: one with version 2, one for each controller with version 1."""
        hierarchies = [CGROUPS] if (CGROUPS / "cgroup.controllers").exists() else sorted(CGROUPS.iterdir())
        return [each / self.id for each in hierarchies if each.is_dir() and not each.is_symlink()]


def gateway(workdir: Path) -> str:
    """Return this machine's address on the cable to the node of the cluster with this folder: known before there is one."""
    number = zlib.crc32(str(workdir).encode())
    return f"10.78.{number % 254 + 1}.{number // 254 % 63 * 4 + 1}"
