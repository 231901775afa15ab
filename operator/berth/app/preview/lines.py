"""Sentences as the API server hands warnings on: short ones, without control characters, and not too many.

It cuts each to 256 characters once all together are longer than 4096, and drops what is beyond that
(k8s.io/apiserver/pkg/endpoints/filters/warning.go). So what matters most comes first, and long ones are split.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from berth.api.quantity import format_cpu
from berth.decide.model import Cost
from berth.decide.words import memory

LONGEST: Final = 256
MOST: Final = 16
_GOES_ON: Final = "... "
_CUT: Final = "..."
_SHOWN: Final = 5
"""Most names that one list shows."""


def fitting(sentences: Iterable[str]) -> list[str]:
    """Return sentences as warnings, in their order: each at most 256 characters, 4096 together."""
    found = [line for sentence in sentences for line in _split(_plain(sentence))]
    unique = list(dict.fromkeys(found))
    return unique if len(unique) <= MOST else [*unique[: MOST - 1], f"and {len(unique) - MOST + 1} more lines"]


def listed(names: Iterable[str]) -> str:
    """Return names as a list, at most five of them: `a, b and 3 more`."""
    given = list(names)
    more = f" and {len(given) - _SHOWN} more" if len(given) > _SHOWN else ""
    return ", ".join(given[:_SHOWN]) + more


def sized(cost: Cost) -> str:
    """Return an amount for people, without what there is none of: `250m CPU and 320Mi`, `nothing`."""
    cpu = [f"{format_cpu(cost.cpu)} CPU"] if cost.cpu else []
    return " and ".join([*cpu, *([memory(cost.memory)] if cost.memory else [])]) or "nothing"


def counted(count: int, of: str) -> str:
    """Return how many there are of something: `1 Workload`, `2 Workloads`."""
    return f"{count} {of}" if count == 1 else f"{count} {of}s"


def _plain(text: str) -> str:
    """Return a text on one line: headers of HTTP hold no control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _split(sentence: str) -> Iterator[str]:
    """Yield a sentence in pieces that are short enough, split between clauses where there are any."""
    piece = ""
    for clause in sentence.split("; "):
        longer = f"{piece}; {clause}" if piece else clause
        if piece and len(longer) > LONGEST:
            yield piece
            longer = f"{_GOES_ON}{clause}"
        while len(longer) > LONGEST:
            head = longer[: LONGEST - len(_CUT)].rpartition(" ")[0] or longer[: LONGEST - len(_CUT)]
            yield f"{head}{_CUT}"
            longer = _GOES_ON + longer[len(head) :].lstrip()
        piece = longer
    if piece:
        yield piece
