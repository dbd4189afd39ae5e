"""Ids as S3 makes them, and ids of decisions."""

import uuid
from base64 import b64encode
from secrets import token_bytes, token_hex
from typing import Final

#: S3's request ids: digits and capitals without I, L, O and U.
_ALPHABET: Final = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 8


def new_request_id() -> str:
    """16 characters, as `x-amz-request-id`."""
    return token_bytes(16).translate(_ALPHABET).decode()


def new_host_id() -> str:
    """76 characters of base64, as `x-amz-id-2`."""
    return b64encode(token_bytes(56)).decode()


def new_decision_id() -> str:
    """A random UUID, as OPA makes them."""
    return str(uuid.uuid4())


def new_writer_id() -> str:
    """Names a process in the journal, until it ends."""
    return token_hex(8)
