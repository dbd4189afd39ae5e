"""R paws, from its captured requests: target, header lines and body as they were."""

from collections.abc import Mapping

import pytest

from tests.clients.client import Refused
from tests.clients.paws import Paws
from tests.clients.stage import CAPTURED_BUCKET
from tests.support.captures import Capture, load_captures

pytestmark = pytest.mark.client

#: Lines that a signature of today needs anew.
_MADE_ANEW = {"host", "x-amz-date", "x-amz-content-sha256", "authorization"}
_CASES: Mapping[str, str] = {
    "put_inventory_min1.http": "INV001",
    "put_inventory_min2.http": "INV001",
    # an encrypted report in paws's own spelling, `<SSES3/>`; it lacks the account
    "put_inventory_sses3.http": "INV010",
    "put_inventory_full.http": "MalformedXML",  # the id has characters that S3 does not take
    "get_inventory.http": "NoSuchConfiguration",
    "list_inventory.http": "",
    "delete_inventory.http": "MalformedXML",
    "put_object_small.01.http": "",
    "put_object_small.02.http": "",
    "put_object_metadata.http": "",
    "odd_key_space.01.http": "",
    "odd_key_space.02.http": "",
    "odd_key_plus.01.http": "",
    "odd_key_plus.02.http": "",
    "odd_key_percent2F.01.http": "",
    "odd_key_percent2F.02.http": "",
    "odd_key_unicode.01.http": "",
    "odd_key_unicode.02.http": "",
    "list_v2_odd.01.http": "",
    "delete_objects.http": "",
    "delete_object.http": "",
    "list_buckets.http": "",
    "create_bucket.http": "AccessDenied",
}


@pytest.fixture(scope="module")
def captures() -> Mapping[str, Capture]:
    """Return the requests that paws sent, by file name."""
    return {
        found.file.removeprefix("paws/"): found
        for found in load_captures().requests
        if found.client == "paws"
    }


@pytest.fixture
def send(stage):
    """Return a function that sends a capture, signed anew."""
    paws = Paws(stage.url, stage.key, region="us-east-1")

    def send(capture: Capture) -> bytes:
        kept = [(name, value) for name, value in capture.headers if name.lower() not in _MADE_ANEW]
        signed = set(capture.index["signed_headers"]) - _MADE_ANEW
        return paws.replay(capture.method, capture.target, kept, capture.body, signed)

    return send


def test_every_request_is_understood(captures, send, stage):
    """Each gets S3's answer or the gateway's refusal, with its reason; the objects are there."""
    answers = {}
    for name in _CASES:
        try:
            send(captures[name])
        except Refused as refused:
            answers[name] = refused.shown
        else:
            answers[name] = ""
    told = {
        name: words if words in answers[name] else answers[name] for name, words in _CASES.items()
    }
    assert told == _CASES
    assert not [name for name, words in _CASES.items() if not words and answers[name]]
    assert stage.emulator.buckets[CAPTURED_BUCKET].inventories == {}


def test_paws_spelling_of_sse_s3_counts_as_encryption(captures, send):
    """The report is encrypted: the refusal names the missing account, and nothing else."""
    with pytest.raises(Refused) as caught:
        send(captures["put_inventory_sses3.http"])
    assert "[INV010]" in caught.value.shown
    assert "[INV001]" not in caught.value.shown
