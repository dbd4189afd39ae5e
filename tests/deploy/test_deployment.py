"""The central gateway, started as it is rendered: the trial overlay, OPA beside it, and compose."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.dockerfile import ROOT, stages
from tests.deploy.image import Image
from tests.deploy.manifests import DEPLOY, Document, objects, on_the_base, pods, rendered
from tests.deploy.network import Host, hosts
from tests.deploy.pod import Pod
from tests.deploy.upstream import EXPECTED, REPORTS, UPSTREAM, client, emulator

KEY = {
    "AWS_ACCESS_KEY_ID": "GWDEVELOPER",
    "AWS_SECRET_ACCESS_KEY": "a-secret-for-trials-of-the-gateway",
}
PRINCIPALS = (DEPLOY / "overlays/dev/principals.yaml").read_text()


@pytest.fixture
def network() -> Iterator[Mapping[str, Host]]:
    """Three pods' networks."""
    with hosts("gateway", "s3", "client") as found:
        yield found


def reports(network: Mapping[str, Host], folder: Path, **key: str) -> str:
    """What a client in a pod of its own sees, that knows the gateway by the name of its Service."""
    names = folder / "names"
    names.write_text(f"{network['gateway'].address} inventory-gateway\n")
    endpoint = {"AWS_ENDPOINT_URL_S3": "http://inventory-gateway:9000"}
    return client(network["client"], REPORTS, names, **endpoint, **key)


def test_the_trial_overlay_runs(image: Image, network: Mapping[str, Host], tmp_path: Path) -> None:
    """Gateway and emulator by the commands that are rendered; probes are answered from outside."""
    documents = rendered(DEPLOY / "overlays/dev")
    known, templates = objects(documents), dict(pods(documents))
    names = {"emulator": network["s3"].address}
    upstream = Pod(templates["emulator"], known, image, network["s3"], tmp_path / "s3")
    pod = Pod(
        templates["inventory-gateway"], known, image, network["gateway"], tmp_path / "pod", names
    )
    with upstream.started(), pod.started() as started:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            pod.until(started["inventory-gateway"], probe)
        assert reports(network, tmp_path, **KEY) == EXPECTED


def test_opa_decides_beside_the_gateway(
    image: Image, network: Mapping[str, Host], tmp_path: Path
) -> None:
    """The component on the base: bundles from the image, a socket that only the pod has."""
    documents = on_the_base("opa", tmp_path)
    ((_, template),) = pods(documents)
    known = objects(documents)
    known["Secret", "inventory-gateway-principals"] = {"principals.yaml": PRINCIPALS}
    known["Secret", "inventory-gateway-admin"] = {"token": "a-token-for-the-admin-listener"}
    (settings,) = [name for (_, name), held in known.items() if "GATEWAY_HOSTS" in held]
    with emulator(network["s3"], tmp_path) as endpoint:
        known["ConfigMap", settings] = {
            **known["ConfigMap", settings],
            **UPSTREAM,
            "GATEWAY_UPSTREAM_ENDPOINT": endpoint,
        }
        pod = Pod(template, known, image, network["gateway"], tmp_path / "pod")
        with pod.started() as started:
            pod.until(started["inventory-gateway"], "readinessProbe")
            assert reports(network, tmp_path, **KEY) == EXPECTED
            assert '"engine":"opa"' in started["inventory-gateway"].log.read_text()


def test_compose_runs(image: Image, network: Mapping[str, Host], tmp_path: Path) -> None:
    """Its commands, environments and volumes; an engine would start them in the same order."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    names = {"emulator": network["s3"].address}
    upstream = Pod(_template(services, "emulator"), {}, image, network["s3"], tmp_path / "s3")
    template = _template(services, "gateway", "opa", before=("keys", "bundles"))
    check = yaml.safe_load(stages()[-1].only("HEALTHCHECK").rest.partition("CMD ")[2])
    ready = [*check, "http://127.0.0.1:9001/readyz"]
    gateway = template["spec"]["containers"][1]
    gateway["livenessProbe"] = {"exec": {"command": check}}
    gateway["readinessProbe"] = {"exec": {"command": ready}}
    pod = Pod(template, {}, image, network["gateway"], tmp_path / "pod", names)
    with upstream.started(), pod.started() as started:
        for probe in ("livenessProbe", "readinessProbe"):
            pod.until(started["gateway"], probe)
        said = started["keys"].log.read_text()
        key = dict(re.findall(r"export (AWS_\w+)=(\S+)", said))
        endpoint = "http://127.0.0.1:9000"  # which compose forwards to
        assert client(network["gateway"], REPORTS, AWS_ENDPOINT_URL_S3=endpoint, **key) == EXPECTED
        assert '"engine":"opa"' in started["gateway"].log.read_text()


def test_compose_confines_what_it_starts() -> None:
    """As deploy/ does; and only a laptop's own programs reach it."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for service in services.values():
        assert service["read_only"] is True
        assert service["user"] == "65532:65532"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:9000:9000"]
    assert services["opa"]["network_mode"] == "service:gateway"


def _template(
    services: Mapping[str, Any], *names: str, before: Sequence[str] = ()
) -> dict[str, Any]:
    """Services of compose as a pod: those that must have ended first as its init containers."""
    each = {name: _container(name, services[name]) for name in (*before, *names)}
    volumes = {mount["name"] for container in each.values() for mount in container["volumeMounts"]}
    return {
        "spec": {
            "securityContext": {"fsGroup": 65532},
            "initContainers": [each[name] for name in before],
            # OPA waits for nobody; the gateway waits for it.
            "containers": [each[name] for name in reversed(names)],
            "volumes": [{"name": name, "emptyDir": {}} for name in sorted(volumes)],
        }
    }


def _container(name: str, service: Mapping[str, Any]) -> Document:
    mounts = []
    for text in service.get("volumes", ()):
        volume, path, *options = text.split(":")
        mounts.append({"name": volume, "mountPath": path, "readOnly": options == ["ro"]})
    environment = service.get("environment", {})
    return {
        "name": name,
        "image": service["image"],
        **({"command": service["entrypoint"]} if "entrypoint" in service else {}),
        "args": service.get("command", ["serve"]),
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "volumeMounts": mounts,
    }
