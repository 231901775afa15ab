"""The chart with each set of values in its `ci/`, as objects."""

from functools import cache

from ground import chart
from ground.api import Json

CASES = sorted(path.name.removesuffix("-values.yaml") for path in (chart.CHART / "ci").glob("*.yaml"))
PODS = ("Deployment",)


def values(case: str) -> str:
    """Return the file of a set of values."""
    return str(chart.CHART / "ci" / f"{case}-values.yaml")


@cache
def rendered(case: str) -> str:
    """Return what helm makes of a set of values."""
    return chart.render("--values", values(case))


@cache
def objects(case: str) -> tuple[Json, ...]:
    """Return the objects of a set of values."""
    return tuple(chart.objects(source=rendered(case)))


def of(case: str, kind: str) -> list[Json]:
    """Return the objects of a kind."""
    return [each for each in objects(case) if each["kind"] == kind]


def named(case: str, kind: str, name: str = "berth") -> Json:
    """Return one object."""
    return next(each for each in of(case, kind) if each["metadata"]["name"] == name)


def container(deployment: Json) -> Json:
    """Return the one container of a Deployment."""
    [found] = deployment["spec"]["template"]["spec"]["containers"]
    body: Json = found
    return body


def environment(deployment: Json) -> dict[str, str]:
    """Return the environment variables that have a value."""
    return {each["name"]: each["value"] for each in container(deployment)["env"] if "value" in each}
