"""What docs/policy-settings.md shows, done as it stands there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.app import wiring
from gateway.core.inventory.configuration import SseKms
from gateway.core.inventory.document import read_configuration
from gateway.emulator import EmulatedBucket
from tests.support.connection import Response
from tests.support.inventory import document
from tests.support.site import ACCOUNT, REGION, ROOT, Mark, Site, wait_until
from tests.support.wire import message, signed

TREE = Path(__file__).resolve().parents[2]
PAGE = (TREE / "docs" / "policy-settings.md").read_text()
#: Settings; then an exemption and patches, which go below `org:` and below `inventory:`.
SETTINGS, EXEMPTION, PATCHES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
REFUSAL = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)[0]
OWNER = "444455556666"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The settings, as shown."""
    path = tmp_path / "policy.yaml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def site(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A gateway under them, with the bucket that the page speaks of."""
    monkeypatch.setattr(wiring, "_POLL_SECONDS", 0.02)
    with Site(tmp_path, {"policy_settings": file}) as site:
        legacy = EmulatedBucket(name="legacy-orders", region=REGION, owner=ACCOUNT)
        site.emulator.buckets["legacy-orders"] = legacy
        yield site
    assert site.problems == []


def put(site: Site, body: str) -> Response:
    """The call of the page."""
    wire = message("PUT", "/legacy-orders?inventory&id=inv-1", body.encode())
    return site.call(signed(wire, ROOT))


def take_up(site: Site, file: Path, text: str) -> None:
    """Move other settings into place, and wait until they are in force."""
    draft = file.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(file)

    def loads() -> int:
        lines = site.lines(Mark(0, 0))
        return sum(line["event"] == "policy settings are in force" for line in lines)

    wait_until(lambda: loads() == 2)


def decisions(site: Site) -> list[dict[str, Any]]:
    """The decisions in the log."""
    return [line for line in site.lines(Mark(0, 0)) if line["event"] == "decision"]


def test_from_settings_to_a_refusal_to_an_exemption(site: Site, file: Path) -> None:
    """In the words that are shown, and the same call is then a 204."""
    refused = put(site, document())
    words = " ".join(REFUSAL.partition("… ")[2].split())
    shown = words.partition("[INV001]")[2].partition(" (decision")[0]
    assert refused.status == 403
    assert f"[INV001]{shown}" in refused.body.decode()
    # The page's year will be over one day.
    exemption = EXEMPTION.replace("2027-01-01", "2100-01-01")
    assert exemption != EXEMPTION
    take_up(site, file, SETTINGS + exemption)
    allowed = put(site, document())
    assert (allowed.status, allowed.header("x-inventory-gateway-exemptions")) == (204, "EX-7")
    wait_until(lambda: len(decisions(site)) == 2)
    (exempted,) = decisions(site)[1]["result"]["exempted"]
    assert exempted["exemption"]["ticket"] == "GOV-1289"
    warned = put(site, document(prefix="<Prefix>/x</Prefix>"))
    assert warned.header("x-inventory-gateway-warnings") == "INV033"


def test_what_is_filled_in(site: Site, file: Path) -> None:
    """A configuration that says nothing of key, account and prefix has them at S3."""
    site.emulator.buckets["acme-inventory"].owner = OWNER
    take_up(site, file, f"org:\n  revision: filling\n  inventory:\n{PATCHES}")
    mark = site.mark()
    answer = put(site, document(account=None, encryption=""))
    assert (answer.status, answer.body) == (204, b"")
    (sent,) = (request for request in site.received(mark) if request.method == "PUT")
    written = read_configuration(sent.body).destination
    assert (written.account_id, written.prefix) == (OWNER, "inventory/legacy-orders/inv-1")
    assert isinstance(written.encryption, SseKms)
    assert written.encryption.key_id in PATCHES
