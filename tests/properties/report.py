"""What a run tells of the properties: the seed, and how many examples of each were tried."""

from typing import Any

from properties.examples import EXAMPLES, SEED


def header() -> str:
    """Return what is said at the start of a run."""
    return f"properties: {EXAMPLES} examples each, BERTH_SEED={SEED}"


def summary(reporter: Any) -> None:
    """Write a table of all properties that ran: examples and seconds."""
    rows: dict[str, list[float]] = {}
    for report in (*reporter.stats.get("passed", ()), *reporter.stats.get("failed", ())):
        told = dict(getattr(report, "user_properties", ()))
        if "examples" in told and report.when == "call":
            name = _property(report.nodeid)
            row = rows.setdefault(name, [0, 0.0, 0])
            row[0] += told["examples"]
            row[1] += told["seconds"]
            row[2] += 1
    if not rows:
        return
    reporter.section("properties")
    reporter.write_line(f"{header()}")
    width = max(map(len, rows))
    for name, (examples, seconds, tests) in sorted(rows.items()):
        reporter.write_line(
            f"{name:{width}}  {int(examples):>9} examples  {seconds:6.1f} s of a processor  {int(tests):>2} tests"
        )


def _property(nodeid: str) -> str:
    """Return the file of a test, which is named as its property."""
    return nodeid.partition("::")[0].rpartition("/")[2].removeprefix("test_").removesuffix(".py")
