"""What an organisation fills in for its clients, through a whole gateway and with both engines."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa_wasm import PolicyBundle
from gateway.adapters.org_settings_file import OrgSettingsFile
from gateway.core.inventory.document import read_configuration, write_configuration
from tests.support.connection import Response
from tests.support.inventory import ACCOUNT, KEY, SSE_S3, document, sse_kms
from tests.support.opa_process import SHIPPED, opa_server
from tests.support.site import ANA, Mark, Site, wait_until
from tests.support.wire import message, signed

#: The second account is wrong: S3 knows another owner of that bucket.
SETTINGS = f"""
org:
  revision: filled-in
  inventory:
    rules:
      INV001: {{minimum: SSE-KMS, default_key: "{KEY}", mutate: true}}
      INV010:
        mutate: true
        destination_accounts: {{acme-inventory: "{ACCOUNT}", acme-stranger: "{ACCOUNT}"}}
      INV032: {{mode: warn, template: "inventory/{{bucket}}/{{id}}", mutate: true}}
  exemptions:
    - {{id: EX-7, rules: [INV001], buckets: ["*"], principals: ["*"], configuration_ids: ["old-*"],
       reason: the reader knows no KMS, ticket: GOV-1, approved_by: governance,
       expires: 2100-01-01T00:00:00Z}}
"""
PREFIX = "<Prefix>inventory/acme-orders/inv-1</Prefix>"
DESTINATION = "Destination.S3BucketDestination"


@pytest.fixture(scope="module", params=["wasm", "opa"])
def _filling(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("filling")
    written = folder / "policy.yaml"
    written.write_text(SETTINGS)
    settings: dict[str, Any] = {"policy_settings": written}
    with ExitStack() as stack:
        if request.param == "opa":
            server = stack.enter_context(opa_server(SHIPPED[0], as_bundle(written, folder)))
            settings = {"policy_engine": "opa", "opa_url": server.url}
            settings["policy_timeout_seconds"] = 10.0
        site = stack.enter_context(Site(folder, settings))
        yield site
        assert site.problems == []


@pytest.fixture
def filling(_filling: Site) -> Iterator[Site]:
    """A gateway that fills in key, account and prefix; S3 is emptied after each test."""
    yield _filling
    _filling.emulator.buckets["acme-orders"].inventories.clear()


def as_bundle(written: Path, folder: Path) -> Path:
    """The same settings, as an OPA server takes them."""
    settings = OrgSettingsFile(written, PolicyBundle.shipped().catalog).read()
    bundle = folder / "acme"
    (bundle / "org").mkdir(parents=True)
    (bundle / ".manifest").write_text(json.dumps({"roots": ["org"], "revision": "filled-in"}))
    (bundle / "org" / "data.json").write_text(json.dumps(settings.data))
    return bundle


def put(site: Site, body: str, inventory_id: str = "inv-1") -> Response:
    """A gated PUT by ana."""
    wire = message("PUT", f"/acme-orders?inventory&id={inventory_id}", body.encode())
    return site.call(signed(wire, ANA))


def decision(site: Site, since: Mark) -> dict[str, Any]:
    """The one decision in the log; it may follow its answer."""

    def found() -> list[dict[str, Any]]:
        return [line for line in site.lines(since) if line["event"] == "decision"]

    wait_until(lambda: bool(found()))
    (line,) = found()
    return line


def members(*names: str) -> str:
    """The value of the header."""
    return ", ".join(f"{DESTINATION}.{name}" for name in names)


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        pytest.param(
            document(account=None, encryption=""),
            ("AccountId", "Encryption", "Prefix"),
            id="says-nothing",
        ),
        pytest.param(document(prefix=PREFIX), ("Encryption",), id="too-weak"),
        pytest.param(
            document(account=None, encryption=sse_kms(), prefix=PREFIX),
            ("AccountId",),
            id="account",
        ),
        pytest.param(document(encryption=sse_kms()), ("Prefix",), id="prefix-that-is-warned-of"),
        pytest.param(document(encryption=sse_kms(), prefix=PREFIX), (), id="sound"),
    ],
)
def test_what_a_client_does_not_say_is_filled_in(
    filling: Site, body: str, changed: tuple[str, ...]
) -> None:
    """S3 has the whole document; header and record say what the client had not written."""
    mark = filling.mark()
    answer = put(filling, body)
    assert (answer.status, answer.body) == (204, b"")
    assert (answer.header("x-inventory-gateway-mutated") or "") == members(*changed)
    assert answer.header("x-inventory-gateway-warnings") is None
    whole = write_configuration(
        read_configuration(document(encryption=sse_kms(), prefix=PREFIX).encode())
    )
    (sent,) = (request for request in filling.received(mark) if request.method == "PUT")
    assert sent.body == whole
    line = decision(filling, mark)
    assert line["custom"]["body_sha256"] == sha256(whole).hexdigest()
    assert line["input"]["configuration"] == read_configuration(whole).as_boto3()
    result = line["result"]
    if not changed:
        assert not {"mutations", "original"} & set(result)
        return
    patched = [patch["path"].rpartition("/")[2] for patch in result["mutations"]]
    assert tuple(patched) == changed
    assert result["original"] == {
        "configuration": read_configuration(body.encode()).as_boto3(),
        "body_sha256": sha256(body.encode()).hexdigest(),
    }


@pytest.mark.parametrize(
    ("body", "rule", "filled_in"),
    [
        pytest.param(
            document(bucket="arn:aws:s3:::acme-us", encryption=SSE_S3),
            "INV005",
            "Encryption (INV001)",
            id="a-key-of-another-region",
        ),
        pytest.param(
            document(bucket="arn:aws:s3:::acme-stranger", account=None, encryption=sse_kms()),
            "INV012",
            "AccountId (INV010)",
            id="an-account-that-owns-nothing",
        ),
    ],
)
def test_what_is_filled_in_is_judged_like_what_is_written(
    filling: Site, body: str, rule: str, filled_in: str
) -> None:
    """I9: the facts are those of the patched document; the refusal says what was filled in."""
    mark = filling.mark()
    answer = put(filling, body)
    assert answer.status == 403
    assert f"[{rule}]".encode() in answer.body
    assert f"{DESTINATION}.{filled_in}".encode() in answer.body
    assert answer.header("x-inventory-gateway-mutated") is None
    assert filling.writes(mark) == []
    line = decision(filling, mark)
    assert (line["result"]["allow"], line["custom"]["outcome"]) == (False, "refused")
    assert line["result"]["mutations"]


def test_what_is_exempted_stays_as_it_is(filling: Site) -> None:
    """An exemption is to what the client wrote: the key is not filled in, the prefix is."""
    mark = filling.mark()
    answer = put(filling, document(inventory_id="old-1", encryption=""), "old-1")
    assert answer.status == 204
    assert answer.header("x-inventory-gateway-mutated") == members("Prefix")
    assert answer.header("x-inventory-gateway-exemptions") == "EX-7"
    (sent,) = (request for request in filling.received(mark) if request.method == "PUT")
    assert read_configuration(sent.body).destination.encryption is None


def test_a_removal_changes_nothing_but_what_it_removes(filling: Site) -> None:
    """There is no document to fill in."""
    put(filling, document(account=None, encryption=""))
    answer = filling.call(signed(message("DELETE", "/acme-orders?inventory&id=inv-1"), ANA))
    assert (answer.status, answer.header("x-inventory-gateway-mutated")) == (204, None)
    assert filling.emulator.buckets["acme-orders"].inventories == {}
