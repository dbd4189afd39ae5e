"""Optional facts, from the settings to what the client reads."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.connection import Response
from tests.support.site import ACCOUNT, ANA, REGION, Mark, Site
from tests.support.wire import message, signed

CONFIGURATION = (
    "<InventoryConfiguration><Id>daily</Id><IsEnabled>true</IsEnabled>"
    "<IncludedObjectVersions>Current</IncludedObjectVersions>"
    "<Destination><S3BucketDestination><Format>Parquet</Format>"
    f"<Bucket>arn:aws:s3:::acme-inventory</Bucket><AccountId>{ACCOUNT}</AccountId>"
    "<Encryption><SSE-S3/></Encryption></S3BucketDestination></Destination>"
    "<Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>"
).encode()
EXAMPLE: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "InventoryExamplePolicy",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": ["arn:aws:s3:::acme-inventory/*"],
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:s3:::acme-orders"},
                "StringEquals": {
                    "aws:SourceAccount": ACCOUNT,
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
            },
        }
    ],
}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"
FACTS = (
    "delivery",
    "key-policy",
    "public-access",
    "default-encryption",
    "tags",
    "versioning",
    "configurations",
)
RULES = """org:
  revision: "1"
  inventory:
    rules:
      INV017: {buckets: ["*"]}
      INV018: {mode: deny, require_known: true}
      INV043: {maximum: 1}
      INV053: {tags: {owner: ["*"]}}
      INV055: {buckets: ["*"]}
"""
PARTS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
WARNINGS = "x-inventory-gateway-warnings"


def gateway(folder: Path, settings: str, facts: tuple[str, ...], *, seconds: float = 0.001) -> Site:
    """A gateway with facts, kept for so long, and with rules of the organisation."""
    policy = folder / "policy-settings.yaml"
    policy.write_text(settings)
    options = {"facts": facts, "policy_settings": policy, "facts_ttl_seconds": seconds}
    return Site(folder, {**options, "facts_negative_ttl_seconds": 0.001})


@pytest.fixture(scope="module")
def warning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The delivery fact, and its rule as it ships."""
    org = 'org: {revision: "1"}\n'
    with gateway(tmp_path_factory.mktemp("warning"), org, ("delivery",)) as site:
        yield site


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same, with the rule refusing."""
    org = 'org: {revision: "1", inventory: {rules: {INV018: {mode: deny, require_known: true}}}}\n'
    with gateway(tmp_path_factory.mktemp("strict"), org, ("delivery",)) as site:
        yield site


def put(site: Site, configuration: bytes = CONFIGURATION) -> Response:
    """Put the configuration, as ana."""
    wire = message("PUT", "/acme-orders?inventory&id=daily", configuration)
    return site.call(signed(wire, ANA))


def decided(site: Site, since: Mark) -> dict[str, Any]:
    """What policy was asked; the log may follow the answer."""
    site.events(since, 1)
    [line] = [line for line in site.lines(since) if line["event"] == "decision"]
    question: dict[str, Any] = line["input"]
    return question


def policy(site: Site, document: object) -> None:
    """Give the destination this policy; None for none."""
    text = "" if document is None else json.dumps(document)
    site.emulator.buckets["acme-inventory"].policy = text


def test_destination_without_a_policy_is_warned_of(warning: Site):
    """By default the rule warns: S3 takes the configuration."""
    policy(warning, None)
    answer = put(warning)
    assert (answer.status, answer.header(WARNINGS)) == (204, "INV018")


def test_destination_with_the_documented_policy_is_not_warned_of(warning: Site):
    """AWS's own example, whose conditions name the source and its account."""
    policy(warning, EXAMPLE)
    answer = put(warning)
    assert (answer.status, answer.header(WARNINGS)) == (204, None)


def test_destination_without_a_policy_is_refused_where_the_rule_refuses(strict: Site):
    """The client reads what to do; the record says what was known."""
    policy(strict, None)
    since = strict.mark()
    answer = put(strict)
    assert answer.status == 403
    assert b"[INV018]" in answer.body
    assert strict.writes(since) == []
    question = decided(strict, since)
    assert question["facts"] == {"delivery": {"age_seconds": 0}}
    delivery = question["destination"]["delivery"]
    assert delivery == {"allowed": False, "reason": "the bucket has no policy"}


def test_destination_with_the_documented_policy_is_taken_where_the_rule_refuses(strict: Site):
    """What is proven is enough."""
    policy(strict, EXAMPLE)
    assert put(strict).status == 204


def test_policy_for_another_source_is_refused(strict: Site):
    """The report of this bucket would never arrive."""
    statement = EXAMPLE["Statement"][0]
    condition = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::acme-other"}}
    policy(strict, {"Statement": statement | {"Condition": condition}})
    assert put(strict).status == 403


def test_policy_that_may_not_be_read_is_unknown(strict: Site, warning: Site):
    """The rule's stated answer: none, or a finding with `require_known`; never a fault."""
    for site, status in ((warning, 204), (strict, 403)):
        policy(site, EXAMPLE)
        site.emulator.denied_reads.add("policy")
        since = site.mark()
        answer = put(site)
        site.emulator.denied_reads.clear()
        assert (answer.status, answer.header(WARNINGS)) == (status, None)
        assert decided(site, since)["facts"] == {"delivery": {"unknown": "denied"}}


# --- all of them ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # Nobody answers there: the connection is made, and then nothing comes.
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with gateway(tmp_path_factory.mktemp("all"), RULES, FACTS) as site:
            yield site


@pytest.fixture
def furnished(_all: Site) -> Site:
    """A gateway with all facts of S3, in front of buckets that every rule likes."""
    source, destination = (
        _all.emulator.buckets[name] for name in ("acme-orders", "acme-inventory")
    )
    source.tags, source.inventories = {"owner": "data"}, {}
    destination.policy = json.dumps(EXAMPLE)
    destination.public_access_block = dict.fromkeys(PARTS, True)
    _all.emulator.denied_reads.clear()
    return _all


def test_all_facts_are_in_the_question(furnished: Site):
    """Each with its age; only the key is not asked about, as there is none."""
    since = furnished.mark()
    assert put(furnished).status == 204
    question = decided(furnished, since)
    assert question["facts"] == {name: {"age_seconds": 0} for name in FACTS if name != "key-policy"}
    assert question["source"]["tags"] == {"owner": "data"}
    assert (question["source"]["versioning"], question["source"]["inventories"]) == ("", [])
    assert question["source"]["account"] == ACCOUNT
    assert question["destination"]["default_encryption"] == "SSE-S3"
    assert question["previous_configuration"] is None


@pytest.mark.parametrize(
    ("read", "rules"),
    [
        pytest.param("policy", ["INV018"], id="delivery"),
        pytest.param("publicAccessBlock", ["INV017"], id="public-access"),
        pytest.param("encryption", [], id="default-encryption"),
        pytest.param("tagging", ["INV053"], id="tags"),
        pytest.param("versioning", [], id="versioning"),
        pytest.param("inventory", ["INV043", "INV055"], id="configurations"),
    ],
)
def test_read_that_is_denied_is_answered_as_the_rule_says(
    furnished: Site, read: str, rules: list[str]
):
    """A finding of the rules that need it, and of no others; never a fault."""
    furnished.emulator.denied_reads.add(read)
    answer = put(furnished)
    assert answer.status == (403 if rules else 204)
    assert sorted(set(re.findall(r"\[(INV[0-9]+)\]", answer.body.decode()))) == rules


def test_change_of_a_moment_ago_is_seen(tmp_path: Path):
    """INV055: however long answers are kept, the list is read for every decision."""
    org = 'org: {revision: "1", inventory: {rules: {INV055: {buckets: ["*"]}}}}\n'
    elsewhere = CONFIGURATION.replace(b"<Encryption>", b"<Prefix>elsewhere</Prefix><Encryption>")
    with gateway(tmp_path, org, ("configurations",), seconds=3600) as site:
        assert put(site).status == 204
        answer = put(site, elsewhere)
    assert (answer.status, b"[INV055]" in answer.body) == (403, True)


def test_service_that_says_nothing_makes_an_unknown(furnished: Site):
    """The decision waits for its deadline, and is none the worse."""
    encryption = f"<SSE-KMS><KeyId>{KEY}</KeyId></SSE-KMS>".encode()
    since = furnished.mark()
    answer = put(furnished, CONFIGURATION.replace(b"<SSE-S3/>", encryption))
    assert (answer.status, answer.header(WARNINGS)) == (204, None)
    assert decided(furnished, since)["facts"]["key-policy"] == {"unknown": "timeout"}
