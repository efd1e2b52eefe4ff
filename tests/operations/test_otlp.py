"""Spans leave as OTLP: a collector that decodes the protobuf sees one trace over two processes."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-11112222333344445555666677778888-00f067aa0ba902b7-01"


@dataclass
class Collector:
    """Takes what is posted to /v1/traces, apart from the first `refusals` times."""

    refusals: int = 0
    refused: int = 0
    spans: dict[tuple[str, str], Span] = field(default_factory=dict)
    """By service and name."""
    url: str = ""

    def take(self, path: str, kind: str, body: bytes) -> int:
        if self.refused < self.refusals:
            self.refused += 1
            return 503
        assert (path, kind) == ("/v1/traces", "application/x-protobuf")
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            [service] = [
                each.value.string_value
                for each in resource.resource.attributes
                if each.key == "service.name"
            ]
            for scope in resource.scope_spans:
                self.spans |= {(service, span.name): span for span in scope.spans}
        return 200


@pytest.fixture
def collector() -> Iterator[Collector]:
    taking = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status = taking.take(self.path, self.headers["content-type"], body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    taking.url = f"http://127.0.0.1:{server.server_port}"
    yield taking
    server.shutdown()
    server.server_close()


def traced(process: str, parents: list[str], collector: Collector) -> str:
    """A process that does one piece of traced work and ends; the traceparent inside of it."""
    code = f"""
from streams import tracing
tracing.configure({process!r}, {{"RIALTO_TRACES": "otlp:{collector.url}"}})
with tracing.span("work of {process}", {parents!r}, frames=2, market="BTC-USDT"):
    print(tracing.current())
"""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def test_a_collector_gets_one_trace_over_two_processes(collector: Collector):
    inside_api = traced("api", [TRACE], collector)
    traced("shipper", [inside_api, OTHER], collector)

    api, shipper = (
        collector.spans["api", "work of api"], collector.spans["shipper", "work of shipper"]
    )  # fmt: skip
    assert api.trace_id.hex() == shipper.trace_id.hex() == TRACE.split("-")[1]
    assert api.parent_span_id.hex() == TRACE.split("-")[2]
    assert shipper.parent_span_id == api.span_id
    assert inside_api == f"00-{api.trace_id.hex()}-{api.span_id.hex()}-01"
    assert [link.trace_id.hex() for link in shipper.links] == [OTHER.split("-")[1]]
    assert api.start_time_unix_nano <= api.end_time_unix_nano <= shipper.end_time_unix_nano
    attributes = {each.key: each.value for each in shipper.attributes}
    assert attributes["frames"].int_value == 2
    assert attributes["market"].string_value == "BTC-USDT"


def test_a_span_that_a_collector_refused_for_a_moment_comes_again(collector: Collector):
    collector.refusals = 1

    traced("api", [], collector)

    assert collector.refused == 1
    assert set(collector.spans) == {("api", "work of api")}
