"""The rules and settings that a command goes by: those named, else those of the gateway."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.adapters.opa_wasm import PolicyBundle
from gateway.adapters.org_settings_file import OrgSettings, OrgSettingsFile
from gateway.app.settings import Settings

SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", help="The policy settings; default: the setting policy_settings."),
]

BundleOption = Annotated[
    Path | None,
    typer.Option("--bundle", help="Bundle of the rules; default: the setting policy_bundle."),
]
OpaOption = Annotated[
    str,
    typer.Option("--opa", envvar="OPA", help="The opa binary; default: the one on the PATH."),
]


class Engine(StrEnum):
    """What evaluates."""

    WASM = "wasm"
    OPA = "opa"


def load_bundle(path: Path | None = None) -> PolicyBundle:
    """The bundle.

    Raises:
        SettingsError, PolicyBundleError: it cannot be had.
    """
    path = path or Settings.load().policy_bundle
    return PolicyBundle.shipped() if path is None else PolicyBundle.load(path)


def load_settings(path: Path | None, bundle: PolicyBundle) -> OrgSettings | None:
    """The organisation's settings; None where there are none.

    Raises:
        SettingsError, OrgSettingsError: they cannot be had.
    """
    path = path or Settings.load().policy_settings
    return None if path is None else OrgSettingsFile(path, bundle.catalog).read()


def load_org(path: Path | None, bundle: PolicyBundle) -> Mapping[str, Any]:
    """`data.org` as the engine would get it.

    Raises:
        SettingsError, OrgSettingsError: likewise.
    """
    found = load_settings(path, bundle)
    shipped: Mapping[str, Any] = bundle.data["org"]
    return shipped if found is None else found.data
