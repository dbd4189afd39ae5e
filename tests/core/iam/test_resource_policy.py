"""Which statements are about a service's request, and what they come to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.iam.resource_policy import (
    MAX_POLICY,
    Permission,
    PolicyUnreadable,
    ServiceRequest,
    evaluate,
    read_statements,
)
from gateway.core.iam.wildcard import covers
from tests.core.iam.test_condition import JSON

REQUEST = ServiceRequest(
    "s3.amazonaws.com",
    "s3:PutObject",
    lambda pattern: covers(pattern, "arn:aws:s3:::b/p/"),
    {"aws:securetransport": "true"},
)
ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::b/*",
}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}
OPEN = {"Condition": {"StringEquals": {"aws:SourceOrgID": "o-1"}}}


def without(statement: dict[str, Any], *names: str, **others: Any) -> dict[str, Any]:
    """The statement without these elements, and with others."""
    return {name: value for name, value in statement.items() if name not in names} | others


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param(ALLOW, True, id="plain"),
        pytest.param({**ALLOW, "Principal": "*"}, True, id="everybody"),
        pytest.param({**ALLOW, "Principal": {"AWS": "*"}}, True, id="every-aws-principal"),
        pytest.param(
            {**ALLOW, "Principal": {"Service": ["x.amazonaws.com", "s3.amazonaws.com"]}},
            True,
            id="one-of-the-services",
        ),
        pytest.param(
            {**ALLOW, "Principal": {"Service": "logging.s3.amazonaws.com"}}, False, id="service"
        ),
        pytest.param({**ALLOW, "Principal": {"Service": "*"}}, False, id="no-wildcard-service"),
        pytest.param(
            {**ALLOW, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, False, id="account"
        ),
        pytest.param({**ALLOW, "Principal": {"CanonicalUser": "79a5"}}, False, id="canonical"),
        pytest.param({**ALLOW, "Principal": {"Federated": "x"}}, False, id="federated"),
        pytest.param({**ALLOW, "Principal": {"Robot": "x"}}, None, id="unheard-of-principal"),
        pytest.param({**ALLOW, "Principal": {"Service": 1}}, None, id="no-name"),
        pytest.param({**ALLOW, "Principal": "s3.amazonaws.com"}, None, id="no-mapping"),
        pytest.param(without(ALLOW, "Principal"), None, id="nobody"),
        pytest.param(
            without(ALLOW, "Principal", NotPrincipal={"AWS": "1" * 12}), None, id="all-but-somebody"
        ),
        pytest.param({**ALLOW, "Action": ["s3:GetObject", "S3:putobject"]}, True, id="action-case"),
        pytest.param({**ALLOW, "Action": "s3:Put*"}, True, id="action-wildcard"),
        pytest.param({**ALLOW, "Action": "*"}, True, id="any-action"),
        pytest.param({**ALLOW, "Action": "s3:GetObject"}, False, id="other-action"),
        pytest.param({**ALLOW, "Action": [1, "s3:PutObject"]}, True, id="one-of-the-actions"),
        pytest.param({**ALLOW, "Action": 1}, None, id="no-action"),
        pytest.param(without(ALLOW, "Action", NotAction="s3:Get*"), True, id="not-action"),
        pytest.param(without(ALLOW, "Action", NotAction="s3:*"), False, id="not-this-action"),
        pytest.param({**ALLOW, "NotAction": "s3:Get*"}, None, id="action-and-its-opposite"),
        pytest.param({**ALLOW, "Resource": "arn:aws:s3:::b/q/*"}, False, id="other-prefix"),
        pytest.param({**ALLOW, "Resource": "arn:aws:s3:::b/p/x*"}, None, id="part-of-it"),
        pytest.param({**ALLOW, "Resource": "arn:aws:s3:::b/${aws:x}*"}, None, id="variable"),
        pytest.param({**ALLOW, "Resource": "arn:aws:s3:::b/" + "*" * 3000}, None, id="too-long"),
        pytest.param(
            without(ALLOW, "Resource", NotResource="arn:aws:s3:::b/q/*"), True, id="not-resource"
        ),
        pytest.param(without(ALLOW, "Resource"), None, id="no-resource"),
        pytest.param(ALLOW | OPEN, None, id="condition-that-is-open"),
        pytest.param(
            {**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            False,
            id="condition-that-fails",
        ),
        pytest.param({**ALLOW, "Effect": "allow"}, None, id="no-effect"),
        pytest.param("s3:PutObject", None, id="no-statement"),
        pytest.param(DENY, False, id="denied"),
    ],
)
def test_one_statement_decides(statement: Any, expected: bool | None):
    """What is not plainly about the request is neither a yes nor a no."""
    assert evaluate([statement], REQUEST).allowed is expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([], Permission(False, "no statement allows s3:PutObject to s3.amazonaws.com"), id="none"),  # noqa: E501, FBT003
        pytest.param([DENY, ALLOW], Permission(False, "statement 1 denies it"), id="deny-first"),  # noqa: FBT003
        pytest.param([ALLOW, DENY], Permission(False, "statement 2 denies it"), id="deny-last"),  # noqa: FBT003
        pytest.param([ALLOW | OPEN, ALLOW, ALLOW], Permission(True, "statement 2 allows it"), id="one-yes-is-enough"),  # noqa: E501, FBT003
        pytest.param([ALLOW | OPEN], Permission(None, "it cannot be told whether statement 1 allows it"), id="perhaps"),  # noqa: E501
        pytest.param([ALLOW, DENY | OPEN], Permission(None, "it cannot be told whether statement 2 denies it"), id="perhaps-not"),  # noqa: E501
        pytest.param([DENY | OPEN, DENY], Permission(False, "statement 2 denies it"), id="surely-not"),  # noqa: E501, FBT003
        pytest.param([DENY | {"Action": "s3:Get*"}, ALLOW], Permission(True, "statement 2 allows it"), id="about-others"),  # noqa: E501, FBT003
        pytest.param([without(DENY, "Principal", NotPrincipal={"AWS": "1" * 12}), ALLOW], Permission(False, "statement 1 denies it"), id="deny-all-but-an-account"),  # noqa: E501, FBT003
        pytest.param([without(DENY, "Principal", NotPrincipal={"Service": "s3.amazonaws.com"}), ALLOW], Permission(True, "statement 2 allows it"), id="deny-all-but-s3"),  # noqa: E501, FBT003
    ],
)  # fmt: skip
def test_statements_come_to_one_answer(statements: list[Any], expected: Permission):
    """A deny wins, whatever its place; a possible deny leaves the answer open."""
    assert evaluate(statements, REQUEST) == expected


def test_statements_are_read():
    """One, or a list; with as many wildcards as anybody needs."""
    wild = {**ALLOW, "Resource": "arn:aws:s3:::" + "?" * 16 + "/*"}
    assert read_statements(json.dumps({"Statement": wild})) == [wild]
    assert read_statements(json.dumps({"Statement": ALLOW})) == [ALLOW]
    assert read_statements(json.dumps({"Statement": [ALLOW, DENY]})) == [ALLOW, DENY]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("<Policy/>", id="no-json"),
        pytest.param("[" * 30_000, id="depth"),
        pytest.param("[]", id="list"),
        pytest.param("{}", id="no-statement"),
        pytest.param('{"Statement": "x"}', id="statement-is-text"),
        pytest.param(f'{{"Statement": [], "Id": "{"x" * MAX_POLICY}"}}', id="too-long"),
        pytest.param(f'{{"Statement": [], "Id": "{"?" * 17}"}}', id="question-marks"),
        pytest.param(
            '{"Statement": [], "Id": "' + "\\u003f" * 17 + '"}', id="question-marks-as-escapes"
        ),
    ],
)
def test_text_that_is_no_policy_is_told(text: str):
    """Whatever a server sends."""
    with pytest.raises(PolicyUnreadable):
        read_statements(text)


ELEMENTS = ["Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition"]


@given(st.lists(st.dictionaries(st.sampled_from(ELEMENTS), JSON | st.just("Deny")) | JSON))
def test_answer_is_never_a_fault(statements: list[Any]):
    """Bucket owners write what they like."""
    assert evaluate(statements, REQUEST).allowed in {True, False, None}
