"""Who is measured, in the order of the tables."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark import envoy, gateway, haproxy, nginx, sigv4_proxy
from tests.benchmark.process import Server
from tests.support.certificate import Certificate


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to measure.

    Args:
        name: for the tables.
        start: with a folder of its own, the port of the stub, and what to show the clients.
        quick: it is part of a quick run.
    """

    name: str
    start: Callable[[Path, int, Certificate | None], AbstractContextManager[Server]]
    quick: bool = True


GATEWAY, SIGNING, AUTHORIZED, SIGV4_PROXY = "gateway", "envoy", "envoy-authz", "sigv4-proxy"
PEERS: Mapping[str, Peer] = {
    "nginx": Peer("nginx, plain proxy", nginx.proxy),
    "haproxy": Peer("HAProxy, plain proxy", haproxy.proxy, quick=False),
    SIGNING: Peer("Envoy, signing", envoy.signing),
    AUTHORIZED: Peer("Envoy, signing + ext_authz", envoy.authorized),
    SIGV4_PROXY: Peer("aws-sigv4-proxy", sigv4_proxy.proxy),
    GATEWAY: Peer("the gateway", gateway.one_worker),
    "gateway-2": Peer("the gateway, 2 workers", gateway.two_workers, quick=False),
}
