"""Traces from a client's header to a collector: a whole gateway, and an OTLP/HTTP receiver."""

import contextlib
import gzip
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.inventory import document
from tests.support.opa_process import SHIPPED, opa_server
from tests.support.site import ANA, Site, wait_until
from tests.support.wire import message, signed

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")


@dataclass
class Collector:
    """An OTLP/HTTP receiver that keeps what it is sent."""

    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    url: str = ""

    @property
    def spans(self) -> list[Span]:
        """All so far."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def services(self) -> set[str]:
        """Who sent them."""
        return {
            attribute.value.string_value
            for request in self.requests
            for resource in request.resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """It listens, and the environment names it."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            made.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "gateway-under-test")
        yield made
        server.shutdown()
        thread.join()


def put(site: Site, body: str, *headers: tuple[str, str]) -> int:
    """A gated PUT by ana."""
    wire = message("PUT", "/acme-orders?inventory&id=inv-1", body.encode(), headers)
    return site.call(signed(wire, ANA)).status


def test_a_gated_put_is_a_trace_of_all_its_parts(tmp_path: Path, collector: Collector) -> None:
    """It goes on from the client's; log and journal name it, and S3 hears nothing of it."""
    with Site(tmp_path) as site:
        mark = site.mark()
        assert put(site, document(), TRACEPARENT, ("tracestate", "a=b")) == 204
        wait_until(lambda: any(line["event"] == "decision" for line in site.lines(mark)))
        (event,) = site.events(mark, 1)
        (decision,) = [line for line in site.lines(mark) if line["event"] == "decision"]
        names = {name.lower() for got in site.received(mark) for name, _ in got.headers}
        assert site.received(mark)
    assert (event["trace_id"], decision["trace_id"]) == (TRACE, TRACE)
    assert not names & {"traceparent", "tracestate", "baggage"}
    assert TRACE.encode() in b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {
        "S3 PutBucketInventoryConfiguration",
        *("verification", "facts", "policy", "journal", "upstream"),
    }
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    request = spans.pop("S3 PutBucketInventoryConfiguration")
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    assert {span.parent_span_id for span in spans.values()} == {request.span_id}
    assert collector.services == {"gateway-under-test"}


def test_without_a_header_each_request_has_a_trace_of_its_own(
    tmp_path: Path, collector: Collector
) -> None:
    """Objects, too; keys and buckets are not told."""
    with Site(tmp_path) as site:
        mark = site.mark()
        for _ in range(2):
            site.call(signed(message("GET", "/acme-orders/secret-key"), ANA))
        traces = {str(event["trace_id"]) for event in site.events(mark, 2)}
        assert "traceparent" not in {
            name.lower() for got in site.received(mark) for name, _ in got.headers
        }
    assert len(traces) == 2
    assert {span.trace_id.hex() for span in collector.spans} == traces
    told = str(collector.requests)
    assert not [word for word in ("secret-key", "acme-orders", ANA.access_key_id) if word in told]


def test_a_relayed_request_takes_no_trace_to_s3(tmp_path: Path, collector: Collector) -> None:
    """The client's own header, even one that it signed, is not in what is signed anew."""
    headers = (TRACEPARENT, ("tracestate", "a=b"), ("baggage", "c=d"))
    with Site(tmp_path) as site:
        mark = site.mark()
        site.call(signed(message("PUT", "/acme-orders/key", b"data", headers), ANA))
        (event,) = site.events(mark, 1)
        (got,) = [got for got in site.received(mark) if got.method == "PUT"]
    assert (event["status"], event["trace_id"]) == (200, TRACE)
    assert not {name.lower() for name, _ in got.headers} & {"traceparent", "tracestate", "baggage"}
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}


def test_without_a_collector_nothing_is_named(tmp_path: Path) -> None:
    """No trace id in the log."""
    with Site(tmp_path) as site:
        mark = site.mark()
        assert put(site, document(), TRACEPARENT) == 204
        (event,) = site.events(mark, 1)
    assert "trace_id" not in event


class Wiretap(socketserver.ThreadingTCPServer):
    """Passes connections on, and keeps what the client says.

    Args:
        port: where to.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._port = port
        self.heard = b""

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Pump both ways until either side has enough."""
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=pump, args=(server, request, lambda _: None))
            back.start()
            pump(request, server, self._hear)
            back.join()

    def _hear(self, data: bytes) -> None:
        self.heard += data


def pump(source: socket.socket, target: socket.socket, hear: Callable[[bytes], None]) -> None:
    """One way, until its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            hear(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_an_opa_server_is_told_the_trace(tmp_path: Path, collector: Collector) -> None:
    """In its question alone: what is asked outside of a request has no trace to name."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with opa_server(*SHIPPED, url=f"http://127.0.0.1:{port}"), Wiretap(port) as tap:
        thread = threading.Thread(target=tap.serve_forever)
        thread.start()
        settings = {
            "policy_engine": "opa",
            "opa_url": f"http://127.0.0.1:{tap.server_address[1]}",
            "policy_timeout_seconds": 10.0,
        }
        with Site(tmp_path, settings) as site:
            before = tap.heard
            assert put(site, document(), TRACEPARENT) == 204
            asked = tap.heard.removeprefix(before)
        tap.shutdown()
        thread.join()
    (policy,) = [span for span in collector.spans if span.name == "policy"]
    assert policy.trace_id.hex() == TRACE
    named = f"traceparent: 00-{TRACE}-{policy.span_id.hex()}-01\r\n"
    assert asked.lower().count(b"traceparent") == 1
    assert named.encode() in asked
    assert b"POST" in before
    assert b"traceparent" not in before.lower()
