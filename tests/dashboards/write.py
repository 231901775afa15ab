"""The dashboards as JSON, as Grafana and its sidecar load them."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

from dashboards import fleet, workload


def texts() -> dict[str, str]:
    """Return the content of each file, by name."""
    return {"fleet.json": text(fleet.build()), "workload.json": text(workload.build())}


def text(made: Dashboard) -> str:
    """Return a dashboard as JSON; its panels are numbered in their order."""
    built = made.build()
    for number, panel in enumerate(_panels(built.panels or []), start=1):
        panel.id_val = number
    return JSONEncoder(sort_keys=True, indent=2).encode(built) + "\n"


def _panels(panels: list[Panel | RowPanel]) -> Iterator[Panel | RowPanel]:
    for panel in panels:
        yield panel
        yield from panel.panels if isinstance(panel, RowPanel) else ()
