"""Real-life policies of destinations and keys: would the report arrive?"""

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.iam.resource_policy import Permission
from gateway.core.inventory.configuration import SseKms, SseS3
from gateway.core.policy.delivery import delivery_permission, key_permission, known
from gateway.core.policy.fact import FactUnknown, Subject

ACCOUNT, STRANGER = "111122223333", "999988887777"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"
SUBJECT = Subject(
    source="acme-orders",
    source_region="eu-central-1",
    inventory_id="daily",
    source_account=ACCOUNT,
    destination="acme-inventory",
    destination_region="eu-central-1",
    destination_account=ACCOUNT,
    prefix="reports",
    encryption=SseKms(KEY),
)

NOBODYS = replace(SUBJECT, source_account="")


def example(**changes: Any) -> dict[str, Any]:
    """AWS's documented statement for destinations, changed."""
    statement = {
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
    return {name: value for name, value in (statement | changes).items() if value is not None}


def only_if(**keys: Any) -> dict[str, Any]:
    """A condition of equal texts; a double underscore stands for a colon, one for a hyphen."""
    return {"StringEquals": {key.replace("__", ":"): value for key, value in keys.items()}}


def deny(condition: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """A deny for everybody, under a condition."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    return statement | ({} if condition is None else {"Condition": condition}) | changes


def ask(*statements: Any, subject: Subject = SUBJECT) -> bool | None:
    """Of a bucket policy."""
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return delivery_permission(json.dumps(policy), subject).allowed


ENCRYPTION = "s3:x-amz-server-side-encryption"
KEY_HEADER = f"{ENCRYPTION}-aws-kms-key-id"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param(example(), True, id="aws-example"),
        pytest.param(example(Condition=None), True, id="no-condition"),
        pytest.param(example(Resource="arn:aws:s3:::acme-inventory/reports/*"), True, id="prefix"),
        pytest.param(
            example(Resource="arn:aws:s3:::acme-inventory/reports/acme-orders/daily/*"),
            True,
            id="exact-prefix",
        ),
        pytest.param(example(Resource="arn:aws:s3:::acme-*/*"), True, id="any-of-our-buckets"),
        pytest.param(example(Resource="arn:aws:s3:::acme-inventory"), False, id="no-keys"),
        pytest.param(
            example(Resource="arn:aws:s3:::acme-inventory/other/*"), False, id="wrong-prefix"
        ),
        pytest.param(
            example(Resource="arn:aws:s3:::acme-inventory/reports/acme-orders/daily/data/*"),
            None,
            id="data-without-manifest",
        ),
        pytest.param(
            example(Condition=only_if(aws__SourceAccount=STRANGER)), False, id="wrong-account"
        ),
        pytest.param(
            example(Condition=only_if(aws__SourceAccount=[STRANGER, ACCOUNT])), True, id="accounts"
        ),
        pytest.param(
            example(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::acme-other"}}),
            False,
            id="wrong-source",
        ),
        pytest.param(
            example(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::acme-*"}}),
            True,
            id="our-sources",
        ),
        pytest.param(
            example(Condition={"StringEquals": {"aws:SourceOrgID": "o-1234567890"}}),
            None,
            id="organisation",
        ),
        pytest.param(
            example(Condition={"StringEquals": {"s3:x-amz-acl": "private"}}), False, id="wrong-acl"
        ),
        pytest.param(example(Principal="*"), True, id="everybody"),
        pytest.param(
            example(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), False, id="own-account"
        ),
        pytest.param(example(Action=["s3:PutObject", "s3:PutObjectAcl"]), True, id="two-actions"),
        pytest.param(example(Action="s3:GetObject"), False, id="reading"),
    ],
)
def test_destination_lets_s3_deliver(statement: dict[str, Any], expected: bool | None):
    """The documented example, and what people make of it."""
    assert ask(statement) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"Bool": {"aws:SecureTransport": "false"}}, True, id="plain-text"),
        pytest.param(
            {"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}, False, id="vpc-endpoint"
        ),
        pytest.param(
            {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1234567890"},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
            True,
            id="organisation-but-for-services",
        ),
        pytest.param(
            {"StringNotEquals": {"aws:PrincipalOrgID": "o-1234567890"}}, False, id="organisation"
        ),
        pytest.param({"StringNotEquals": {ENCRYPTION: "aws:kms"}}, True, id="needs-kms"),
        pytest.param({"StringNotEquals": {ENCRYPTION: "AES256"}}, False, id="needs-sse-s3"),
        pytest.param({"Null": {ENCRYPTION: "true"}}, True, id="needs-encryption"),
        pytest.param({"StringNotLikeIfExists": {KEY_HEADER: KEY}}, True, id="needs-this-key"),
        pytest.param({"StringNotEquals": {KEY_HEADER: "arn:x"}}, False, id="needs-another-key"),
        pytest.param({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, None, id="source-address"),
        pytest.param({"NumericLessThan": {"s3:TlsVersion": 1.2}}, None, id="tls-version"),
        pytest.param({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, True, id="others"),
        pytest.param(
            {"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}, True, id="resource-of-others"
        ),
        pytest.param(None, False, id="all"),
    ],
)
def test_deny_keeps_s3_out(condition: dict[str, Any] | None, expected: bool | None):
    """Beside the documented example."""
    assert ask(example(), deny(condition)) is expected


@pytest.mark.parametrize(
    ("encryption", "expected"),
    [(None, False), (SseS3(), True), (SseKms(KEY), True)],
)
def test_destination_may_insist_on_encryption(encryption: SseS3 | SseKms | None, expected: bool):
    """A report without Encryption comes without the header."""
    subject = replace(SUBJECT, encryption=encryption)
    assert ask(example(), deny({"Null": {ENCRYPTION: "true"}}), subject=subject) is expected


@pytest.mark.parametrize(
    ("subject", "statement", "expected"),
    [
        pytest.param(NOBODYS, example(), None, id="source"),
        pytest.param(NOBODYS, example(Condition=None), True, id="source-does-not-matter"),
        pytest.param(
            replace(SUBJECT, destination_account=""),
            example(Condition=only_if(aws__ResourceAccount=ACCOUNT)),
            None,
            id="destination",
        ),
    ],
)
def test_what_is_not_known_of_the_subject_stays_open(
    subject: Subject, statement: dict[str, Any], expected: bool | None
):
    """Nobody guesses whose the source is."""
    assert ask(statement, subject=subject) is expected


def test_empty_prefix_leaves_no_slash():
    """The report lies below the name of the source."""
    subject = replace(SUBJECT, prefix="")
    statement = example(Resource="arn:aws:s3:::acme-inventory/acme-orders/daily/*")
    assert ask(statement, subject=subject) is True


def test_partition_is_that_of_the_source():
    """In China all ARNs are of aws-cn."""
    subject = replace(SUBJECT, source_region="cn-north-1", destination_region="cn-north-1")
    chinese = json.loads(json.dumps(example()).replace("arn:aws:", "arn:aws-cn:"))
    assert (ask(chinese, subject=subject), ask(example(), subject=subject)) == (True, False)


def test_bucket_without_a_policy_lets_nobody_in():
    """A service has no permissions of its own."""
    answer = delivery_permission("", SUBJECT)
    assert answer == Permission(allowed=False, reason="the bucket has no policy")


def test_policy_that_cannot_be_read_says_nothing():
    """Not even no."""
    assert delivery_permission("{", SUBJECT).allowed is None


def key_policy(**changes: Any) -> str:
    """A key's own statement for its account, and AWS's documented one for S3, changed."""
    account = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    statement = {
        "Sid": "Allow Amazon S3 use of the customer managed key",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": ["kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceARN": "arn:aws:s3:::acme-orders"},
        },
    }
    return json.dumps({"Statement": [account, statement | changes]})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="aws-example"),
        pytest.param({"Action": "kms:GenerateDataKey*"}, True, id="with-wildcard"),
        pytest.param({"Action": "kms:Decrypt"}, False, id="decrypting"),
        pytest.param({"Resource": KEY}, True, id="this-key"),
        pytest.param({"Resource": KEY + "0"}, False, id="another-key"),
        pytest.param({"Effect": "Deny"}, False, id="denied"),
        pytest.param({"Condition": only_if(aws__SourceAccount=STRANGER)}, False, id="account"),
        pytest.param({"Condition": only_if(kms__ViaService="s3.x")}, None, id="via-service"),
    ],
)
def test_key_lets_s3_encrypt(changes: dict[str, Any], expected: bool | None):
    """The documented example, and what people make of it."""
    assert key_permission(key_policy(**changes), SUBJECT).allowed is expected


def test_answer_is_told_to_policy():
    """With the reason, for people."""
    assert known(Permission(allowed=False, reason="r")) == {"allowed": False, "reason": "r"}


def test_answer_that_is_open_is_an_unknown_fact():
    """The record says what could not be told."""
    with pytest.raises(FactUnknown) as caught:
        known(Permission(None, "it cannot be told"))
    assert caught.value.reason == "undecided: it cannot be told"
