"""Settings: `gateway.yaml` plus `GATEWAY_*`. The only reader of the environment.

Every field's description is the text of its row in docs/settings.md; a test holds the two together.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from gateway.adapters.journal.database_url import check_url
from gateway.app.admin_access import is_loopback
from gateway.core.policy.fact import Fact
from gateway.core.policy.server_address import ServerAddress
from gateway.core.s3.endpoint import Endpoint

PREFIX = "GATEWAY_"
DEFAULT_FILE = Path("gateway.yaml")


class SettingsError(ValueError):
    """The settings cannot be used; the text lists every problem with the setting's name."""


def _endpoint(value: str) -> str:
    Endpoint(value)
    return value


def _opa_url(value: str) -> str:
    ServerAddress.read(value)
    return value


def _journal_url(value: str) -> str:
    return check_url(value) if value else value


def _split(value: object) -> object:
    """Lists in the environment are written with commas: `GATEWAY_HOSTS=localhost,s3.internal`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _suffixes(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not value.startswith("."):
            raise ValueError(f"{value!r} must begin with a dot, as in .s3.example.org")
    return tuple(value.lower() for value in values)


def _lower(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value.lower() for value in values)


_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """How the gateway runs. Frozen: a change needs a restart, but for the files it re-reads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", yaml_file_encoding="utf-8"
    )

    name: str = Field("s3-inventory-gateway", description="Name of this gateway in every record.")
    listen_host: str = Field("127.0.0.1", description="Address of the data-plane listener.")
    listen_port: int = Field(9000, ge=0, le=65535, description="Port of the data-plane listener.")
    hosts: Annotated[_Names, AfterValidator(_lower)] = Field(
        ("localhost", "127.0.0.1", "[[]::1]"),
        description="Globs of host names (without port) that clients may use path-style; `*` for "
        "any.",
    )
    virtual_host_suffixes: Annotated[_Names, AfterValidator(_suffixes)] = Field(
        (),
        description="Suffixes for virtual-hosted style: with `.s3.example.org`, "
        "`b.s3.example.org` is bucket `b`.",
    )
    regions: _Names = Field(
        ("*",), description="Globs of Regions that clients may sign for and buckets may be in."
    )
    tls_certificate: Path | None = Field(
        None, description="Certificate chain (PEM) of the listener; re-read on change."
    )
    tls_key: Path | None = Field(
        None, description="Its private key (PEM); empty: it is in the certificate's file."
    )
    connections: int = Field(
        4096,
        ge=1,
        description="Most connections of clients at the same time, each a file descriptor; further "
        "ones are closed at once. Over TLS they count once the handshake is done; it has 10 "
        "seconds, or `client_header_seconds` where that is less.",
    )
    requests_under_way: int = Field(
        1000, ge=1, description="Most requests at the same time; past it the answer is SlowDown."
    )
    requests_per_principal: int = Field(250, ge=1, description="The same, for one principal.")
    sigv2_presigned: bool = Field(
        default=False,
        description="Take URLs of plain objects that are presigned with SigV2, the default of "
        "boto3, s3cmd and R paws in the old Regions.",
    )
    principals_file: Path = Field(
        Path("principals.yaml"),
        description="The clients' access keys and what they may do; mode 0600, re-read on change.",
    )
    upstream_endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        "https://s3.{region}.amazonaws.com",
        description="S3 itself: a template with `{region}`, or one fixed endpoint.",
    )
    upstream_region: str | None = Field(
        None,
        description="Region to sign for; empty: the bucket's own, found by HeadBucket.",
    )
    upstream_ca_file: Path | None = Field(
        None, description="CA bundle (PEM) that vouches for S3; empty: the system's."
    )
    payload_check: Literal["upstream", "gateway"] = Field(
        "upstream",
        description="Who holds an upload against its signed SHA-256: `upstream` (S3 does), or "
        "`gateway` as well, for upstreams that do not check.",
    )
    upstream_connections: int = Field(
        1000, ge=1, le=10_000, description="Most connections to S3 for object traffic."
    )
    upstream_connect_seconds: Seconds = Field(
        5.0, description="Longest wait for a connection to S3."
    )
    upstream_idle_seconds: Seconds = Field(
        60.0, description="Longest silence of S3 within an answer."
    )
    client_header_seconds: Seconds = Field(
        30.0, description="Within which a request head must arrive; also the keep-alive time."
    )
    client_idle_seconds: Seconds = Field(
        60.0,
        description="Longest silence of a client within its body, or within an answer that it is "
        "to read; a body that is read as a whole, such as a configuration, must all come within "
        "it.",
    )
    drain_seconds: Seconds = Field(
        30.0, description="Time for requests in flight to finish after SIGTERM."
    )
    drain_delay_seconds: float = Field(
        0.0,
        ge=0,
        le=3600,
        description="Time between not ready and not listening, after SIGTERM: for load balancers "
        "to hear of it. Kubernetes wants some 5 seconds.",
    )
    admin_token_file: Path | None = Field(
        None,
        description="Bearer token of the admin listener, one line; mode 0640 or stricter, re-read "
        "on change.",
    )
    admin_password_file: Path | None = Field(
        None, description="The same, as the password of the user `admin`, for browsers."
    )
    admin_host: str = Field(
        "127.0.0.1",
        description="Address of the admin listener; beyond loopback it needs one of the two files.",
    )
    admin_port: int = Field(
        9001,
        ge=0,
        le=65535,
        description="Port of the admin listener: the admin page, `/livez`, `/readyz`, `/metrics`.",
    )
    metrics_buckets: bool = Field(
        default=False,
        description="Count requests by bucket, too; `/metrics` then needs the secret, where there "
        "is one.",
    )
    sts_region: str = Field(
        "us-east-1", description="Region of STS, where principals have a `role_arn`."
    )
    sts_endpoint: str | None = Field(
        None, description="STS, where it is not AWS's own for `sts_region`."
    )
    facts_ttl_seconds: Seconds = Field(
        300.0,
        description="How long a bucket's Region and owner, and optional facts, are remembered.",
    )
    facts_negative_ttl_seconds: Seconds = Field(
        10.0,
        description="The same, for buckets that are absent or whose owner is not confirmed, and "
        "for optional facts that could not be had.",
    )
    facts: Annotated[tuple[Fact, ...], NoDecode, BeforeValidator(_split)] = Field(
        (),
        description="Optional facts that policy gets to know; each needs a permission, see "
        "[facts](facts.md).",
    )
    policy_engine: Literal["wasm", "opa"] = Field(
        "wasm", description="What evaluates policy: `wasm`, embedded, or `opa`, an OPA server."
    )
    policy_threads: int = Field(
        2,
        ge=1,
        le=64,
        description="How many decisions the embedded engine evaluates at the same time.",
    )
    policy_timeout_seconds: Seconds = Field(
        0.25, description="Longest evaluation of one decision; past it the answer is 503."
    )
    policy_cache_seconds: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="How long the embedded engine's answer to the same question is known; 0: it is "
        "always asked.",
    )
    opa_url: Annotated[str, AfterValidator(_opa_url)] = Field(
        "http://127.0.0.1:8181",
        description="The OPA server: `http://`, `https://`, or `unix://` and the path of a socket.",
    )
    opa_token_file: Path | None = Field(
        None, description="Bearer token for the OPA server; re-read when it changes."
    )
    opa_ca_file: Path | None = Field(
        None, description="CA bundle (PEM) that vouches for the OPA server; empty: the system's."
    )
    opa_start_seconds: Seconds = Field(
        30.0, description="How long to wait at the start until the OPA server is ready."
    )
    policy_settings: Path | None = Field(
        None,
        description="The organisation's policy settings (YAML), re-read on change; empty: what "
        "ships.",
    )
    policy_bundle: Path | None = Field(
        None,
        description="A bundle with rules of the organisation's own, made by `policy build`; empty: "
        "the one that ships.",
    )
    journal_path: Path = Field(
        Path("journal.db"),
        description="The journal of decisions (SQLite). No decision takes effect before it is in.",
    )
    journal_url: Annotated[str, AfterValidator(_journal_url)] = Field(
        "",
        description="The journal in PostgreSQL instead, for several gateways: "
        "`postgresql://user@host/database` without password; TLS is verified beyond this machine, "
        "unless `sslmode` says otherwise.",
    )
    journal_password_file: Path | None = Field(
        None, description="The database's password; re-read when connecting; empty: `PGPASSFILE`."
    )
    journal_ca_file: Path | None = Field(
        None, description="CA bundle (PEM) that vouches for the database; empty: the system's."
    )
    journal_keep_days: int = Field(
        0, ge=0, description="What `journal prune` keeps: so many days; 0: all."
    )
    journal_max_bytes: int = Field(
        0, ge=0, description="What `journal prune` keeps at most, newest first; 0: all."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level of the log on stdout; decisions are always written."
    )

    @field_validator("admin_host")
    @classmethod
    def _of_nobody_without_a_secret(cls, value: str, info: ValidationInfo) -> str:
        """The admin listener says how the gateway is set up; strangers have no business there."""
        files = ("admin_token_file", "admin_password_file")
        if not is_loopback(value) and not any(info.data.get(name) for name in files):
            raise ValueError(
                "beyond loopback the admin listener needs a secret: name an admin_token_file or an "
                "admin_password_file (probes and metrics do without)"
            )
        return value

    @field_validator("policy_settings", "policy_bundle")
    @classmethod
    def _of_the_embedded_engine(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        """An OPA server would go by other settings and rules, in silence."""
        if value is not None and info.data.get("policy_engine") == "opa":
            raise ValueError("an OPA server has its own; this is for the embedded engine")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no dotenv files
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        return (init_settings, env_settings, YamlConfigSettingsSource(settings_cls))

    @classmethod
    def load(cls, file: Path | None = None, **overrides: object) -> Self:
        """Read the settings.

        Args:
            file: the YAML file; None for `gateway.yaml`, which may be missing.
            overrides: win over everything.

        Raises:
            SettingsError: every problem at once.
        """
        named = file or os.environ.get(f"{PREFIX}CONFIG")  # noqa: TID251
        path = Path(named or DEFAULT_FILE)
        if not path.is_file() and (named or path.exists()):
            what = "is not a file" if path.exists() else "not found"
            raise SettingsError(f"settings file {path}: {what}")
        bound = type(
            cls.__name__, (cls,), {"model_config": {**cls.model_config, "yaml_file": path}}
        )
        try:
            settings: Self = bound(**overrides)
        except ValidationError as error:
            raise SettingsError(_problems(error, path)) from None
        except yaml.YAMLError as error:  # its words may quote the value it stumbled over
            mark = getattr(error, "problem_mark", None)
            where = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
            raise SettingsError(f"settings file {path}: not plain YAML{where}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"settings file {path}: not UTF-8") from None
        except OSError as error:
            raise SettingsError(f"settings file {path}: {error}") from None
        except (TypeError, ValueError):  # what is no mapping is taken for one all the same
            what = "must hold settings by name, such as `listen_port: 9000`"
            raise SettingsError(f"settings file {path}: {what}") from None
        return settings

    @property
    def endpoint(self) -> Endpoint:
        """The upstream."""
        return Endpoint(self.upstream_endpoint, self.upstream_region or None, self.regions)


def environment() -> Mapping[str, str]:
    """The process environment, for those who read secrets by a name that an operator wrote."""
    return os.environ  # noqa: TID251 - this module is its only reader


def _problems(error: ValidationError, path: Path) -> str:
    """One line a problem: the setting, its variable, what is wrong. Values are not quoted."""
    lines = [f"settings ({path} and {PREFIX}*) cannot be used:"]
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"]) or "file"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "there is no such setting"
        lines.append(f"  {name} ({PREFIX}{name.upper()}): {message}")
    return "\n".join(lines)
