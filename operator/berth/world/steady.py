"""Words of others without what moves by itself, so that they are the same from one try to the next.

What kubelets, runtimes, storage, the API server and programs write has times, readings and addresses of one call in it.
"""

import re
from typing import Final

_DAY: Final = r"""
    \d{4}[-/]\d\d[-/]\d\d                         # 2026-11-30
    | \d\d?[-/ ](?:\d\d|[A-Z][a-z]{2})[-/ ]\d{4}  # 30/Nov/2026, 30 Nov 2026
    | [A-Z][a-z]{2}[ ]{1,2}\d\d? | \d\d?[ ][A-Z][a-z]{2}
    | [IWEF]\d{4}                                 # klog's E1130
"""
_MOVING: Final = re.compile(
    rf"""
    # A time; not one that a certificate begins or ends at.
    (?<!is[ ]after[ ])(?<!is[ ]before[ ])(?<![\w:])
    (?:(?:[A-Z][a-z]{{2}},?[ ])?(?:{_DAY})[T: ])?
    [0-2]\d:[0-5]\d:[0-5]\d(?:[.,]\d+)?(?![:\d])
    (?:Z|[ ]?[+-]\d\d:?\d\d\b|[ ](?:UTC|GMT)\b)*(?:[ ]20\d\d\b)?(?:[ ]m=[+-][\d.]+)?
    (?:[ ]+\d+(?=[ ][\w.-]+:\d+\]))?              # the thread, which klog writes after it
    [ ]*
    # Seconds since the epoch.
    | "?\b(?:ts|time|timestamp)"?[:=][ ]?\d{{10,19}}(?:\.\d+)?,?[ ]* | \b\d\.\d+e\+09\b[ \t]*
    # What is used of a quota, what a node has left, what a container takes.
    | \bused:[ ]\S+,[ ] | ,[ ]available:[ ]\S+(?=\.[ ]) | (?<=[ ]was[ ]using[ ])\S+,[ ]
    # The port that a call came from, and addresses in memory.
    | (?<=[ (])[\d.:\[\]a-f]+-> | \b0x[0-9a-f]{{6,}}\b
    """,
    re.VERBOSE,
)


def steady(text: str) -> str:
    """Return a text without times, readings, and addresses of one call or one process."""
    return _MOVING.sub("", text)
