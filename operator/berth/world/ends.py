"""Why a container ended, what mends it, and for how long that is told of one that runs again.

A kubelet leaves a container that ended `terminated` for 20 to 70 s before it tells of CrashLoopBackOff, and shows it as
running and ready whenever it begins anew (seen with kubelet 1.37: tests/world/recorded).
"""

import re
from dataclasses import dataclass
from math import inf
from typing import Final

from berth.api.reasons import Reason
from berth.world.conditions import MAX_TEXT
from berth.world.parse import Raw, seconds
from berth.world.records import Problem, Trouble
from berth.world.steady import steady

_LEAST_SECONDS: Final = 30.0
_FORGIVEN_SECONDS: Final = 600.0
"""After so long a run a kubelet begins its pauses anew, too."""
_LINES: Final = 3
_CHARACTERS: Final = 300
_NOT_ITS_OWN: Final = frozenset({"ContainerStatusUnknown", "Unknown"})
"""Ends that a kubelet makes up for containers that it lost, as with a reboot of the node."""
_SIGNALLED: Final = frozenset({0, 137, 143})
"""Exit codes of a container that was told to end: by itself, by SIGKILL, by SIGTERM."""
_OUT_OF_MEMORY: Final = "OOMKilled"
_NOT_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})
_WAY: Final = re.compile(
    r"^.*(?:OCI runtime \w+ failed|runc \w+ failed|unable to start container process|error during container init"
    r"|starting container|sub-container \[.*?\]|creating process|creating container): ",
    re.DOTALL,
)
"""What containerd, runc and gVisor put before the cause: where they were when it came."""
_ID: Final = re.compile(r"\b[0-9a-f]{12,}\b")
_SANDBOX: Final = re.compile(r"sandbox|control server|control socket|urpc|in state stopped")
"""What gVisor tells when a sandbox is gone: another thing with every try."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod: what was asked for, and what the kubelet tells of it."""

    path: str
    """Where its author wrote it: `container`, `sidecars[proxy]`."""
    asked: Raw
    told: Raw
    ends: bool
    """Whether it may end with exit code 0."""
    sandboxed: bool = False
    """Whether it runs in a sandbox, which its memory limit holds for, too."""

    @property
    def name(self) -> str:
        """Its name in the pod."""
        return str(self.told["name"])

    @property
    def image(self) -> str:
        """The image as its author wrote it; where that is not known, as the kubelet tells it."""
        return str(self.asked.get("image") or self.told.get("image", ""))

    @property
    def memory_field(self) -> str:
        """The field with its memory limit."""
        return "resources.limits.memory" if self.path == "container" else f"{self.path}.resources.limits.memory"

    def state(self, kind: str) -> Raw:
        """Return its state of this kind, `waiting`, `running` or `terminated`; empty in another."""
        return (self.told.get("state") or {}).get(kind) or {}

    def problem(self, reason: Reason, text: str) -> Problem:
        """Return a problem of this container."""
        return Problem(reason, f"container {self.name}: {text}"[:MAX_TEXT])


def ended(container: Container) -> Trouble | None:
    """Return why it ended the last time, until it has run for a while; None where it has, or may have ended so."""
    end = container.state("terminated") or (container.told.get("lastState") or {}).get("terminated") or {}
    running, waits = container.state("running"), container.state("waiting")
    if not end:
        loops = waits.get("reason") == "CrashLoopBackOff"
        return Trouble(container.problem(Reason.CRASH_LOOPING, "keeps failing")) if loops else None
    if end.get("reason") in _NOT_ITS_OWN or (container.ends and end["exitCode"] == 0):
        return None
    until = seconds(running["startedAt"]) + patience(_ran(end)) if running else inf
    return Trouble(_why(container, end), until=until)


def patience(ran: float) -> float:
    """Return the seconds after which what began anew counts as running: twice what it ran before, at least 30.

    From five minutes on, which is the longest pause of a loop, it is trusted the sooner the longer it had run: what ran
    for ten minutes counts at once.
    """
    return max(0.0, min(max(2 * ran, _LEAST_SECONDS), 2 * (_FORGIVEN_SECONDS - ran)))


def _ran(end: Raw) -> float:
    """Return the seconds that it ran; 0 for one that never began, whose start is the epoch."""
    began = seconds(end.get("startedAt"))
    return max(0.0, seconds(end.get("finishedAt")) - began) if began else 0.0


def _why(container: Container, end: Raw) -> Problem:
    if end.get("reason") == _OUT_OF_MEMORY:
        return container.problem(Reason.OUT_OF_MEMORY, _out_of_memory(container, end))
    if end.get("reason") in _NOT_STARTED:
        return container.problem(Reason.CRASH_LOOPING, _not_started(container, end))
    text = f"ended with exit code {end['exitCode']} ({end.get('reason') or 'no reason given'})"
    said = _last_lines(end.get("message") or "")
    return container.problem(Reason.CRASH_LOOPING, f"{text}{f': {said}' if said else ''}; {_advice(container, end)}")


def _advice(container: Container, end: Raw) -> str:
    if probes := _may_have_ended(container, end):
        return f"it ran as long as one does that its {' or '.join(probes)} ends: correct that, or what answers it"
    if end["exitCode"] == 0 and container.path != "container":
        return "a sidecar must not end: keep it in the foreground"
    if end["exitCode"] == 0:
        return "what a Service runs must not end: keep it in the foreground, or set type: Task"
    return "its log tells more (kubectl logs; with --previous once it runs again)"


def _may_have_ended(container: Container, end: Raw) -> list[str]:
    """Return the probes that may have ended it: the status does not tell, but its exit code and how long it ran do."""
    found = (name for name in ("startupProbe", "livenessProbe") if name in container.asked)
    return [name for name in found if end["exitCode"] in _SIGNALLED and _ran(end) >= _shortest(container.asked[name])]


def _shortest(probe: Raw) -> float:
    """Return the seconds after which a probe that never passes has failed at the earliest; times are whole seconds."""
    tries = probe.get("failureThreshold", 3) - 1
    return max(1.0, float(probe.get("initialDelaySeconds", 0) + probe.get("periodSeconds", 10) * tries - 1))


def _out_of_memory(container: Container, end: Raw) -> str:
    limit = ((container.asked.get("resources") or {}).get("limits") or {}).get("memory")
    told = f"{_OUT_OF_MEMORY}, exit code {end['exitCode']}"
    if limit is None:
        return f"was killed, for its node ran out of memory ({told}): set {container.memory_field}"
    return f"was killed at its memory limit of {limit} ({told}): raise {container.memory_field}"


def _not_started(container: Container, end: Raw) -> str:
    cause = _WAY.sub("", end.get("message") or "no cause given")
    if container.sandboxed and _SANDBOX.search(cause):
        return f"its sandbox ends before it starts: raise {container.memory_field}, which holds for the sandbox, too"
    cause = _ID.sub("...", _last_lines(cause))
    return f"cannot start: {cause}: correct {container.path}.command, or the image"


def _last_lines(text: str) -> str:
    """Return the end of what it wrote, without what moves by itself: the cause comes last."""
    lines = [line for each in steady(text).splitlines() if (line := " ".join(each.split()))]
    return " | ".join(lines[-_LINES:])[-_CHARACTERS:]
