"""Optional OpenTelemetry traces: a span for each pass, with one for each write to the API server inside it.

Needs the extra `otel`. Where spans go is said by OpenTelemetry's own variables, OTEL_EXPORTER_OTLP_ENDPOINT and so on
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from berth import __version__
from berth.kube.reading import Span, no_span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


def _no_exemplar() -> dict[str, str] | None:
    return None


@dataclass(frozen=True, slots=True)
class Tracing:
    """What the rest of the operator knows of tracing. As it is made it traces nothing."""

    span: Span = no_span
    """Begins a span with a name and attributes, inside the one that is open."""
    exemplar: Callable[[], dict[str, str] | None] = _no_exemplar
    """Returns the labels that lead from a histogram to the trace that is open."""
    stop: Callable[[], None] = lambda: None
    """Sends what is left."""


def open_telemetry() -> Tracing:
    """Return tracing by the OpenTelemetry SDK, to where its variables say. Raises ImportError without the extra."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  optional, slow
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "berth", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return traced_by(provider)


def traced_by(provider: "TracerProvider") -> Tracing:
    """Return tracing by a provider of spans."""
    from opentelemetry import trace  # noqa: PLC0415  optional

    tracer = provider.get_tracer("berth", __version__)

    def span(name: str, attributes: dict[str, str]) -> AbstractContextManager[object]:
        return tracer.start_as_current_span(name, attributes=attributes)

    def exemplar() -> dict[str, str] | None:
        context = trace.get_current_span().get_span_context()
        return {"trace_id": f"{context.trace_id:032x}"} if context.trace_flags.sampled else None

    return Tracing(span, exemplar, provider.shutdown)
