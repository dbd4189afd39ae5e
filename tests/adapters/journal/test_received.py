"""The client's own document, as a column holds it."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.journal.received import packed, unpacked
from gateway.core.inventory.document import read_configuration, write_configuration
from tests.support.captures import Capture, load_captures
from tests.support.inventory import VALID

DOCUMENT = VALID.encode()
_MOST = 64 * 1024


@given(received=st.binary(), document=st.none() | st.binary())
def test_document_and_back(received: bytes, document: bytes | None):
    """Whatever the canonical one is."""
    assert unpacked(packed(received, document), document) == received


def test_no_document_stays_none():
    """Of removals, and of records that are older."""
    assert (packed(None, DOCUMENT), unpacked(None, DOCUMENT)) == (None, None)


@pytest.mark.parametrize("size", [0, 1, _MOST], ids=str)
def test_every_size_that_is_read_comes_back(size: int):
    """What is decided about has 64 KiB at most."""
    received = bytes(size)
    assert unpacked(packed(received, DOCUMENT), DOCUMENT) == received


@pytest.mark.parametrize(
    ("stored", "document"),
    [
        pytest.param(packed(DOCUMENT + b" ", DOCUMENT), b"<another/>", id="another document"),
        pytest.param(b"", DOCUMENT, id="empty"),
        pytest.param((packed(DOCUMENT, b"") or b"")[:-5], b"", id="cut"),
        pytest.param(zlib.compress(bytes(_MOST + 1)), b"", id="more than is ever read"),
    ],
)
def test_what_was_changed_since_is_no_document(stored: bytes, document: bytes):
    """The chain tells that it was; a page must not fail over it, nor fill the memory."""
    assert unpacked(stored, document) is None


def _inventories() -> list[Capture]:
    return [
        capture
        for capture in load_captures().requests
        if capture.case in {"put_inventory_min1", "put_inventory_sses3"}
        and not capture.is_truncated
    ]


@pytest.mark.parametrize("capture", _inventories(), ids=lambda capture: capture.file)
def test_what_clients_write_takes_little(capture: Capture):
    """A million decisions must not take half a gigabyte more."""
    received = capture.body[capture.body.index(b"<") : capture.body.rindex(b">") + 1]
    document = write_configuration(read_configuration(received))
    assert len(packed(received, document) or b"") <= 64
