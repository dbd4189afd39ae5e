"""What is measured of every peer."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

from gateway.core.sigv4.payload import EMPTY_SHA256
from tests.benchmark import wrk
from tests.benchmark.client import Client, head_of
from tests.benchmark.nginx import ACCOUNT, BUCKET, DESTINATION, SIZES
from tests.benchmark.process import Server
from tests.benchmark.sample import Cost, Sample

_UPLOADS = 2
#: More than the gateway remembers of anything: no request is answered faster for having been seen.
_OBJECTS = 5000
_GATED_WARM, _GATED = 20, 200
CONFIGURATION = (
    '<InventoryConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Destination>'
    f"<S3BucketDestination><AccountId>{ACCOUNT}</AccountId>"
    f"<Bucket>arn:aws:s3:::{DESTINATION}</Bucket><Format>Parquet</Format>"
    "<Encryption><SSE-S3/></Encryption></S3BucketDestination></Destination>"
    "<IsEnabled>true</IsEnabled><Id>daily</Id>"
    "<IncludedObjectVersions>Current</IncludedObjectVersions>"
    "<Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>"
).encode("ascii")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of load.

    Args:
        request: what is repeated.
        connections: how many at a time.
        measure: with a server and the seconds of load.
        bulk: what counts is CPU per GB, and not per request.
        tls: to the client; the upstream leg is plain always.
    """

    request: str
    connections: int
    measure: Callable[[Server, float], Sample]
    bulk: bool
    tls: bool

    @property
    def name(self) -> str:
        """For a table that has many."""
        return f"{self.request} over TLS" if self.tls else self.request

    @property
    def title(self) -> str:
        """With all there is to say."""
        return f"{self.name}, {self.connections} connections"

    @property
    def cost(self) -> Cost:
        """What peers are compared by."""
        return (lambda one: one.cpu_ms_per_gb) if self.bulk else (lambda one: one.cpu_us)

    @property
    def unit(self) -> str:
        """Of the cost."""
        return "CPU ms/GB" if self.bulk else "CPU µs/request"


def gets(
    targets: Sequence[str], connections: int, share: float
) -> Callable[[Server, float], Sample]:
    """Signed GETs of these in turn, by wrk, for a share of the seconds."""

    def measure(server: Server, seconds: float) -> Sample:
        requests = [head_of(server, "GET", target, EMPTY_SHA256, {}) for target in targets]
        server.forget_peak()
        before = server.cpu_seconds()
        try:
            load = wrk.run(server.url, requests, connections, seconds * share)
        except ValueError as fault:
            raise SystemExit(f"benchmark: {server.name} answered with errors:\n{fault}") from fault
        cpu = server.cpu_seconds() - before
        return Sample(
            requests=load.requests,
            seconds=load.seconds,
            carried=load.received,
            cpu_seconds=cpu,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            rss_mib=server.peak_rss_mib(),
        )

    return measure


def _put(server: Server, seconds: float) -> Sample:
    """Signed PUTs of a large object on two connections."""
    body = b"x" * SIZES["large"]
    digest = sha256(body).hexdigest()
    server.forget_peak()
    before, begin = server.cpu_seconds(), time.perf_counter()

    def upload(number: int) -> list[float]:
        latencies: list[float] = []
        with Client(server) as client:
            while not latencies or time.perf_counter() < begin + seconds / 2:
                target = f"/{BUCKET}/upload-{number}"
                latencies.append(client.exchange("PUT", target, digest, body))
        return latencies

    with ThreadPoolExecutor(_UPLOADS) as pool:
        latencies = [one for each in pool.map(upload, range(_UPLOADS)) for one in each]
    took = time.perf_counter() - begin
    return _sample(server, latencies, len(body), server.cpu_seconds() - before, took)


def gated_put(server: Server) -> Sample:
    """Allowed inventory PUTs, one after the other: the latency that a client sees."""
    target, digest = f"/{BUCKET}?inventory&id=daily", sha256(CONFIGURATION).hexdigest()
    with Client(server) as client:
        for _ in range(_GATED_WARM):  # facts are cached then, and pools filled
            client.exchange("PUT", target, digest, CONFIGURATION)
        server.forget_peak()
        before = server.cpu_seconds()
        latencies = [client.exchange("PUT", target, digest, CONFIGURATION) for _ in range(_GATED)]
        cpu = server.cpu_seconds() - before
    return _sample(server, latencies, len(CONFIGURATION), cpu, sum(latencies))


def _sample(
    server: Server, latencies: Sequence[float], size: int, cpu: float, seconds: float
) -> Sample:
    return Sample(
        requests=len(latencies),
        seconds=seconds,
        carried=len(latencies) * size,
        cpu_seconds=cpu,
        p50_ms=statistics.median(latencies) * 1e3,
        p99_ms=statistics.quantiles(latencies, n=100, method="inclusive")[98] * 1e3,
        rss_mib=server.peak_rss_mib(),
    )


_SMALL = gets([f"/{BUCKET}/small/{number}" for number in range(_OBJECTS)], 32, 1.0)
_LARGE = gets([f"/{BUCKET}/large"], 4, 0.5)
SCENARIOS: Mapping[str, Scenario] = {
    "get-small": Scenario("GET 1 KiB", 32, _SMALL, bulk=False, tls=False),
    "get-large": Scenario("GET 64 MiB", 4, _LARGE, bulk=True, tls=False),
    "put-large": Scenario("PUT 64 MiB", _UPLOADS, _put, bulk=True, tls=False),
    "get-small-tls": Scenario("GET 1 KiB", 32, _SMALL, bulk=False, tls=True),
    "get-large-tls": Scenario("GET 64 MiB", 4, _LARGE, bulk=True, tls=True),
    "put-large-tls": Scenario("PUT 64 MiB", _UPLOADS, _put, bulk=True, tls=True),
}
