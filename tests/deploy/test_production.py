"""Production, started as it is rendered: two replicas over TLS, one record in PostgreSQL."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.deploy.database import NAME, PASSWORD, database
from tests.deploy.image import Image
from tests.deploy.manifests import DEPLOY, objects, pods, rendered
from tests.deploy.network import Host, hosts
from tests.deploy.pod import Container, Pod
from tests.deploy.upstream import EXPECTED, REPORTS, UPSTREAM, client, emulator
from tests.support.certificate import make

KEY = {
    "AWS_ACCESS_KEY_ID": "GWDEVELOPER",
    "AWS_SECRET_ACCESS_KEY": "a-secret-for-trials-of-the-gateway",
}
_SERVICE = "inventory-gateway.inventory-gateway.svc"


def test_replicas_of_production_share_one_record(image: Image, tmp_path: Path) -> None:
    """What one decided the other shows, and whoever has no part in it has no way in."""
    documents = rendered(DEPLOY / "overlays/prod")
    ((_, template),) = pods(documents)
    known = objects(documents)
    (settings,) = [name for (_, name), held in known.items() if "GATEWAY_HOSTS" in held]
    journal, service = (
        make(tmp_path, "journal", hosts=[NAME]),
        make(tmp_path, "service", hosts=[_SERVICE]),
    )
    known["Secret", "inventory-gateway-principals"] = {
        "principals.yaml": (DEPLOY / "overlays/dev/principals.yaml").read_text()
    }
    known["Secret", "inventory-gateway-admin"] = {"token": "a-token-for-the-admin-listener"}
    known["Secret", "inventory-gateway-journal"] = {
        "password": f"{PASSWORD}\n",
        "ca.crt": journal.certificate.read_text(),
    }
    known["Secret", "inventory-gateway-tls"] = {
        "tls.crt": service.certificate.read_text(),
        "tls.key": service.key.read_text(),
    }
    with hosts("one", "two", "s3", "journal", "client") as network, ExitStack() as stack:
        endpoint = stack.enter_context(emulator(network["s3"], tmp_path))
        stack.enter_context(database(network["journal"], journal))
        # A role's credentials would come from the cloud.
        changes = {"GATEWAY_UPSTREAM_ENDPOINT": endpoint, **UPSTREAM}
        known["ConfigMap", settings] = {**known["ConfigMap", settings], **changes}
        names = {NAME: network["journal"].address}
        replicas: list[Container] = []
        for name in ("one", "two"):
            pod = Pod(template, known, image, network[name], tmp_path / name, names)
            replicas.append(stack.enter_context(pod.started())["inventory-gateway"])
            pod.until(replicas[-1], "readinessProbe")
        assert reports(network, tmp_path, "one", service.certificate) == EXPECTED
        decided = decisions(replicas[1], network["two"])
        assert decided == decisions(replicas[0], network["one"])
        assert [row["verdict"] for row in decided] == ["allow", "deny"]


def reports(network: Mapping[str, Host], folder: Path, replica: str, trusted: Path) -> str:
    """What a client sees that the Service has sent to this replica."""
    names = folder / "names"
    names.write_text(f"{network[replica].address} {_SERVICE}\n")
    variables = {"AWS_ENDPOINT_URL_S3": f"https://{_SERVICE}:9000", "AWS_CA_BUNDLE": str(trusted)}
    return client(network["client"], REPORTS, names, **variables, **KEY)


def decisions(replica: Container, host: Host) -> list[dict[str, object]]:
    """What `decisions list` says in that container."""
    assert replica.sandbox is not None
    command = ["inventory-gateway", "decisions", "list", "--json"]
    done = subprocess.run(
        host.inside(replica.sandbox.as_user(command)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
