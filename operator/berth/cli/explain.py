"""The whole story of one Workload in plain text, from its status."""

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]


def explanation(workload: Object) -> str:
    """Return where a Workload runs, who required what, what every class was found to be, and what would change it."""
    return "\n".join(_plain(line) for line in _lines(workload))


def _plain(line: str) -> str:
    """Return a line without what a terminal acts on: parts of it were written by tenants."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)


def _lines(workload: Object) -> Iterator[str]:
    meta, status = workload["metadata"], workload.get("status") or {}
    yield f"workloads.berth.dev {meta.get('namespace', '')}/{meta['name']}"
    if not status:
        yield "  has no status yet: the operator has not looked at it"
        return
    yield from _placement(status)
    yield "Conditions"
    for each in status.get("conditions", ()):
        yield f"  {each['type']:<12} {each['status']:<8} {each['reason']:<18} {each['message']}"
    yield "Candidates"
    for each in status.get("candidates", ()):
        yield from _candidate(each)
    if status.get("wouldChange"):
        yield "What would change it"
        for each in status["wouldChange"]:
            yield f"  {each['change']} -> {each['outcome']}"
    for each in status.get("warnings", ()):
        yield f"Warning: {each}"
    decision = status.get("decision") or {}
    if decision:
        hashes = f"inputs {decision['inputsHash']}, policy {decision['policyHash']}"
        yield f"Decision: {hashes}, engine {decision['engineVersion']}"


def _placement(status: Object) -> Iterator[str]:
    placement = status.get("placement")
    if placement is None:
        yield f"  runs nowhere: {status.get('reason', '')}"
    else:
        runtime = f", RuntimeClass {placement['runtimeClassName']}" if "runtimeClassName" in placement else ""
        yield f"  runs in {placement['className']} ({placement['level']}, {placement['backend']}{runtime})"
        yield f"  ready {status.get('ready', '')}, {status.get('reason', '')}"
    pending = status.get("pendingSwitch")
    if pending:
        yield f"  should move to {pending['to']}: {pending['message']}"
    for source in (placement or {}).get("decidedBy", ()):
        yield f"  {source['dimension']} {source['value']} required by {source['by']}"
    cost = status.get("cost")
    if cost:
        asked, added = cost["requested"], cost["overhead"]
        yield f"  asks for {asked['cpu']} cpu, {asked['memory']}; isolation adds {added['cpu']} cpu, {added['memory']}"
        if has := cost.get("running"):
            yield f"  the guest has {has['cpu']} cpu, {has['memory']} until it takes the change over"
    if status.get("timeToReady"):
        took = status["timeToReady"]
        segments = ", ".join(f"{each['name']} {each['seconds']}s" for each in took.get("segments", ()))
        yield f"  first ready after {took['seconds']} s ({segments})"


def _candidate(candidate: Object) -> Iterator[str]:
    mark = "*" if candidate.get("chosen") else " "
    added = candidate.get("overhead") or {}
    price = f"+{added.get('cpu', '0')} cpu, +{added.get('memory', '0')}"
    yield f" {mark} {candidate['className']:<18} {candidate['level']:<13} {candidate['verdict']:<7} {price}"
    if "message" in candidate:
        yield f"     {candidate['rule']}: {candidate['message']}"
