"""Enforces NetworkPolicies on the pods of a real node: `python -m ground.node.netpol KUBECONFIG PID`.

No engine is to be had as a Go module, so this is the ground's own: it reads pods, policies and namespaces whenever one of
them changes, and hands the kernel one table of nftables, in the network of the process PID, whenever that is another one.
A pod that it does not know yet reaches nothing and is reached by nobody. The meaning is that of networking.k8s.io/v1.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from ground.api import ApiError, call, connection
from ground.node.place import PODS

Json = dict[str, Any]
RETRY_SECONDS = 0.5
KINDS = ("/api/v1/pods", "/api/v1/namespaces", "/apis/networking.k8s.io/v1/networkpolicies")
DIRECTIONS = {"Ingress": ("ingress", "from", "saddr", "daddr"), "Egress": ("egress", "to", "daddr", "saddr")}
ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class World:
    """What rules are made of."""

    pods: tuple[Json, ...]
    namespaces: dict[str, dict[str, str]]
    policies: tuple[Json, ...]


def main() -> None:
    """Enforce until ended."""
    kubeconfig, pid, last, changed = Path(sys.argv[1]), sys.argv[2], "", Event()
    for path in KINDS:
        Thread(target=_watch, args=(kubeconfig, path, changed), daemon=True).start()
    while True:
        changed.wait()
        changed.clear()
        table = rules(read(kubeconfig))
        if table != last:
            command = ["nsenter", "-t", pid, "-n", "nft", "-f", "-"]
            subprocess.run(command, input=table, text=True, check=True)
            last = table


def _watch(kubeconfig: Path, path: str, changed: Event) -> None:
    """Tell of every change of a kind. An API server that does not answer is asked again; its last word holds meanwhile."""
    reached = connection(kubeconfig)
    while True:
        with suppress(HTTPError), PoolManager(ssl_context=reached.tls, retries=False) as pool:
            asked = f"{reached.server}{path}?watch=true"
            answer = pool.request("GET", asked, headers=reached.headers, preload_content=False)
            for _ in answer.stream():
                changed.set()
        sleep(RETRY_SECONDS)


def read(kubeconfig: Path) -> World:
    """Read the cluster until it answers; pods that have an address of the node's range and have not ended."""
    pods, namespaces, policies = (_items(kubeconfig, path) for path in KINDS)
    return World(
        pods=tuple(pod for pod in pods if address(pod) and pod["status"]["phase"] not in ENDED),
        namespaces={each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in namespaces},
        policies=tuple(policies),
    )


def _items(kubeconfig: Path, path: str) -> list[Json]:
    while True:
        with suppress(ApiError, HTTPError):
            found: list[Json] = call(kubeconfig, "GET", path)["items"]
            return found
        sleep(RETRY_SECONDS)


def address(pod: Json) -> str:
    """Return the address of a pod that is not on its node's own network."""
    return "" if pod["spec"].get("hostNetwork") else str(pod.get("status", {}).get("podIP", ""))


def rules(world: World) -> str:
    """Return the table: what belongs to a connection passes; a new one passes where both ends allow it."""
    known = ", ".join(sorted({"0.0.0.0", *(address(pod) for pod in world.pods)}))
    unknown = [f"ip {side} {PODS} ip {side} != {{ {known} }} drop" for side in ("saddr", "daddr")]
    lines = [*unknown, *(line for pod in world.pods for line in _of_pod(pod, world))]
    # What a pod sends to its own node is not forwarded; what its node sends, such as probes, is always let through.
    sent = [line for line in lines if line.startswith("ip saddr")]
    chains = [*_chain("forward", lines), *_chain("input", sent)]
    return "\n".join(["table inet netpol", "delete table inet netpol", "table inet netpol {", *chains, "}", ""])


def _chain(hook: str, lines: list[str]) -> list[str]:
    head = f"chain {hook} {{ type filter hook {hook} priority 0; policy accept;"
    return [head, "ct state established,related accept", *lines, "}"]


def _of_pod(pod: Json, world: World) -> Iterator[str]:
    """Yield one rule for each direction that policies name: it returns for what they allow, and drops all else."""
    for direction, (field, peers, far, near) in DIRECTIONS.items():
        chosen = [policy for policy in world.policies if _chooses(policy, pod, direction)]
        matches = {
            match
            for policy in chosen
            for rule in policy["spec"].get(field) or ()
            for match in _matches(rule, rule.get(peers), far, policy["metadata"]["namespace"], pod, world)
        }
        if chosen:
            allowed = "".join(f"{match} return; " for match in sorted(matches))
            yield f"ip {near} {address(pod)} jump {{ {allowed}drop; }}"


def _chooses(policy: Json, pod: Json, direction: str) -> bool:
    same = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and direction in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], _labels(pod))


def _matches(rule: Json, peers: list[Json] | None, far: str, namespace: str, pod: Json, world: World) -> Iterator[str]:
    """Yield what a rule allows, as matches of nftables: each peer with each port; without any, all of them."""
    ports = (
        [each for each in (_port(port, pod) for port in rule.get("ports") or ()) if each] if rule.get("ports") else [""]
    )
    sides = [""] if not peers else [side for peer in peers for side in _peer(peer, far, namespace, world)]
    yield from (f"{side} {port}".strip() or "meta l4proto { tcp, udp, icmp }" for side in sides for port in ports)


def _port(port: Json, pod: Json) -> str:
    protocol, number = port.get("protocol", "TCP").lower(), port.get("port")
    if number is None:
        return f"meta l4proto {protocol}"
    if isinstance(number, str):
        named = (each for container in pod["spec"]["containers"] for each in container.get("ports") or ())
        number = next((each["containerPort"] for each in named if each.get("name") == number), None)
    if number is None:
        return ""
    return f"{protocol} dport {number}" + (f"-{port['endPort']}" if "endPort" in port else "")


def _peer(peer: Json, far: str, namespace: str, world: World) -> Iterator[str]:
    if block := peer.get("ipBlock"):
        if ":" in block["cidr"]:
            return  # no pod has an address of version 6
        besides = f" ip {far} != {{ {', '.join(block['except'])} }}" if block.get("except") else ""
        yield f"ip {far} {block['cidr']}{besides}"
        return
    if "namespaceSelector" in peer:
        among = {name for name, of in world.namespaces.items() if selects(peer["namespaceSelector"], of)}
    else:
        among = {namespace}
    chosen = (pod for pod in world.pods if pod["metadata"]["namespace"] in among)
    found = sorted(address(pod) for pod in chosen if selects(peer.get("podSelector", {}), _labels(pod)))
    if found:
        yield f"ip {far} {{ {', '.join(found)} }}"


def _labels(pod: Json) -> dict[str, str]:
    return pod["metadata"].get("labels") or {}


def selects(selector: Json, labels: dict[str, str]) -> bool:
    """Return whether a label selector (meta/v1) matches."""
    wanted: Iterable[Json] = selector.get("matchExpressions") or ()
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_holds(each, labels) for each in wanted)


def _holds(wanted: Json, labels: dict[str, str]) -> bool:
    value, values = labels.get(wanted["key"]), wanted.get("values") or ()
    found = {"In": value in values, "NotIn": value not in values, "Exists": value is not None}
    return found.get(wanted["operator"], value is None)


if __name__ == "__main__":
    main()
