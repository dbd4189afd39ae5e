"""Settings: the file, the environment, and what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.app import settings as module
from gateway.app.settings import PREFIX, Settings, SettingsError, environment


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory and an environment without our variables."""
    for name in [name for name in environment() if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path  # type: ignore[return-value]


def test_everything_has_a_default() -> None:
    """Without a file the gateway listens on loopback, in front of AWS."""
    settings = Settings.load()
    assert (settings.listen_host, settings.listen_port) == ("127.0.0.1", 9000)
    assert settings.endpoint.url("eu-west-1") == "https://s3.eu-west-1.amazonaws.com"
    assert settings.endpoint.region is None
    assert settings.hosts == ("localhost", "127.0.0.1", "[[]::1]")


def test_every_setting_is_described() -> None:
    """The table of docs/settings.md is made of these."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_file_is_read(folder: Path) -> None:
    """`gateway.yaml` in the working directory."""
    (folder / "gateway.yaml").write_text("listen_port: 9100\nregions: [eu-*]\n")
    settings = Settings.load()
    assert (settings.listen_port, settings.regions) == (9100, ("eu-*",))


def test_the_file_may_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By argument, or by GATEWAY_CONFIG; the argument wins."""
    (folder / "a.yaml").write_text("listen_port: 9101\n")
    (folder / "b.yaml").write_text("listen_port: 9102\n")
    monkeypatch.setenv("GATEWAY_CONFIG", str(folder / "a.yaml"))
    assert Settings.load().listen_port == 9101
    assert Settings.load(folder / "b.yaml").listen_port == 9102


def test_arguments_win_over_the_environment_and_that_over_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this order."""
    (folder / "gateway.yaml").write_text("listen_port: 1\nname: file\nlog_level: error\n")
    monkeypatch.setenv("GATEWAY_LISTEN_PORT", "2")
    monkeypatch.setenv("GATEWAY_NAME", "environment")
    settings = Settings.load(listen_port=3)
    assert (settings.listen_port, settings.name, settings.log_level) == (3, "environment", "error")


def test_lists_in_the_environment_have_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """And may have spaces."""
    monkeypatch.setenv("GATEWAY_HOSTS", "S3.internal, localhost,,")
    monkeypatch.setenv("GATEWAY_VIRTUAL_HOST_SUFFIXES", ".S3.Internal")
    settings = Settings.load()
    assert settings.hosts == ("s3.internal", "localhost")
    assert settings.virtual_host_suffixes == (".s3.internal",)


def test_a_fixed_endpoint_may_have_its_region() -> None:
    """As MinIO has."""
    settings = Settings.load(upstream_endpoint="http://minio:9000", upstream_region="us-west-2")
    assert settings.endpoint.region == "us-west-2"
    assert Settings.load(upstream_region="").endpoint.region is None


def test_settings_are_frozen() -> None:
    """A change needs a restart."""
    with pytest.raises(ValidationError):
        Settings.load().listen_port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("listen_prot: 1\n", ["listen_prot", "no such setting"], id="unknown"),
        pytest.param("listen_port: 70000\n", ["listen_port (GATEWAY_LISTEN_PORT)"], id="port"),
        pytest.param("upstream_endpoint: s3\n", ["upstream_endpoint", "http"], id="endpoint"),
        pytest.param(
            "upstream_endpoint: http://s3/path\n", ["upstream_endpoint"], id="endpoint-with-path"
        ),
        pytest.param(
            "virtual_host_suffixes: [s3.example.org]\n",
            ["virtual_host_suffixes", "begin with a dot"],
            id="suffix",
        ),
        pytest.param("client_idle_seconds: 0\n", ["client_idle_seconds"], id="zero-seconds"),
        pytest.param("log_level: loud\n", ["log_level"], id="level"),
        pytest.param("policy_engine: rego\n", ["policy_engine", "wasm"], id="engine"),
        pytest.param("opa_url: opa:8181\n", ["opa_url", "unix:///path"], id="opa-url"),
        pytest.param("listen_port: a\nname: [1]\n", ["listen_port", "name"], id="all-at-once"),
        pytest.param("- a\n", ["gateway.yaml: must hold settings by name"], id="no-mapping"),
        pytest.param("5\n", ["gateway.yaml: must hold settings by name"], id="a-number"),
        pytest.param(
            "name: a\nb: [", ["gateway.yaml: not plain YAML at line 2, column 5"], id="no-yaml"
        ),
    ],
)
def test_what_is_wrong_is_told_by_name(folder: Path, text: str, words: list[str]) -> None:
    """Every problem at once, with the variable's name."""
    (folder / "gateway.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert [word for word in words if word not in str(caught.value)] == []


def test_values_are_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """I5: somebody may have pasted a secret into the wrong variable."""
    monkeypatch.setenv("GATEWAY_LISTEN_PORT", "s3cr3t")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert "s3cr3t" not in str(caught.value)


def test_a_named_file_must_exist(folder: Path) -> None:
    """A typo must not mean defaults."""
    with pytest.raises(SettingsError, match=r"none\.yaml: not found"):
        Settings.load(folder / "none.yaml")


def test_a_file_in_the_environment_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for GATEWAY_CONFIG."""
    monkeypatch.setenv("GATEWAY_CONFIG", "none.yaml")
    with pytest.raises(SettingsError, match=r"none\.yaml: not found"):
        Settings.load()


def test_a_folder_is_no_file(folder: Path) -> None:
    """Nor does it mean defaults."""
    (folder / "gateway.yaml").mkdir()
    with pytest.raises(SettingsError, match=r"gateway\.yaml: is not a file"):
        Settings.load()


def test_a_file_in_another_encoding_is_told(folder: Path) -> None:
    """Settings are UTF-8."""
    (folder / "gateway.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(SettingsError, match=r"gateway\.yaml: not UTF-8"):
        Settings.load()


def test_only_this_module_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are handed the mapping."""
    monkeypatch.setenv("SOME_SECRET", "value")
    assert module.environment()["SOME_SECRET"] == "value"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_the_admin_listener_needs_no_secret(host: str) -> None:
    """Nobody else reaches it."""
    assert Settings(admin_host=host).admin_host == host


@pytest.mark.parametrize("name", ["admin_token_file", "admin_password_file"])
def test_beyond_loopback_the_admin_listener_needs_a_secret(name: str) -> None:
    """Fail closed: without one the gateway does not start, and says what to do."""
    with pytest.raises(SettingsError, match=r"admin_host .*name an admin_token_file or an"):
        Settings.load(admin_host="0.0.0.0")  # noqa: S104 - that is the point
    values: dict[str, Any] = {"admin_host": "10.0.0.1", name: Path("secret")}
    assert Settings(**values).admin_host == "10.0.0.1"


@pytest.mark.parametrize("name", ["policy_settings", "policy_bundle"])
def test_rules_and_settings_are_for_the_embedded_engine(name: str) -> None:
    """An OPA server would go by its own, in silence."""
    values: dict[str, Any] = {name: Path("p")}
    assert getattr(Settings(**values), name) == Path("p")
    with pytest.raises(SettingsError, match=rf"{name} .*an OPA server has its own"):
        Settings.load(policy_engine="opa", **values)
