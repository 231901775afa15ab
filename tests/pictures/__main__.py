"""Command line: `python -m pictures DASHBOARD.json --prometheus URL --out FILE.png`."""

import argparse
import json
import sys
import time
from pathlib import Path

from ground import prometheus
from pictures.browser import BrowserError, shoot
from pictures.picture import picture
from pictures.source import Source
from pictures.variables import DashboardError, values
from pictures.window import Window, moment, seconds


def main(arguments: list[str] | None = None) -> int:
    """Draw one dashboard; returns the exit status: 0 drawn, 1 failed, 2 wrong usage."""
    given = _arguments().parse_args(arguments)
    try:
        draw(
            given.dashboard,
            given.prometheus,
            given.out,
            variables=dict(pair.split("=", 1) for pair in given.var),
            start=given.start,
            end=given.end,
            row=given.row,
        )
    except (BrowserError, DashboardError, prometheus.PrometheusError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(given.out)
    return 0


def draw(
    dashboard: Path,
    url: str,
    out: Path,
    *,
    variables: dict[str, str],
    start: str = "-15m",
    end: str = "now",
    row: str | None = None,
) -> None:
    """Draw a dashboard, or one row of it, from what Prometheus answers now into a PNG file.

    Raises DashboardError, PrometheusError, BrowserError.
    """
    content = json.loads(dashboard.read_text())
    now = time.time()
    source = Source(
        url=url.rstrip("/"),
        scrape=max((seconds(each["scrapeInterval"]) for each in prometheus.targets(url.rstrip("/"))), default=15),
        window=Window(moment(start, now), moment(end, now)),
        variables=values(content, variables),
    )
    shoot(picture(content, source, row), out)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pictures", description="Draw a Grafana dashboard with Perses.")
    parser.add_argument("dashboard", type=Path, help="file with classic dashboard JSON")
    parser.add_argument("--prometheus", required=True, metavar="URL", help="where its queries are sent")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="value of a variable")
    parser.add_argument("--from", dest="start", default="-15m", help="seconds since 1970, or --from=-15m (default)")
    parser.add_argument("--to", dest="end", default="now", help="seconds since 1970, or --to=-5m (default: now)")
    parser.add_argument("--row", metavar="TITLE", help="only this row of the dashboard")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the picture")
    return parser


if __name__ == "__main__":
    sys.exit(main())
