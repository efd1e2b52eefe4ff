"""OpenTelemetry traces: one trace from a customer's request to the settlement of its trades.

Off unless RIALTO_TRACES says where spans go: `file:FOLDER` writes one file of JSON lines a process,
`otlp:URL` sends them to the collector there (OTLP over HTTP, protobuf), `otlp` alone where the
standard OTEL_EXPORTER_OTLP_* variables say. Off, nothing is imported and every call here is a
comparison.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Tracer
    from temporalio.client import Interceptor

_PARENT: Final = "traceparent"
_FLUSH_MILLISECONDS: Final = 500


class _State:
    """Of this process."""

    tracer: Tracer | None = None


def configure(process: str, variables: Mapping[str, str] = os.environ) -> None:
    """Begin to trace if RIALTO_TRACES asks for it. Call once, in main."""
    where = variables.get("RIALTO_TRACES", "")
    if not where:
        return
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": process}))
    exporter = _exporter(where, process)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, schedule_delay_millis=_FLUSH_MILLISECONDS)
    )
    trace.set_tracer_provider(provider)
    _State.tracer = trace.get_tracer("rialto")


def is_on() -> bool:
    return _State.tracer is not None


def _exporter(where: str, process: str) -> Any:
    kind, _, place = where.partition(":")
    if kind == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(f"{place.rstrip('/')}/v1/traces" if place else None)
    assert kind == "file", f"RIALTO_TRACES is {where!r}, neither otlp, otlp:URL nor file:FOLDER"
    return _file_exporter(Path(place), process)


def _file_exporter(folder: Path, process: str) -> Any:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / f"{process}.jsonl").open("a", buffering=1)

    class FileExporter(SpanExporter):
        """One JSON line a span: enough to follow a trace on the local stack with grep."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            file.writelines(_line(span, process) for span in spans)
            file.flush()
            return SpanExportResult.SUCCESS

    return FileExporter()


def _line(span: ReadableSpan, process: str) -> str:
    context, parent = span.get_span_context(), span.parent
    assert context is not None
    told = {
        "process": process,
        "name": span.name,
        "trace": f"{context.trace_id:032x}",
        "span": f"{context.span_id:016x}",
        "parent": f"{parent.span_id:016x}" if parent else "",
        "links": [f"{link.context.trace_id:032x}" for link in span.links],
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "attributes": dict(span.attributes or {}),
    }
    return json.dumps(told, default=str) + "\n"


@contextmanager
def span(name: str, parents: Sequence[str] = (), **attributes: str | int) -> Iterator[None]:
    """A span around the block. `parents` are traceparents of other processes: the first is the
    parent, the rest are linked, as work that comes in batches has many causes.
    """
    tracer = _State.tracer
    if tracer is None:
        yield
        return
    from opentelemetry.trace import Link, get_current_span

    contexts = [_extract(parent) for parent in parents if parent]
    links = [Link(get_current_span(each).get_span_context()) for each in contexts[1:]]
    context = contexts[0] if contexts else None
    with tracer.start_as_current_span(name, context, links=links, attributes=attributes):
        yield


def current() -> str:
    """The traceparent of the span around this call; empty when there is none."""
    if _State.tracer is None:
        return ""
    from opentelemetry.propagate import inject

    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get(_PARENT, "")


def _extract(traceparent: str) -> Any:
    from opentelemetry.propagate import extract

    return extract({_PARENT: traceparent})


def temporal_interceptors() -> list[Interceptor]:
    """For a Temporal client: they carry the trace through workflows and activities."""
    if _State.tracer is None:
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [TracingInterceptor(_State.tracer)]
