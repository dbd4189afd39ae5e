"""deploy/: what it renders is what Kubernetes takes, and what the threat model asks for."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from gateway.app.settings import PREFIX, Settings
from tests.deploy.manifests import (
    DEPLOY,
    Document,
    containers,
    objects,
    on_the_base,
    only,
    pods,
    rendered,
)

FOLDERS = {
    folder.relative_to(DEPLOY).as_posix(): folder
    for folder in (DEPLOY / "base", *sorted((DEPLOY / "overlays").iterdir()), DEPLOY / "example")
}
#: The oldest that has what is used (native sidecars), and the newest that is known.
VERSIONS = ("1.29", kubernetes_validate.latest_version())
#: Kinds of operators, which no release of Kubernetes describes: members that theirs require, and
#: https://github.com/prometheus-operator/prometheus-operator and https://cert-manager.io name them.
FOREIGN: dict[str, tuple[str, set[str]]] = {
    "ServiceMonitor": ("monitoring.coreos.com/v1", {"selector", "endpoints"}),
    "PrometheusRule": ("monitoring.coreos.com/v1", {"groups"}),
    "Certificate": ("cert-manager.io/v1", {"secretName", "issuerRef"}),
}
ON_EVERY = pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)


@ON_EVERY
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_it(folder: Path, version: str) -> None:
    """Every document, by the published schemas, which take no unknown member."""
    for item in rendered(folder):
        if item["kind"] in FOREIGN:
            group, required = FOREIGN[item["kind"]]
            assert item["apiVersion"] == group
            assert required <= set(item["spec"])
        else:
            kubernetes_validate.validate(item, version, strict=True)


def gateways() -> Iterator[tuple[str, Document, Document]]:
    """Each pod template with a gateway in it, and that container."""
    for name, folder in FOLDERS.items():
        for owner, template in pods(rendered(folder)):
            for container in containers(template):
                if container.get("args") == ["serve"]:
                    yield f"{name}: {owner}", template, container


@pytest.fixture(params=["base", "overlays/dev", "overlays/prod", "example"])
def gateway(request: pytest.FixtureRequest) -> tuple[Document, Document]:
    """A pod template and the gateway's container in it."""
    (found,) = [
        (template, container)
        for name, template, container in gateways()
        if name.startswith(f"{request.param}: ")
    ]
    return found


@ON_EVERY
def test_every_container_is_confined(folder: Path) -> None:
    """What the restricted Pod Security Standard asks for, and no writable tree for ours."""
    for _, template in pods(rendered(folder)):
        pod = template["spec"].get("securityContext", {})
        for container in containers(template):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert own.get("runAsNonRoot", pod.get("runAsNonRoot")) is True
            assert own.get("runAsUser", pod.get("runAsUser", 0)) > 0
            assert own.get("seccompProfile", pod.get("seccompProfile")) == {
                "type": "RuntimeDefault"
            }
            if container["name"] != "application":
                assert own["readOnlyRootFilesystem"] is True
            assert set(container["resources"]["limits"]) == {"memory"}
            assert {"cpu", "memory"} == set(container["resources"]["requests"])


@ON_EVERY
def test_no_pod_can_speak_to_kubernetes(folder: Path) -> None:
    """Nothing here asks it anything; a token would be one more thing to steal."""
    for _, template in pods(rendered(folder)):
        assert template["spec"]["automountServiceAccountToken"] is False


def test_the_gateway_is_probed(gateway: tuple[Document, Document]) -> None:
    """Alive and ready are two questions; a gateway that is not ready is not restarted."""
    _, container = gateway
    asked = {
        name: str(probe.get("httpGet", probe.get("exec")))
        for name, probe in container.items()
        if name.endswith("Probe")
    }
    assert "health" in asked["livenessProbe"] or "/livez" in asked["livenessProbe"]
    assert "readyz" not in asked["livenessProbe"]
    assert "startupProbe" in asked
    assert any("/readyz" in question for question in asked.values())


def test_there_is_time_to_drain(gateway: tuple[Document, Document]) -> None:
    """I27: the delay and the drain fit into what Kubernetes waits, with a margin."""
    template, _ = gateway
    grace = template["spec"].get("terminationGracePeriodSeconds", 30)
    given = Settings(**settings_of(gateway))  # type: ignore[arg-type]
    assert given.drain_delay_seconds + given.drain_seconds + 5 <= grace


def test_memory_is_for_what_is_let_in(gateway: tuple[Document, Document]) -> None:
    """docs/sizing.md: a worker and its policy, 1.4 MiB a stream over TLS."""
    _, container = gateway
    limit = int(container["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert 121 + 1.4 * int(settings_of(gateway)["requests_under_way"]) <= limit


def settings_of(gateway: tuple[Document, Document]) -> dict[str, str]:
    """What its ConfigMap and its own variables set, by the name of the setting."""
    _, container = gateway
    (name,) = [
        source["configMapRef"]["name"]
        for source in container["envFrom"]
        if "configMapRef" in source
    ]
    for folder in FOLDERS.values():
        for item in rendered(folder):
            if (item["kind"], item["metadata"]["name"]) == ("ConfigMap", name):
                plain = {entry["name"]: entry.get("value", "") for entry in container["env"]}
                given = {name: value for name, value in plain.items() if value} | item["data"]
                return {key.removeprefix(PREFIX).lower(): value for key, value in given.items()}
    raise AssertionError(name)


def test_every_setting_exists(gateway: tuple[Document, Document]) -> None:
    """A misspelt variable would be ignored in silence."""
    _, container = gateway
    named = {
        item["name"].removeprefix(PREFIX).lower()
        for item in container.get("env", ())
        if item["name"].startswith(PREFIX)
    }
    given = settings_of(gateway)
    assert {*given, *named} <= set(Settings.model_fields)
    assert Settings(**{name: value for name, value in given.items() if value}).name  # type: ignore[arg-type]


def test_every_file_that_is_set_is_mounted(gateway: tuple[Document, Document]) -> None:
    """And as a folder: what is mounted by subPath never changes."""
    template, container = gateway
    mounts = container["volumeMounts"]
    assert not any("subPath" in mount for mount in mounts)
    volumes = {volume["name"] for volume in template["spec"]["volumes"]}
    assert {mount["name"] for mount in mounts} <= volumes
    folders = {mount["mountPath"] for mount in mounts}
    settings = settings_of(gateway)
    for name, value in settings.items():
        if value.startswith("/") and not (name == "journal_path" and settings.get("journal_url")):
            assert str(Path(value).parent) in folders, name


#: What nothing here renders: an operator makes them.
MADE_ELSEWHERE = {
    "inventory-gateway-admin",
    "inventory-gateway-client",
    "inventory-gateway-journal",
    "inventory-gateway-principals",
    "inventory-gateway-tls",
    "inventory-gateway-upstream",
}


@ON_EVERY
def test_what_is_referred_to_is_there(folder: Path) -> None:
    """ConfigMaps and Secrets by the names that they have in the end, in a namespace."""
    documents = rendered(folder)
    assert all("namespace" in item["metadata"] for item in documents if item["kind"] != "Namespace")
    names = {name for _, name in objects(documents)}
    assert {name for _, template in pods(documents) for name in _references(template["spec"])} <= (
        names | MADE_ELSEWHERE
    )


def _references(value: Any) -> Iterator[str]:
    match value:
        case {"configMapRef": {"name": name}} | {"secretRef": {"name": name}}:
            yield name
        case {"secretKeyRef": {"name": name}}:
            yield name
        case {"secret": {"secretName": name}} | {"configMap": {"name": name}}:
            yield name
        case dict():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)


@ON_EVERY
def test_no_secret_of_a_real_environment_is_in_the_tree(folder: Path) -> None:
    """A trial's keys open an emulator; every other Secret is made where it is used."""
    secrets = [item for item in rendered(folder) if item["kind"] == "Secret"]
    assert (secrets != []) == (folder.name == "dev")


@ON_EVERY
def test_images_are_named_for_what_they_are(folder: Path) -> None:
    """Production names a digest; a tag that moves is for trials."""
    for _, template in pods(rendered(folder)):
        for container in containers(template):
            if folder.name == "prod":
                assert "@sha256:" in container["image"]


def test_production_keeps_its_record() -> None:
    """No journal of production goes with a pod."""
    documents = rendered(FOLDERS["overlays/prod"])
    (template,) = [template for _, template in pods(documents)]
    assert not any("emptyDir" in volume for volume in template["spec"]["volumes"])
    (settings,) = [held for held in objects(documents).values() if "GATEWAY_HOSTS" in held]
    assert settings["GATEWAY_JOURNAL_URL"].startswith("postgresql://")
    assert {"GATEWAY_JOURNAL_PASSWORD_FILE", "GATEWAY_JOURNAL_CA_FILE"} <= settings.keys()
    egress = only(documents, "NetworkPolicy")["spec"]["egress"]
    assert [{"port": 5432}] in [rule["ports"] for rule in egress]


def as_the_webhook_does(template: Document) -> Document:
    """Mount the role's token as EKS's webhook does: into all containers that are not named.

    https://github.com/aws/amazon-eks-pod-identity-webhook
    """
    pod: dict[str, Any] = copy.deepcopy(dict(template))
    annotations = pod["metadata"].get("annotations", {})
    skipped = annotations.get("eks.amazonaws.com/skip-containers", "").split(",")
    each: list[dict[str, Any]] = [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]
    for container in each:
        if container["name"] not in skipped:
            container.setdefault("env", []).append(
                {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/token"}
            )
            container.setdefault("volumeMounts", []).append(
                {"name": "aws-iam-token", "mountPath": "/var/run/secrets"}
            )
    return pod


def test_the_application_beside_a_gateway_has_no_credential_of_aws() -> None:
    """Its own key opens the gateway alone; role, Secrets and their mounts are the gateway's."""
    ((_, template),) = pods(rendered(FOLDERS["example"]))
    gateway, application = containers(as_the_webhook_does(template))
    assert (gateway["name"], application["name"]) == ("inventory-gateway", "application")
    assert gateway["restartPolicy"] == "Always"
    environment = {item["name"]: item for item in application["env"]}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        source = environment[name]["valueFrom"]["secretKeyRef"]
        assert source == {"name": "inventory-gateway-client", "key": name}
    assert environment["AWS_ENDPOINT_URL_S3"]["value"] == "http://127.0.0.1:9000"
    assert "envFrom" not in application
    assert set(environment) == {
        "AWS_ENDPOINT_URL_S3",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
    }
    assert [mount["name"] for mount in application["volumeMounts"]] == ["program"]
    mounted = {mount["name"] for mount in gateway["volumeMounts"]}
    secrets = {"inventory-gateway-principals", "inventory-gateway-admin", "aws-iam-token"}
    assert secrets <= mounted
    assert settings_of((template, gateway))["admin_token_file"] == "/etc/gateway/admin/token"
    assert settings_of((template, gateway))["listen_host"] == "127.0.0.1"


def test_the_objects_of_the_base_belong_together() -> None:
    """Selectors and names: a budget or a policy that selects nothing protects nothing."""
    documents = rendered(FOLDERS["base"])
    deployment = only(documents, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        only(documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        only(documents, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(item["spec"]["selector"] for item in documents if item["kind"] == "Service"),
        *(
            constraint["labelSelector"]["matchLabels"]
            for constraint in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        ),
    ]
    assert len(selectors) == 7
    assert all(selector and selector.items() <= labels.items() for selector in selectors)
    target = only(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"]
    wanted = only(documents, "ServiceMonitor")["spec"]
    admin = only(documents, "Service", "inventory-gateway-admin")
    assert wanted["selector"]["matchLabels"].items() <= admin["metadata"]["labels"].items()
    assert wanted["endpoints"][0]["port"] == admin["spec"]["ports"][0]["name"]


def test_the_node_s_own_credentials_are_out_of_reach() -> None:
    """Of the gateway, whose role is its own: 169.254.169.254 is in no rule."""
    (rule,) = [
        rule
        for rule in only(rendered(FOLDERS["base"]), "NetworkPolicy")["spec"]["egress"]
        if rule["ports"] == [{"port": 443}]
    ]
    everywhere = {entry["ipBlock"]["cidr"]: entry["ipBlock"]["except"] for entry in rule["to"]}
    assert everywhere == {"0.0.0.0/0": ["169.254.0.0/16"], "::/0": ["fd00:ec2::/32"]}


@pytest.mark.parametrize(
    "component", sorted(path.name for path in (DEPLOY / "components").iterdir())
)
def test_every_component_is_rendered_somewhere(component: str, tmp_path: Path) -> None:
    """On the base where no overlay uses it, so that none is broken unseen."""
    if component == "sidecar":
        assert any(pods(rendered(FOLDERS["example"])))
        return
    for item in on_the_base(component, tmp_path):
        if item["kind"] not in FOREIGN:
            kubernetes_validate.validate(item, VERSIONS[1], strict=True)
