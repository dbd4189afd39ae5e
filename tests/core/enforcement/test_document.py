"""Documents, and how long they may be."""

import json

import pytest

from gateway.core.enforcement.document import compact, policy, pretty, refuse_oversize
from gateway.core.enforcement.parameter import ParametersError

DOCUMENT = policy({"Sid": "A", "Action": ["s3:é"]})


def test_policy_has_its_version() -> None:
    """Without it IAM reads an older language, in which variables are plain text."""
    assert json.loads(pretty(DOCUMENT)) == {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "A", "Action": ["s3:é"]}],
    }


def test_size_is_counted_without_white_space() -> None:
    """As AWS counts."""
    size = len('{"Version":"2012-10-17","Statement":[{"Sid":"A","Action":["s3:é"]}]}')
    assert len(compact(DOCUMENT)) == size < len(pretty(DOCUMENT))
    refuse_oversize(DOCUMENT, size, "it")
    with pytest.raises(
        ParametersError, match=f"it has {size} characters, and AWS takes {size - 1}"
    ):
        refuse_oversize(DOCUMENT, size - 1, "it")
