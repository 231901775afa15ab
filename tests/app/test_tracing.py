"""Traces: a span for each pass with its writes inside, and exemplars that lead to them."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.scrapes import families_of, scraped
from berth.app.tracing import Tracing, traced_by
from berth.kube.client import Client
from berth.kube.resources import SERVICES
from kube.fake_apiserver import FakeApiServer


@contextmanager
def exported() -> Iterator[tuple[Tracing, InMemorySpanExporter]]:
    """Trace into memory."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield traced_by(provider), exporter
    provider.shutdown()


async def test_every_write_is_a_child_of_the_pass_that_makes_it_and_reads_are_none(
    server: FakeApiServer, session: aiohttp.ClientSession
) -> None:
    with exported() as (tracing, exporter):
        traced = Client(lambda: session, server.url, span=tracing.span)
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}}
        with tracing.span("reconcile workload", {"berth.workload": "web"}):
            await traced.apply(SERVICES, "shop", "web", body)
            await traced.get(SERVICES, "shop", "web")
    write, whole = exporter.get_finished_spans()
    assert (write.name, whole.name) == ("PATCH services", "reconcile workload")
    assert write.parent is not None
    assert whole.context is not None
    assert write.parent.span_id == whole.context.span_id
    assert dict(write.attributes or {}) == {
        "http.request.method": "PATCH",
        "url.path": "/api/v1/namespaces/shop/services/web",
    }


def test_a_pass_that_is_traced_leads_from_its_histogram_to_its_trace() -> None:
    metrics = scraped()
    with exported() as (tracing, exporter):
        assert tracing.exemplar() is None, "no span is open"
        with tracing.span("reconcile workload", {}):
            metrics.reconcile_seconds.labels("workload").observe(0.02, tracing.exemplar())
    [span] = exporter.get_finished_spans()
    [family] = [
        each for each in families_of(metrics, open_metrics=True) if each.name.endswith("reconcile_time_seconds")
    ]
    found = [sample.exemplar.labels for sample in family.samples if sample.exemplar]
    assert span.context is not None
    assert found == [{"trace_id": f"{span.context.trace_id:032x}"}]


def test_without_tracing_there_are_no_spans_and_no_exemplars() -> None:
    off = Tracing()
    with off.span("reconcile workload", {}):
        assert off.exemplar() is None
    off.stop()
