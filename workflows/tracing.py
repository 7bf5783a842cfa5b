"""Traces by OpenTelemetry, where `RECOBRO_TRACING__ENDPOINT` asks for them and the extra `tracing` is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from config.logs import masked
from config.settings import BadSettings
from config.tracing_settings import Tracing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from temporalio.contrib.opentelemetry import TracingInterceptor


@dataclass(frozen=True)
class Traces:
    """`interceptor` traces a client and its workers; `http_client` calls providers; `close` sends the rest."""

    provider: TracerProvider
    interceptor: TracingInterceptor

    def http_client(self, limits: httpx.Limits) -> httpx.AsyncClient:
        from providers.tracing import TracedClient

        return TracedClient(self.provider.get_tracer("recobro.providers"), limits=limits)

    def close(self) -> None:
        self.provider.shutdown()


def start_tracing(settings: Tracing | None, process: str) -> Traces | None:
    """Send spans of this process, named recobro-<process>, to the collector. Raises BadSettings without the extra."""
    if settings is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from temporalio.contrib.opentelemetry import TracingInterceptor
    except ImportError:
        raise BadSettings("RECOBRO_TRACING__ENDPOINT: needs the extra: pip install 'recobro[tracing]'") from None

    class MaskingExporter(OTLPSpanExporter):
        """The last defence, as for logs: a failure's text that names a person does not leave like this."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return super().export([_masked(span) for span in spans])

    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"recobro-{process}"}),
        sampler=ParentBased(TraceIdRatioBased(settings.share)),
        shutdown_on_exit=False,
    )
    endpoint = f"{settings.endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(MaskingExporter(endpoint=endpoint, headers=headers, timeout=5)))
    return Traces(provider, TracingInterceptor(provider.get_tracer("recobro.temporal")))


def _masked(span: ReadableSpan) -> ReadableSpan:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Status

    status = span.status
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[Event(event.name, _texts(event.attributes or {}), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(status.status_code, masked(status.description)) if status.description else status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _texts(attributes: Mapping[str, object]) -> dict[str, str]:
    return {name: masked(str(value)) for name, value in attributes.items()}
