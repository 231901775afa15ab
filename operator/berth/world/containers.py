"""What keeps a pod from serving, read from the pod alone: a reason of ours, what to do about it, and when it holds.

The words are those of kubelet 1.37, containerd 2.4, runc and gVisor, as recorded in tests/world/recorded.
"""

import re
from collections.abc import Iterator
from typing import Final

from berth.api.reasons import Reason
from berth.world.conditions import condition, problem
from berth.world.ends import Container, ended
from berth.world.parse import Raw, seconds
from berth.world.preparing import preparing
from berth.world.pulls import FAILED, not_pulled
from berth.world.records import Problem, Trouble
from berth.world.removed import is_removed, removed
from berth.world.steady import steady

_NOT_CREATED: Final = frozenset({"CreateContainerConfigError", "CreateContainerError"})
_RANDOM: Final = re.compile(r' \(pod: ".*?", container: [^)]*\)|\b[0-9a-f]{12,}\b|(?<=_)\d+(?=")')
"""The pod with its UID, ids of containers, and the number of the try in their names."""
_USER: Final = re.compile(r"non-numeric user \((.*?)\)")
_CONFIGURATION: Final = re.compile(r"^(?:secret|configmap) |find key|(?:secret|configmap) cache", re.IGNORECASE)
_INIT_SECONDS: Final = 10.0
"""What an init container may take before it is told that others wait for it."""


def troubles(raw: Raw, *, launcher: bool) -> tuple[Trouble, ...]:
    """Return what is wrong with a pod, now or from a time on; of a launcher only why it does not begin."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    seen = tuple(_containers(spec, status))
    if spec.get("restartPolicy") == "Never":
        seen = _deciding(seen) or seen
    if launcher:
        found = [Trouble(each) for each in map(_not_begun, seen) if each]
    elif is_removed(spec, status):
        return (removed(raw),)
    elif status.get("phase") == "Succeeded" or _is_done(seen):
        return ()
    else:
        found = [*preparing(spec, status), *(trouble for each in seen for trouble in _of_container(each, status))]
    unscheduled = condition(status, "PodScheduled", "False")
    return (*found, *((Trouble(problem(Reason.UNSCHEDULABLE, unscheduled)),) if unscheduled else ()))


def _containers(spec: Raw, status: Raw) -> Iterator[Container]:
    """Yield what is told of each container, with what was asked for, in the order in which they start."""
    sandboxed, once = bool(spec.get("runtimeClassName")), spec.get("restartPolicy") == "Never"
    before = {each["name"]: each for each in spec.get("initContainers") or ()}
    for told in status.get("initContainerStatuses") or ():
        asked = before.get(told["name"], {})
        sidecar = asked.get("restartPolicy") == "Always"
        path = f"{'sidecars' if sidecar else 'initContainers'}[{told['name']}]"
        yield Container(path, asked, told, ends=not sidecar, sandboxed=sandboxed)
    asked_for = {each["name"]: each for each in spec.get("containers") or ()}
    for told in status.get("containerStatuses") or ():
        yield Container("container", asked_for.get(told["name"], {}), told, ends=once, sandboxed=sandboxed)


def _deciding(seen: tuple[Container, ...]) -> tuple[Container, ...]:
    """Return the containers that ended a pod which is not tried again: what runs beside them is ended then."""
    return tuple(
        each
        for each in seen
        if each.ends and (end := each.state("terminated")) and (each.path == "container" or end.get("exitCode"))
    )


def _is_done(seen: tuple[Container, ...]) -> bool:
    """Return whether a task has ended well."""
    ends = [each.state("terminated").get("exitCode") for each in seen if each.path == "container" and each.ends]
    return bool(ends) and all(code == 0 for code in ends)


def _of_container(container: Container, status: Raw) -> Iterator[Trouble]:
    begins = _not_begun(container)
    if begins is not None:
        yield Trouble(begins)
        return
    end = ended(container)
    if end is not None:
        yield end
    running = container.state("running")
    if running and container.path.startswith("initContainers"):
        text = "runs, and the containers after it start once it has ended"
        yield Trouble(container.problem(Reason.PROVISIONING, text), since=seconds(running["startedAt"]) + _INIT_SECONDS)
    elif running and not container.told.get("ready"):
        yield from _unready(container, status)


def _not_begun(container: Container) -> Problem | None:
    """Return why a container cannot be made of what was asked for."""
    waits = container.state("waiting")
    if waits.get("reason") in FAILED:
        return not_pulled(container)
    if waits.get("reason") not in _NOT_CREATED:
        return None
    text = steady(_RANDOM.sub(lambda found: "" if found[0].startswith(" ") else "...", waits.get("message", "")))
    if "runAsNonRoot" in text:
        return container.problem(Reason.IMAGE_NEEDS_ROOT, _needs_root(container, text))
    if _CONFIGURATION.search(text):
        return container.problem(Reason.CONFIG_MISSING, f"its environment needs what is not there: {text}: create it")
    reason = Reason.VOLUME_MISSING if "volume" in text.lower() else Reason.CRASH_LOOPING
    return container.problem(reason, f"cannot be created: {text or waits['reason']}")


def _needs_root(container: Container, text: str) -> str:
    """Return what mends an image that starts as root, or as a user that only the image knows by name."""
    user = _USER.search(text)
    starts = f"starts as user {user[1]!r}, and only a number shows that it is not root" if user else "starts as root"
    return (
        f"image {container.image} {starts}: set {container.path}.securityContext.runAsUser to the number of a user that"
        " it can run as, set needs.root to run it as root in a class with user namespaces, a sandbox or a machine, or"
        " take an image that sets a numeric USER"
    )


def _unready(container: Container, status: Raw) -> Iterator[Trouble]:
    """Yield from when a container that runs should have passed its readiness probe; at once where it did before."""
    probe = container.asked.get("readinessProbe")
    if probe is None:
        return
    began = seconds(container.state("running")["startedAt"])
    told = condition(status, "ContainersReady", "False") or {}
    turned = seconds(told.get("lastTransitionTime"))
    since = turned if turned > began + 1 else began + _allowed(container)
    text = f"runs, but {_probed(probe)} does not pass: correct {container.path}.readinessProbe, or what answers it"
    yield Trouble(container.problem(Reason.PROBE_FAILING, text), since=since)


def _allowed(container: Container) -> float:
    """Return the seconds that its startup and readiness probes allow it, one period more for the first try's delay."""
    probes = (container.asked.get(name) or {} for name in ("startupProbe", "readinessProbe"))
    return float(
        sum(
            each.get("initialDelaySeconds", 0) + each.get("periodSeconds", 10) * (each.get("failureThreshold", 3) + 1)
            for each in probes
            if each
        )
    )


def _probed(probe: Raw) -> str:
    """Return what a readiness probe asks, in a few words."""
    if get := probe.get("httpGet"):
        return f"its readinessProbe (HTTP GET {get.get('path', '/')} at port {get['port']})"
    if socket := probe.get("tcpSocket"):
        return f"its readinessProbe (a connection to port {socket['port']})"
    if grpc := probe.get("grpc"):
        return f"its readinessProbe (gRPC health check at port {grpc['port']})"
    return f"its readinessProbe (command {(probe.get('exec') or {}).get('command', ['?'])[0]})"
