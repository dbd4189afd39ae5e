"""How a command ends when it cannot do its work: one clear line on stderr, exit status 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from gateway.adapters.opa_command import OpaCommandError
from gateway.adapters.opa_wasm import PolicyBundleError
from gateway.adapters.org_settings_file import OrgSettingsError
from gateway.adapters.principals_file import PrincipalsError
from gateway.adapters.secret_file import SecretFileError
from gateway.app.policy_trial import FixtureError
from gateway.app.self_test import SelfTestError
from gateway.app.settings import SettingsError
from gateway.core.enforcement.parameter import ParametersError
from gateway.core.errors import DependencyUnavailable

_EXIT = 2


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what an operator can mend into words; let bugs show their traceback."""
    try:
        yield
    except (
        SettingsError,
        PrincipalsError,
        OrgSettingsError,
        PolicyBundleError,
        OpaCommandError,
        FixtureError,
        SecretFileError,
        SelfTestError,
        ParametersError,
    ) as fault:
        _end(str(fault))
    except DependencyUnavailable as fault:
        what = fault.what.replace("its ", "the ", 1)  # a client reads of the gateway and its parts
        _end(f"{what} is unavailable: {fault.reason}: {fault.detail}")
    except OSError as fault:
        _end(f"{fault.strerror or fault}" + (f": {fault.filename}" if fault.filename else ""))


def _end(words: str) -> None:
    typer.echo(f"inventory-gateway: {words}", err=True)
    raise typer.Exit(_EXIT)
