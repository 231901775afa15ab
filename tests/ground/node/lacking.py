"""What a machine lacks to be a real node: `python -m ground.node.lacking [packages]` prints it, or the packages of Debian.

It ends with status 1 where something is missing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

TOOLS = {
    "ip": "iproute2",
    "nft": "nftables",
    "iptables": "iptables",
    "socat": "socat",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mmdebstrap": "mmdebstrap",
    "gcc": "gcc",
    "pkg-config": "pkg-config",
}
FILES = {
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/include/seccomp.h": "libseccomp-dev",
}
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
"""The first that a node does: what it mounts is gone with the command."""


def packages() -> list[str]:
    """Return the Debian packages that are missing."""
    missing = {package for name, package in TOOLS.items() if shutil.which(name) is None}
    return sorted(missing | {package for path, package in FILES.items() if not Path(path).exists()})


def lacking() -> list[str]:
    """Return what is missing, each as a sentence that says how to get it; nothing where a node can run."""
    if os.geteuid() != 0:
        return ["it needs root"]
    missing = packages()
    found = [f"install {' '.join(missing)}: make realnode-tools does so on Debian"] if missing else []
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        found.append("the kernel has no overlay file system: load module overlay")
    if not Path("/proc/sys/net/bridge").exists():
        found.append("the kernel does not filter what passes a bridge: load module br_netfilter")
    if not missing and subprocess.run(NAMESPACES, capture_output=True, check=False).returncode:
        found.append("it may not make namespaces and mounts: run it on a machine, or in a privileged container")
    return found


if __name__ == "__main__":
    found = packages() if sys.argv[1:] == ["packages"] else lacking()
    print("\n".join(found))
    sys.exit(bool(found))
