"""Traces of a real operator, as a collector gets them: a span for each pass, with its writes inside."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ground.api import eventually
from scenarios import site, specs
from scenarios.process import Operator
from scenarios.site import Space

pytestmark = pytest.mark.ground

SECONDS = 30.0


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """Give the URL of a collector on loopback, and the spans that it has got."""
    spans: list[Span] = []

    class Collects(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = ExportTraceServiceRequest.FromString(body)
            spans.extend(span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collects)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_collector_gets_every_pass_with_its_writes(tmp_path: Path) -> None:
    with site.prepared(kubevirt=False) as cluster, collector() as (url, spans):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        operator = Operator(cluster, tmp_path, BERTH_TRACING="true", OTEL_BSP_SCHEDULE_DELAY="200", **told).start()
        try:
            space = Space.make(cluster)
            space.workload("web", specs.container())
            space.ready("web")
            writes = {"PATCH deployments", "PATCH services", "PATCH networkpolicies", "PATCH workloads"}
            eventually(lambda: writes <= inside_passes(spans), SECONDS, "passes over web are traced with their writes")
            assert any("trace_id=" in line for line in open_metrics(operator).splitlines()), "exemplars lead to traces"
        finally:
            assert operator.stop() == 0


def inside_passes(spans: list[Span]) -> set[str]:
    """Return the names of the spans inside passes over web."""
    passes = {
        each.span_id
        for each in spans
        if each.name == "reconcile berth-workload"
        and any(attribute.value.string_value == "web" for attribute in each.attributes)
    }
    return {each.name for each in spans if each.parent_span_id in passes}


def open_metrics(operator: Operator) -> str:
    """Return a scrape as Prometheus asks for it."""
    url = f"http://127.0.0.1:{operator.port}/metrics"
    answer = urllib3.request("GET", url, headers={"Accept": "application/openmetrics-text"}, retries=False)
    return answer.data.decode()
