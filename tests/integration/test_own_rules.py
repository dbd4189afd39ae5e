"""A rule of an organisation's own, from its folder to the refusal that a client reads."""

from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.commands import app
from tests.support.inventory import VALID, document
from tests.support.opa_process import find_opa
from tests.support.site import ANA, Site
from tests.support.wire import Message, message, signed

OWN = Path(__file__).resolve().parents[1] / "support/own_rules"


def put(inventory_id: str, body: str) -> Message:
    """A gated PUT by ana."""
    target = f"/acme-orders?inventory&id={inventory_id}"
    return signed(message("PUT", target, body.encode()), ANA)


def test_a_rule_of_ones_own_refuses_in_its_own_words(tmp_path: Path) -> None:
    """The bundle is built by the command, loaded by its setting, and all that ships holds on."""
    command = ["policy", "build", "--rules", str(OWN), "--output", str(tmp_path)]
    built = CliRunner().invoke(app, [*command, "--opa", find_opa()])
    assert built.exit_code == 0, built.output
    settings = {"policy_bundle": tmp_path / "inventory.tar.gz", "policy_timeout_seconds": 5.0}
    with Site(tmp_path, settings) as site:
        mark = site.mark()
        refused = site.call(put("inv-1", VALID))
        assert refused.status == 403
        words = b"[ORG001] The id inv-1 begins with no team&apos;s name. Begin it with"
        assert words.replace(b"&apos;", b"'") in refused.body.replace(b"&apos;", b"'")
        assert site.writes(mark) == []
        sound = document(inventory_id="orders-daily")
        assert site.call(put("orders-daily", sound)).status == 204
        plain = document(inventory_id="orders-daily", encryption="")
        assert b"[INV001]" in site.call(put("orders-daily", plain)).body
    assert site.problems == []
