"""The example of a sidecar, started: two pods' networks, the rendered commands, a real client."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.image import Image
from tests.deploy.manifests import DEPLOY, containers, objects, only, pods, rendered
from tests.deploy.network import Host, hosts
from tests.deploy.pod import Container, Pod
from tests.deploy.upstream import PORT, UPSTREAM, client, emulator

CLIENT = {
    "AWS_ACCESS_KEY_ID": "GWORDERS",
    "AWS_SECRET_ACCESS_KEY": "the-secret-of-the-application",
}
_TOKEN = "a-token-that-only-the-gateway-has-mounted"
_PRINCIPALS = f"""principals:
  - name: orders
    access_key_id: {CLIENT["AWS_ACCESS_KEY_ID"]}
    secret_access_key: {CLIENT["AWS_SECRET_ACCESS_KEY"]}
    buckets: ["acme-*"]
"""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs.

    Args:
        gateway: the sidecar.
        application: beside it.
        host: of both.
        upstream: where S3 is.
        pod: of both.
    """

    gateway: Container
    application: Container
    host: Host
    upstream: Host
    pod: Pod


@pytest.fixture
def running(image: Image, tmp_path: Path) -> Iterator[Running]:
    """S3 in one network, the pod in another; its Secrets are what an operator would make."""
    documents = rendered(DEPLOY / "example")
    ((_, template),) = pods(documents)
    known = objects(documents)
    settings = only(documents, "ConfigMap", "inventory-gateway-sidecar")["metadata"]["name"]
    with hosts("pod", "s3") as network:
        known["Secret", "inventory-gateway-upstream"] = UPSTREAM
        known["Secret", "inventory-gateway-client"] = CLIENT
        known["Secret", "inventory-gateway-principals"] = {"principals.yaml": _PRINCIPALS}
        known["Secret", "inventory-gateway-admin"] = {"token": _TOKEN}
        with emulator(network["s3"], tmp_path) as endpoint:
            known["ConfigMap", settings] = {
                **known["ConfigMap", settings],
                "GATEWAY_UPSTREAM_ENDPOINT": endpoint,
            }
            pod = Pod(template, known, image, network["pod"], tmp_path / "pod")
            with pod.started() as found:
                yield Running(
                    found["inventory-gateway"],
                    found["application"],
                    network["pod"],
                    network["s3"],
                    pod,
                )


_DIRECTLY = """
import boto3
from botocore.exceptions import ClientError
try:
    boto3.client("s3").list_buckets()
except ClientError as refused:
    print(refused.response["Error"]["Code"])
"""
_CONNECT = """
import socket
try:
    socket.create_connection(("{host}", {port}), 5).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
"""
_ADMIN = """
import http.client, os
connection = http.client.HTTPConnection("127.0.0.1", 9001)
given = os.environ.get("TOKEN")
headers = {"Authorization": f"Bearer {given}"} if given else {}
for path in ("/", "/rules", "/decisions", "/livez"):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    print(answer.status, end=" ")
"""


def test_an_application_needs_its_own_key_only(running: Running) -> None:
    """It stores an object, and reads why its report is refused: with what the manifest gives it."""
    said = running.application.says("INV001")
    assert said.startswith("stored\n")
    assert "AccessDenied" in said
    environ = Path(f"/proc/{running.application.process.pid}/environ").read_bytes().decode()
    given = dict(item.partition("=")[::2] for item in environ.split("\0") if item)
    assert given.pop("PATH")
    assert given == {
        **CLIENT,
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000",
        "AWS_REGION": "eu-central-1",
    }
    for secret in UPSTREAM.values():
        assert secret not in environ
        assert secret not in said + running.gateway.log.read_text()
    assert UPSTREAM.items() <= running.gateway.environment.items()
    for name in ("startupProbe", "livenessProbe"):
        assert running.pod.probe(running.gateway, name).returncode == 0


def test_a_sidecar_shares_its_pod_s_network_and_nobody_else_s(running: Running) -> None:
    """What it does not do: keep the application from S3. What does: S3 knows no such key."""
    for port, expected in ((9000, "refused"), (9001, "refused")):
        script = _CONNECT.format(host=running.host.address, port=port)
        assert client(running.upstream, script) == expected
    assert client(running.host, _CONNECT.format(host=running.upstream.address, port=PORT)) == "open"
    endpoint = f"http://{running.upstream.address}:{PORT}"
    code = client(running.host, _DIRECTLY, None, AWS_ENDPOINT_URL_S3=endpoint, **CLIENT)
    assert code == "InvalidAccessKeyId"


def test_an_application_reads_nothing_on_the_admin_listener(running: Running) -> None:
    """It reaches it on loopback; the token is in the gateway's container, and in no other."""
    assert client(running.host, _ADMIN) == "401 401 401 200"
    assert "401" not in client(running.host, _ADMIN, None, TOKEN=_TOKEN)
    for name, expected in (("inventory-gateway", 1), ("application", 0)):
        mounts = next(item for item in containers(running.pod.template) if item["name"] == name)[
            "volumeMounts"
        ]
        assert [item["name"] for item in mounts].count("inventory-gateway-admin") == expected
