"""How a command ends when it cannot do its work."""

import pytest
import typer

from gateway.adapters.opa_command import OpaCommandError
from gateway.adapters.opa_wasm import PolicyBundleError
from gateway.adapters.org_settings_file import OrgSettingsError
from gateway.adapters.principals_file import PrincipalsError
from gateway.app.policy_trial import FixtureError
from gateway.app.self_test import SelfTestError
from gateway.app.settings import SettingsError
from gateway.cli.failure import told_plainly
from gateway.core.errors import (
    CredentialsUnavailable,
    FactsUnavailable,
    JournalUnavailable,
)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (SettingsError("settings cannot be used"), "settings cannot be used"),
        (PrincipalsError("p.yaml", ["is missing"]), "is missing"),
        (OrgSettingsError(["policy.yaml:3: no such member"]), "policy.yaml:3: no such member"),
        (PolicyBundleError("The policy bundle is damaged."), "The policy bundle is damaged."),
        (OpaCommandError("The opa binary is missing"), "The opa binary is missing"),
        (FixtureError("f.yaml, 0: no"), "f.yaml, 0: no"),
        (SelfTestError("policy allows an empty question"), "policy allows an empty question"),
        (
            JournalUnavailable("journal_open", detail="disk is full"),
            "inventory-gateway: the journal is unavailable: journal_open: disk is full",
        ),
        (CredentialsUnavailable("none"), "the credential provider is unavailable: none"),
        (FactsUnavailable("facts_none"), "inventory-gateway: the look-up of bucket facts is unav"),
        (
            FileNotFoundError(2, "No such file or directory", "/x"),
            "No such file or directory: /x",
        ),
        (OSError("address in use"), "address in use"),
    ],
)
def test_what_an_operator_can_mend_is_one_line(
    fault: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, with exit status 2 and no traceback."""
    with pytest.raises(typer.Exit) as caught, told_plainly():
        raise fault
    captured = capsys.readouterr()
    assert caught.value.exit_code == 2
    assert captured.out == ""
    assert captured.err.startswith("inventory-gateway: ")
    assert words in captured.err


def test_a_bug_shows_its_traceback() -> None:
    """It is not for an operator to mend."""
    with pytest.raises(ZeroDivisionError), told_plainly():
        raise ZeroDivisionError


def test_success_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor does it exit."""
    with told_plainly():
        pass
    assert capsys.readouterr().err == ""
