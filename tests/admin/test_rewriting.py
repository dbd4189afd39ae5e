"""From what a client wrote to what was judged."""

import pytest

from gateway.admin.difference import Change
from gateway.admin.rewriting import rewriting
from gateway.core.inventory.document import read_configuration, write_configuration
from tests.support.inventory import VALID, document

CANONICAL = write_configuration(read_configuration(VALID.encode()))


def prefixed(text: str) -> bytes:
    """The same document, each element in S3's namespace by a prefix."""
    named = text.replace("<", "<s3:").replace("<s3:/", "</s3:").replace("xmlns=", "xmlns:s3=")
    return named.encode()


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(CANONICAL.replace(b"><", b">\r\n\t<"), id="white space"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-8"?>' + CANONICAL, id="declaration"),
        pytest.param(b"\xef\xbb\xbf" + CANONICAL, id="byte order mark"),
        pytest.param(prefixed(CANONICAL.decode()), id="prefix"),
        pytest.param(
            CANONICAL.replace(b"<IsEnabled>true</IsEnabled>", b"").replace(
                b"<Destination>", b"<IsEnabled>true</IsEnabled><Destination>"
            ),
            id="order",
        ),
        pytest.param(CANONICAL.replace(b"<SSE-S3></SSE-S3>", b"<SSE-S3/>"), id="short form"),
        pytest.param(CANONICAL.replace(b"true", b"tr&#117;e"), id="reference"),
    ],
)
def test_what_means_the_same_is_told_to_mean_the_same(received: bytes) -> None:
    """Nobody wants to compare white space; the client's own text is there to be looked at."""
    assert received != CANONICAL
    found = rewriting(received, CANONICAL, filled_in=False)
    assert found.sentence.startswith("The client wrote the same but for layout")
    assert (found.lines, found.length) == ((), len(received))
    assert found.received == received.decode()


def test_the_same_bytes_are_told_to_be_the_same_bytes() -> None:
    """As nearly all SDKs write them."""
    found = rewriting(CANONICAL, CANONICAL, filled_in=False)
    assert found.sentence.endswith("byte for byte.")
    assert (found.lines, found.received) == ((), "")


def changed(received: bytes, judged: bytes, *, filled_in: bool = False) -> list[tuple[str, str]]:
    """The lines that differ."""
    lines = rewriting(received, judged, filled_in=filled_in).lines
    return [(line.mark, line.text.strip()) for line in lines if line.change is not Change.SAME]


def test_what_policy_filled_in_is_all_that_differs() -> None:
    """However the client wrote the rest."""
    received = document(encryption="").replace("><", ">\n  <").encode()
    assert changed(received, CANONICAL, filled_in=True) == [
        ("+", "<Encryption>"),
        ("+", "<SSE-S3></SSE-S3>"),
        ("+", "</Encryption>"),
    ]
    found = rewriting(received, CANONICAL, filled_in=True)
    assert found.sentence.startswith("Policy has filled in")


def test_what_the_gateway_wrote_otherwise_differs() -> None:
    """A name that an SDK got wrong."""
    received = CANONICAL.replace(b"SSE-S3", b"SSES3")
    assert changed(received, CANONICAL) == [("-", "<SSES3></SSES3>"), ("+", "<SSE-S3></SSE-S3>")]
    assert "writes anew" in rewriting(received, CANONICAL, filled_in=False).sentence


def test_a_blank_is_a_value() -> None:
    """A prefix of one space is another than none."""
    filtered = VALID.replace("<Id>", "<Filter><Prefix> </Prefix></Filter><Id>").encode()
    judged = write_configuration(read_configuration(filtered))
    found = changed(filtered.replace(b"> <", b"><"), judged)
    assert found == [("-", "<Prefix></Prefix>"), ("+", "<Prefix> </Prefix>")]


def test_a_text_does_not_look_like_elements() -> None:
    """A prefix may hold what it likes; line separators of Unicode make no lines."""
    forged = "a&lt;/Prefix>\u2028      &lt;Format>ORC&lt;/Format>"
    filtered = VALID.replace("<Id>", f"<Filter><Prefix>{forged}</Prefix></Filter><Id>")
    judged = write_configuration(read_configuration(filtered.encode()))
    assert changed(CANONICAL, judged) == [
        ("+", "<Filter>"),
        ("+", f"<Prefix>{forged.replace('>', '&gt;')}</Prefix>"),
        ("+", "</Filter>"),
    ]


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"\xff\xfe<a", id="no UTF-8"),
        pytest.param(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", id="document type"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<a>" * 300, id="deep"),
    ],
)
def test_what_cannot_be_read_is_cut_at_its_tags(received: bytes) -> None:
    """It was changed since, or is of another release: the page never fails over it."""
    assert changed(received, CANONICAL)
