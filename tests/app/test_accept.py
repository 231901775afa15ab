"""A scrape comes in the format that the client asks for, by RFC 9110, section 12.5.1."""

import pytest
from aiohttp import ClientSession

from app.scrapes import scraped
from berth.app import http
from berth.app.metrics.accept import wants_open_metrics

PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROTOBUF_FIRST = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;q=0.3"
)


@pytest.mark.parametrize(
    ("accept", "is_open"),
    [
        ("", False),
        ("*/*", False),
        ("text/html, application/xhtml+xml, */*;q=0.8", False),
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        (PROTOBUF_FIRST, False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; Version=1.0.0; Q=0.5, TEXT/PLAIN; q=0.4", True),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.000, */*", False),
        ("application/openmetrics-text; Q=0", False),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.9", False),
        ("text/plain;q=0.9,application/openmetrics-text;q=0.9", True),
        ("text/*;q=0.5,application/openmetrics-text;q=0.4", False),
        ("text/*;q=0.1,application/*;q=0.4", True),
        ("text/plain;q=0, */*", True),
        ("*/*;q=0.9, application/openmetrics-text;q=0.1", False),
        ('application/openmetrics-text; version="1.0.0"', True),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.1", False),
        ("x-application/openmetrics-text", False),
        ("application/openmetrics-text;q=much", False),
        ("application/openmetrics-text;q=7", False),
        (";;q,=,", False),
    ],
)
def test_format_by_what_is_accepted(accept: str, *, is_open: bool) -> None:
    assert wants_open_metrics(accept) == is_open


@pytest.mark.parametrize(
    ("accepts", "content_type", "is_open"),
    [
        (("application/openmetrics-text;q=0", "text/plain"), "text/plain; version=0.0.4; charset=utf-8", False),
        (
            ("text/plain;q=0.1", "application/openmetrics-text"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            True,
        ),
    ],
)
async def test_answer_is_what_its_content_type_is(
    accepts: tuple[str, ...], content_type: str, *, is_open: bool
) -> None:
    """However many headers the list is spread over."""
    app = http.probes(str, str)
    http.add_metrics(app, scraped().scrape)
    runner, port = await http.serve(app, "127.0.0.1", 0)
    try:
        async with (
            ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics", headers=[("Accept", each) for each in accepts]) as answer,
        ):
            assert answer.headers["Content-Type"] == content_type
            assert (await answer.text()).endswith("# EOF\n") == is_open
    finally:
        await runner.cleanup()
