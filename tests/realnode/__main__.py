"""`make realnode`: run everything that needs a real node, and say what came of it."""

import os
import sys
from pathlib import Path

import pytest

from ground.node.lacking import lacking

HERE = Path(__file__).parent


class Count:
    """Counts tests, and the requests that they sent and lost: a plugin of pytest."""

    def __init__(self) -> None:
        self.passed = self.failed = self.requests = self.lost = 0
        self.told: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, and one that could not begin or end as failed."""
        if report.when == "call" and report.passed:
            self.passed += 1
        self.failed += report.failed
        if report.when == "call":
            for name, value in report.user_properties:
                self._property(name, value)

    def _property(self, name: str, value: object) -> None:
        if name == "told":
            self.told.append(str(value))
        elif isinstance(value, int):
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        """Return the last line of a run."""
        moves = f"moves: {self.requests} requests, {self.lost} failed"
        return f"realnode: {self.passed} passed, {self.failed} failed, {moves}"


def main() -> int:
    """Return 1 when a test failed or nothing was tried, or when this machine cannot be a node."""
    if missing := lacking():
        print(f"make realnode: this machine cannot be a node: {'; '.join(missing)}", file=sys.stderr)
        return 1
    os.environ["BERTH_REALNODE"] = "required"
    count = Count()
    status = pytest.main(["-q", "-m", "realnode", str(HERE), *sys.argv[1:]], plugins=[count])
    print("\n".join(["", *count.told, "", str(count)]))
    return 0 if status == pytest.ExitCode.OK and count.passed else 1


if __name__ == "__main__":
    sys.exit(main())
