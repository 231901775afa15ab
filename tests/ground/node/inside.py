"""The first process of a node: mounts, addresses, then the parts; the node ends with it.

`python -m ground.node.inside FOLDER ADDRESS GATEWAY COMMANDS`, where COMMANDS is a JSON object of argument lists by name.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

BOUND = {"lib": "/var/lib", "log": "/var/log"}
TUNED = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
"""Settings of the whole machine that a kubelet writes: it gets files instead, so that the machine keeps its own."""
NETWORK = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/forwarding": "1",
    "bridge/bridge-nf-call-iptables": "1",
}
WAIT_SECONDS = 30.0
SOCKET = Path("/run/containerd/containerd.sock")


def main() -> None:
    """Prepare the namespaces, start the parts, and reap what they leave behind until one of them ends."""
    folder, address, gateway, commands = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
    _mounts(folder)
    _network(address, gateway)
    running = {_start(folder, name, command): name for name, command in commands.items()}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        pid, status = os.wait()
        if pid in running:
            print(f"{running[pid]} ended with status {os.waitstatus_to_exitcode(status)}", flush=True)
            sys.exit(1)


def _mounts(folder: Path) -> None:
    """Give the node folders of its own at the usual places, and settings that it may write."""
    for name, place in BOUND.items():
        _mount("--rbind", folder / name, place)
    _mount("-t", "tmpfs", "tmpfs", "/run")
    own = Path("/run/sysctl")
    own.mkdir()
    for name in TUNED:
        copy = own / name.replace("/", ".")
        copy.write_text(Path("/proc/sys", name).read_text())
        _mount("--bind", copy, f"/proc/sys/{name}")
    # A user namespace may mount /proc only where one is that nothing hides a part of.
    Path("/run/proc").mkdir()
    _mount("-t", "proc", "proc", "/run/proc")


def _mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _network(address: str, gateway: str) -> None:
    """Wait for the end of the cable that the other side pushes in here, and set it up."""
    _until(lambda: Path("/sys/class/net/cable").exists() or _has("cable"))
    for command in (
        "link set lo up",
        f"address add {address}/30 dev cable",
        "link set cable up",
        f"route add default via {gateway}",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    for name, value in NETWORK.items():
        Path("/proc/sys/net", name).write_text(value)


def _has(link: str) -> bool:
    return subprocess.run(["ip", "link", "show", link], capture_output=True, check=False).returncode == 0


def _start(folder: Path, name: str, command: list[str]) -> int:
    if name != "containerd":
        _until(SOCKET.exists)  # a kubelet ends without it
    with (folder / "logs" / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL).pid


def _until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + WAIT_SECONDS
    while not condition():
        if monotonic() > deadline:
            sys.exit("the node is not ready to start its parts")
        sleep(0.05)


if __name__ == "__main__":
    main()
