"""The load: wrk for many small or few large answers, a plain socket for latency."""

import re
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.query import parse_query
from gateway.core.sigv4.credential import Credential
from gateway.core.sigv4.outgoing import sign_request
from gateway.core.sigv4.payload import EMPTY_SHA256
from tests.benchmark.peers import ACCESS_KEY, SECRET_KEY, program
from tests.benchmark.process import Server

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_CLIENT = Credential(ACCESS_KEY, SECRET_KEY)
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one peer.

    Args:
        per_second: requests.
        cpu_us: CPU of the peer per request, in microseconds.
        cpu_ms_per_gb: CPU of the peer per 10^9 bytes carried.
        p50_ms: median latency.
        p99_ms: its 99th percentile.
        rss_mib: peak memory so far.
    """

    per_second: float
    cpu_us: float
    cpu_ms_per_gb: float
    p50_ms: float
    p99_ms: float
    rss_mib: float


def get(server: Server, key: str, size: int, connections: int, seconds: float) -> Sample:
    """Signed GETs of one object, by wrk."""
    head = _signed(server.port, "GET", f"/bench-source/{key}", "", {}, EMPTY_SHA256)
    wrk = program("wrk", "apt-get install wrk")
    command = [wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
    for name, value in head:
        command += ["-H", f"{name.title()}: {value}"]  # wrk knows a Host only in capitals
    before = server.cpu_seconds()
    url = f"http://127.0.0.1:{server.port}/bench-source/{key}"
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    cpu = server.cpu_seconds() - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"benchmark: {server.name} answered with errors:\n{text}")
    found = re.search(r"(\d+) requests in", text)
    requests = int(found[1]) if found else 0
    return Sample(
        per_second=float(_number(r"Requests/sec:\s+([\d.]+)", text)),
        cpu_us=cpu / requests * 1e6,
        cpu_ms_per_gb=cpu * 1e3 / (requests * size / 1e9),
        p50_ms=_duration("50%", text),
        p99_ms=_duration("99%", text),
        rss_mib=server.peak_rss_mib(),
    )


def put(server: Server, size: int, times: int) -> Sample:
    """Signed PUTs of one large object on one connection."""
    body = b"x" * size
    digest = sha256(body).hexdigest()
    return _sequence(server, _requests(server.port, body, digest, times), size)


def gated_put(server: Server, times: int) -> Sample:
    """Allowed inventory PUTs, one after the other: the latency that a client sees."""
    body = (
        '<InventoryConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Destination>'
        "<S3BucketDestination><AccountId>111122223333</AccountId>"
        "<Bucket>arn:aws:s3:::bench-destination</Bucket><Format>Parquet</Format>"
        "<Encryption><SSE-S3/></Encryption></S3BucketDestination></Destination>"
        "<IsEnabled>true</IsEnabled><Id>daily</Id>"
        "<IncludedObjectVersions>Current</IncludedObjectVersions>"
        "<Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>"
    ).encode("ascii")
    headers = {"content-length": str(len(body))}
    digest = sha256(body).hexdigest()

    def requests() -> Iterator[bytes]:
        for _ in range(times):
            head = _signed(
                server.port, "PUT", "/bench-source", "inventory&id=daily", headers, digest
            )
            yield _head_bytes("PUT", "/bench-source?inventory&id=daily", head) + body

    list_of = list(requests())
    _sequence(server, iter(list_of[:20]), len(body))  # facts cached, pools warm
    return _sequence(server, iter(list_of[20:]), len(body))


def _requests(port: int, body: bytes, digest: str, times: int) -> Iterator[bytes]:
    headers = {"content-length": str(len(body))}
    for _ in range(times):
        head = _signed(port, "PUT", "/bench-source/upload", "", headers, digest)
        yield _head_bytes("PUT", "/bench-source/upload", head) + body


def _sequence(server: Server, requests: Iterator[bytes], size: int) -> Sample:
    latencies = []
    before = server.cpu_seconds()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            started = time.perf_counter()
            connection.sendall(request)
            _read_answer(server, connection)
            latencies.append(time.perf_counter() - started)
    cpu = server.cpu_seconds() - before
    hundredths = statistics.quantiles(latencies, n=100, method="inclusive")
    return Sample(
        per_second=len(latencies) / sum(latencies),
        cpu_us=cpu / len(latencies) * 1e6,
        cpu_ms_per_gb=cpu * 1e3 / (len(latencies) * size / 1e9),
        p50_ms=statistics.median(latencies) * 1e3,
        p99_ms=hundredths[98] * 1e3,
        rss_mib=server.peak_rss_mib(),
    )


def _read_answer(server: Server, connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise SystemExit(f"benchmark: {server.name} closed the connection after {data!r}")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise SystemExit(f"benchmark: {server.name} answered {data[:2000]!r}")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    missing = (int(length[1]) if length else 0) - len(rest)
    while missing > 0:
        missing -= len(connection.recv(65536))


def _signed(
    port: int, method: str, path: str, query: str, headers: dict[str, str], payload: str
) -> tuple[tuple[str, str], ...]:
    return sign_request(
        method,
        Endpoint(f"http://127.0.0.1:{port}"),
        _REGION,
        path,
        parse_query(query),
        headers.items(),
        payload,
        credential=_CLIENT,
        now=datetime.now(UTC),
    ).headers


def _head_bytes(method: str, target: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode()


def _number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "0"


def _duration(percentile: str, text: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s|m)", text)
    return float(found[1]) * _UNITS[found[2]] * 1e3 if found else 0.0
