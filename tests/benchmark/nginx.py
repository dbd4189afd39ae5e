"""nginx: the stub of S3, the answer to ext_authz, and as a plain proxy the limit."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmark import program
from tests.benchmark.process import Server, free_port, started
from tests.support.certificate import Certificate

#: The bucket of the stub, and the sizes of the objects in it; `small/anything` is `small` as well.
BUCKET = "bench-source"
#: Where its inventories report to, and who owns both; the stub takes every owner for the owner.
DESTINATION, ACCOUNT = "bench-destination", "111122223333"
SIZES = {"small": 1024, "large": 64 << 20}


@contextmanager
def upstream(folder: Path) -> Iterator[Server]:
    """The stub: serves and stores files, in memory where the system has a place for that."""
    memory = Path("/dev/shm")  # noqa: S108 - a name of its own is made below
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else folder) as name:
        root, port = Path(name) / "root", free_port()
        (root / BUCKET).mkdir(parents=True)
        for key, size in SIZES.items():
            (root / BUCKET / key).write_bytes(b"x" * size)
        servers = f"""
          server {{
            listen 127.0.0.1:{port};
            root {root};
            add_header x-amz-request-id ABCDEFGHJKMNPQRS;
            add_header x-amz-id-2 benchmark;
            add_header x-amz-bucket-region us-east-1;
            location = /{BUCKET} {{ return 200; }}
            location = /{DESTINATION} {{ return 200; }}
            location /{BUCKET}/small/ {{ try_files /{BUCKET}/small =404; }}
            location / {{ dav_methods PUT; }}
          }}"""
        with _started("upstream", Path(name), port, servers) as server:
            yield server


@contextmanager
def authorizer(folder: Path, port: int) -> Iterator[Server]:
    """Says yes to everything."""
    servers = f"server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}"
    with _started("ext_authz", folder, port, servers) as server:
        yield server


@contextmanager
def proxy(folder: Path, target: int, certificate: Certificate | None) -> Iterator[Server]:
    """The limit: a plain proxy that neither verifies nor signs."""
    port = free_port()
    tls = (
        "ssl_protocols TLSv1.2 TLSv1.3; "  # as all others do; 1.22 leaves 1.3 out by default
        f"ssl_certificate {certificate.certificate}; ssl_certificate_key {certificate.key};"
        if certificate
        else ""
    )
    # With its buffer of 4 KiB nginx spends three times as much on a large answer.
    servers = f"""
      upstream s3 {{ server 127.0.0.1:{target}; keepalive 64; }}
      server {{
        listen 127.0.0.1:{port}{" ssl" if certificate else ""}; {tls}
        location / {{
          proxy_pass http://s3; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_request_buffering off; proxy_buffering off;
          proxy_buffer_size 64k; proxy_buffers 4 64k;
        }}
      }}"""
    with _started("nginx", folder, port, servers, certificate) as server:
        yield server


@contextmanager
def _started(
    name: str, folder: Path, port: int, servers: str, certificate: Certificate | None = None
) -> Iterator[Server]:
    config = folder / "nginx.conf"
    config.write_text(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid;\n"
        "error_log stderr error;\n"
        "events { worker_connections 4096; }\n"
        "http { access_log off; sendfile on; keepalive_requests 1000000000;\n"
        "client_max_body_size 0; client_body_temp_path body; proxy_temp_path proxy;\n"
        f"fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n{servers}\n}}\n"
    )
    command = [
        program.find("nginx", "the system's package nginx-light"),
        # what it says before it has read its configuration goes to stderr as well
        *("-e", "stderr", "-p", str(folder), "-c", str(config)),
    ]
    with started(name, command, port, folder / "log", certificate=certificate) as server:
        yield server
