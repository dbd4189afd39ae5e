"""Conditions, held against a request of which not everything is known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.iam.condition import holds

ARN = "arn:aws:s3:::acme-orders"
CONTEXT = {
    "aws:sourcearn": ARN,
    "aws:sourceaccount": "111122223333",
    "aws:securetransport": "true",
    "aws:sourcevpce": None,
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "aws:SourceAccount", "111122223333", True),
        ("StringEquals", "AWS:SOURCEACCOUNT", "111122223333", True),
        ("StringEquals", "aws:SourceAccount", ["9" * 12, "111122223333"], True),
        ("StringEquals", "aws:SourceAccount", "9" * 12, False),
        ("StringEquals", "aws:SourceAccount", [], False),
        ("StringNotEquals", "aws:SourceAccount", "9" * 12, True),
        ("StringNotEquals", "aws:SourceAccount", ["9" * 12, "111122223333"], False),
        ("StringEqualsIgnoreCase", "aws:SourceArn", ARN.upper(), True),
        ("StringNotEqualsIgnoreCase", "aws:SourceArn", ARN.upper(), False),
        ("StringLike", "aws:SourceArn", "arn:aws:s3:::acme-*", True),
        ("StringLike", "aws:SourceArn", "arn:aws:s3:::other-*", False),
        ("StringNotLike", "aws:SourceArn", "arn:aws:s3:::acme-*", False),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3:*:*:acme-orders", True),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3:::*", True),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3*", False),
        ("ArnEquals", "aws:SourceArn", "arn:*:s3:::acme-*", True),
        ("ArnNotLike", "aws:SourceArn", ARN, False),
        ("ArnNotEquals", "aws:SourceArn", "arn:aws:s3:::other", True),
        ("Bool", "aws:SecureTransport", "true", True),
        ("Bool", "aws:SecureTransport", True, True),
        ("Bool", "aws:SecureTransport", False, False),
        ("StringEquals", "aws:SourceVpce", "vpce-1", False),
        ("StringEqualsIfExists", "aws:SourceVpce", "vpce-1", True),
        ("StringNotEquals", "aws:SourceVpce", "vpce-1", True),
        ("ForAllValues:StringEquals", "aws:SourceVpce", "vpce-1", True),
        ("ForAnyValue:StringEquals", "aws:SourceVpce", "vpce-1", False),
        ("ForAnyValue:StringEquals", "aws:SourceArn", [ARN], True),
        ("ForAllValues:StringLike", "aws:SourceArn", "arn:aws:s3:::other", False),
        ("Null", "aws:SourceVpce", "true", True),
        ("Null", "aws:SourceVpce", "false", False),
        ("Null", "aws:SourceArn", False, True),
        ("Null", "aws:SourceArn", "perhaps", None),
        ("Null", "aws:SourceArn", 1, None),
        ("Null", "aws:SourceOrgID", "true", None),
        ("StringEquals", "aws:SourceOrgID", "o-1", None),
        ("StringEquals", "aws:SourceArn", 7, None),
        ("StringEquals", "aws:SourceAccount", ["111122223333", 7], True),
        ("StringEquals", "aws:SourceArn", "${aws:PrincipalArn}", None),
        ("StringEquals", "aws:SourceArn", "x" * 3000, None),
        ("IpAddress", "aws:SourceArn", "192.0.2.0/24", None),
        ("stringequals", "aws:SourceArn", ARN, None),
    ],
)
def test_condition_holds_or_not(operator: str, key: str, value: Any, expected: bool | None):
    """What is not known, or not understood, stays open."""
    assert holds({operator: {key: value}}, CONTEXT) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({}, True, id="none"),
        pytest.param(
            {
                "StringEquals": {"aws:SourceAccount": "111122223333", "aws:SourceArn": ARN},
                "Bool": {"aws:SecureTransport": "true"},
            },
            True,
            id="all",
        ),
        pytest.param(
            {"StringEquals": {"aws:SourceAccount": "9" * 12, "aws:SourceOrgID": "o-1"}},
            False,
            id="one-key-decides",
        ),
        pytest.param(
            {"StringEquals": {"s3:new": "1"}, "Bool": {"aws:SecureTransport": "false"}},
            False,
            id="one-operator-decides",
        ),
        pytest.param([], None, id="no-mapping"),
        pytest.param({"StringEquals": "x"}, None, id="operator-without-keys"),
    ],
)
def test_all_parts_must_hold(condition: Any, expected: bool | None):
    """Operators and keys are joined by and, values by or."""
    assert holds(condition, CONTEXT) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["StringLike", "Null", "ArnLike", "Bool"]), JSON) | JSON)
def test_condition_is_never_a_fault(condition: Any):
    """Bucket owners write what they like."""
    assert holds(condition, CONTEXT) in {True, False, None}


@given(
    st.sampled_from(["StringLike", "Null", "ArnLike", "Bool", "StringNotEqualsIfExists"]),
    st.sampled_from(sorted(CONTEXT)),
    JSON,
)
def test_value_is_never_a_fault(operator: str, key: str, value: Any):
    """Whatever stands where a value should."""
    assert holds({operator: {key: value}}, CONTEXT) in {True, False, None}
