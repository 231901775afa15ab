"""How long it takes to say what 50 policies do to 10,000 workloads that all differ, on one core.

Run with `PYTHONPATH=operator:tests python -m bench.impact`; prints JSON. Every workload is asked anew: nothing is
remembered from one round to the next but what workloads under the same policies share.
"""

import json
import sys
from time import process_time

from bench.decide import the_catalog, the_policies, the_subjects
from berth.api.levels import IsolationLevel
from berth.decide.impact import Effect, effects
from berth.policy.effective import Defaults, matches


def main() -> None:
    """Measure and print."""
    classes, compiled, subjects = the_catalog(), the_policies(), the_subjects()
    defaults = Defaults(IsolationLevel.CONTAINER)
    best, found, matched = 1e9, list[Effect](), 0
    for _ in range(3):
        start, found, matched = process_time(), [], 0
        for subject, labels in subjects:
            policies, _ = matches(subject, labels, compiled)
            matched += len(policies)
            found += effects(subject, policies, defaults, classes, None)
        best = min(best, process_time() - start)
    json.dump(
        {
            "workloads": len(subjects),
            "policies": len(compiled.policies),
            "matches": matched,
            "effects": len(found),
            "unplaced": sum(not effect.to_class for effect in found),
            "impact_seconds": round(best, 3),
        },
        sys.stdout,
        indent=2,
    )
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
