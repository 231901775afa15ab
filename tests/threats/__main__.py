"""`python -m threats`: try everything on a control plane of its own and print what refused it."""

import sys
import tempfile
import traceback
from pathlib import Path
from time import monotonic

from ground.deadline import deadline
from threats import site
from threats.attempt import attempt
from threats.load import vectors
from threats.model import Answer, Layer, Vector
from threats.report import table, wrong
from threats.site import Site

MINUTES = 60.0
"""Longest that it all may take."""


def tried(made: Site, vector: Vector) -> Answer:
    """Try one vector; what ends in an error counts as let through."""
    try:
        return attempt(made, vector)
    except Exception:  # noqa: BLE001  the others are tried all the same
        return Answer(Layer.ACCEPTED, traceback.format_exc())


def main() -> int:
    """Return 1 when anything was accepted, or refused by another layer than must refuse it."""
    start = monotonic()
    print("bringing up a control plane with tenants, a running operator and what it runs (a minute)", flush=True)
    within = deadline(MINUTES, "make threats")
    with within, tempfile.TemporaryDirectory() as folder, site.prepared(Path(folder)) as made:
        print(f"up after {monotonic() - start:.0f} s; trying {len(vectors())} vectors", flush=True)
        answers = [(vector, tried(made, vector)) for vector in vectors()]
    complaints = [complaint for vector, answer in answers if (complaint := wrong(vector, answer))]
    for complaint in complaints:
        print(complaint)
    print(f"took {monotonic() - start:.0f} s\n")
    print(table(answers))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
