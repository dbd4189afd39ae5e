"""One table of behaviour for every client: what S3 gets, what the user reads, what is on record."""

import itertools
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from ibm_botocore.exceptions import ParamValidationError

from tests.clients.botocore_clients import Boto3, IbmBoto3
from tests.clients.client import Refused
from tests.clients.configuration import OWNER, SOURCE, STRANGER, Configuration
from tests.clients.stage import playing
from tests.support.inventory import KEY

pytestmark = pytest.mark.client

_numbers = itertools.count(1)
#: The rule -> what breaks it.
REFUSALS: Mapping[str, Mapping[str, Any]] = {
    "INV001": {"encrypted": False},
    "INV010": {"account": None},
    "INV012": {"account": STRANGER},
    "INV015": {"destination": "acme-inventory-us"},
}


@pytest.fixture
def wanted() -> Configuration:
    """Return a configuration with an id of its own."""
    return Configuration(f"report-{next(_numbers)}")


def test_allowed_then_read_listed_and_deleted(client, boto3_client, stage, wanted):
    """What policy allows reaches S3, once, and can be read back and removed."""
    putter = client if client.has_encryption else boto3_client
    mark = stage.mark()
    putter.put(SOURCE, wanted)
    assert [event["status"] for event in stage.requests_since(mark)] == [204]
    assert client.get(SOURCE, wanted.id) == replace(wanted, encrypted=client.has_encryption)
    assert wanted.id in client.list(SOURCE)
    client.delete(SOURCE, wanted.id)
    assert wanted.id not in stage.emulator.buckets[SOURCE].inventories
    assert wanted.id not in client.list(SOURCE)
    rows = stage.decisions(wanted.id)
    assert [row.record.action.removeprefix("s3:") for row in rows] == [
        "DeleteInventoryConfiguration",
        "PutInventoryConfiguration",
    ]
    assert all(row.record.allow and row.outcome.kind == "forwarded" for row in rows)


@pytest.mark.parametrize("rule", REFUSALS)
def test_refused_with_the_reason_and_once(client, stage, wanted, rule):
    """The user reads rule and decision id; nothing is retried, nothing reaches S3."""
    mark = stage.mark()
    with pytest.raises(Refused) as caught:
        client.put(SOURCE, replace(wanted, **REFUSALS[rule]))
    assert caught.value.code == "AccessDenied"
    shown = caught.value.shown
    assert "AccessDenied" in shown
    assert f"[{rule}]" in shown
    decision = re.search(r"\(decision ([0-9a-f-]{36})\)", shown)
    assert decision is not None, shown
    (row,) = stage.decisions(wanted.id)
    assert row.record.decision_id == decision[1]
    assert (row.record.allow, row.outcome.kind, row.outcome.s3_status) == (False, "refused", 0)
    assert rule in [finding["rule"] for finding in row.record.result["violations"]]
    (event,) = stage.requests_since(mark)
    assert (event["status"], event["decision_id"]) == (403, decision[1])
    assert not [sent for sent in stage.upstream_since(mark) if sent.method != "HEAD"]
    assert wanted.id not in stage.emulator.buckets[SOURCE].inventories


def test_s3_checks_the_expected_owner(client, boto3_client, stage, wanted):
    """The right owner passes; S3's own refusal of a wrong one comes through, and is on record."""
    assert wanted.id not in client.list(SOURCE, owner=OWNER)
    with pytest.raises(Refused) as caught:
        client.list(SOURCE, owner=STRANGER)
    assert caught.value.code == "AccessDenied"
    if not client.has_encryption:
        return
    client.put(SOURCE, wanted, owner=OWNER)
    mark = stage.mark()
    with pytest.raises(Refused) as caught:
        client.put(SOURCE, wanted, owner=STRANGER)
    assert caught.value.code == "AccessDenied"
    assert "olicy" not in caught.value.shown
    assert [event["status"] for event in stage.requests_since(mark)] == [403]
    (sent,) = (sent for sent in stage.upstream_since(mark) if sent.method == "PUT")
    assert sent.header("x-amz-expected-bucket-owner") == STRANGER
    newest = stage.decisions(wanted.id)[0]
    assert (newest.record.allow, newest.outcome.kind) == (True, "failed")
    assert newest.outcome.s3_status == 403
    boto3_client.delete(SOURCE, wanted.id)


@pytest.fixture(scope="module")
def filling(tmp_path_factory):
    """Return a gateway whose organisation fills in its default key."""
    folder = tmp_path_factory.mktemp("filling")
    settings = folder / "policy.yaml"
    settings.write_text(
        "org:\n  revision: filling\n  inventory:\n    rules:\n"
        f'      INV001: {{minimum: SSE-KMS, default_key: "{KEY}", mutate: true}}\n'
    )
    with playing(folder, policy_settings=settings) as stage:
        yield stage


def test_ibm_complies_where_the_organisation_fills_in_the_key(filling, wanted):
    """IBM's model knows no Encryption: what its SDK puts is encrypted all the same."""
    with closing(IbmBoto3(filling.url, filling.key)) as ibm:
        ibm.put(SOURCE, wanted)
        assert ibm.get(SOURCE, wanted.id).id == wanted.id
    with closing(Boto3(filling.url, filling.key)) as boto3_client:
        held = boto3_client._call(
            "get_bucket_inventory_configuration", Bucket=SOURCE, Id=wanted.id
        )["InventoryConfiguration"]
    encryption = {"SSEKMS": {"KeyId": KEY}}
    assert held["Destination"]["S3BucketDestination"]["Encryption"] == encryption
    (row,) = filling.decisions(wanted.id)
    assert row.record.result["mutations"][0]["value"] == encryption
    original = row.record.result["original"]["configuration"]
    assert "Encryption" not in original["Destination"]["S3BucketDestination"]


def test_cloudformation_shaped_clients_read_what_was_filled_in(filling, wanted):
    """boto3 without encryption: the answer's header names the member that S3 holds now."""
    client = Boto3(filling.url, filling.key)
    with closing(client):
        answer = client._call(
            "put_bucket_inventory_configuration",
            Bucket=SOURCE,
            Id=wanted.id,
            InventoryConfiguration=replace(wanted, encrypted=False).shape(),
        )
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-inventory-gateway-mutated"] == "Destination.S3BucketDestination.Encryption"


def test_ibm_has_no_word_for_encryption(stage, wanted):
    """IBM's model knows no Encryption: policy refuses what it puts, or fills in a key."""
    ibm = IbmBoto3(stage.url, stage.key)
    try:
        with pytest.raises(ParamValidationError, match=r"Unknown parameter.*Encryption"):
            ibm._s3.put_bucket_inventory_configuration(
                Bucket=SOURCE, Id=wanted.id, InventoryConfiguration=wanted.shape()
            )
        with pytest.raises(Refused, match="INV001"):
            ibm.put(SOURCE, wanted)
    finally:
        ibm.close()
