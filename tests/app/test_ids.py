"""Ids as S3 makes them, and ids of decisions."""

import re
import uuid
from base64 import b64decode
from collections.abc import Callable

import pytest

from gateway.app.ids import new_decision_id, new_host_id, new_request_id


def test_a_request_id_looks_like_s3s() -> None:
    """16 of digits and capitals without I, L, O and U."""
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{16}", new_request_id())


def test_a_host_id_looks_like_s3s() -> None:
    """Base64 of something opaque, in S3's range of 76 to 128 characters."""
    text = new_host_id()
    assert (len(text), len(b64decode(text, validate=True))) == (76, 56)


def test_a_decision_id_is_a_random_uuid() -> None:
    """As OPA makes them."""
    assert uuid.UUID(new_decision_id()).version == 4


@pytest.mark.parametrize("make", [new_request_id, new_host_id, new_decision_id])
def test_ids_do_not_repeat(make: Callable[[], str]) -> None:
    """A thousand, all different."""
    assert len({make() for _ in range(1000)}) == 1000
