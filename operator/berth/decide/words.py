"""Phrases that several messages share. Their numbers come from specs, policies and overheads only."""

from functools import lru_cache

from berth.api.levels import NodeSharing
from berth.api.quantity import format_cpu, format_memory
from berth.decide.model import Cost, Requirement

_MI = 1 << 20
_LISTED = 8
"""Most names that one list shows."""


@lru_cache(maxsize=1024)
def required(requirement: Requirement) -> str:
    """Return what is required and by whom: `Virtualized required by IsolationPolicy pci (cardholder data)`."""
    phrase = f"{requirement.level} required by {requirement.by('level')}"
    if requirement.node_sharing is not NodeSharing.SHARED:
        phrase += f", nodeSharing {requirement.node_sharing} by {requirement.by('nodeSharing')}"
    if requirement.classes is not None:
        only = "only " if requirement.classes else ""
        phrase += f", {only}{names(requirement.classes)} allowed by {requirement.by('classes')}"
    return phrase


@lru_cache(maxsize=1024)
def names(given: frozenset[str]) -> str:
    """Return names as a sorted list, at most eight of them: `gvisor, kata`."""
    ordered = sorted(given)
    more = f" and {len(ordered) - _LISTED} more" if len(ordered) > _LISTED else ""
    return ", ".join(ordered[:_LISTED]) + more or "no class"


def memory(size: int) -> str:
    """Return bytes for people: `33112Mi`, rounded up to Mi."""
    return format_memory(-(-size // _MI) * _MI)


def size(cost: Cost) -> str:
    """Return an amount for people: `8 CPU and 33112Mi`."""
    return f"{format_cpu(cost.cpu)} CPU and {memory(cost.memory)}"
