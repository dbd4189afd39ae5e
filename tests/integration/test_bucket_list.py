"""ListBuckets through a whole gateway, as SDKs page through it."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from gateway.emulator.answer import NAMESPACE
from tests.support.connection import Response
from tests.support.site import ANA, ROOT, Site
from tests.support.wire import Key, Message, message, presigned, signed

OURS = ["acme-inventory", "acme-orders", "acme-stranger", "acme-us"]


def seen(answer: Response) -> list[str | None]:
    """The names in an answer."""
    root = ET.fromstring(answer.body)  # noqa: S314 - our own
    return [name.text for name in root.iter(f"{{{NAMESPACE}}}Name")]


@pytest.mark.parametrize(
    ("key", "expected"),
    [pytest.param(ANA, OURS, id="some"), pytest.param(ROOT, [*OURS, "foreign"], id="all")],
)
def test_everybody_sees_what_they_may_use(site: Site, key: Key, expected: list[str]) -> None:
    """I9: the emulator, like S3, shows the gateway's role all of them."""
    answer = site.call(signed(message("GET", "/"), key))
    assert (answer.status, seen(answer)) == (200, expected)
    assert (b"foreign" in answer.body) == (key is ROOT)
    assert answer.header("content-length") == str(len(answer.body)) or key is ROOT


@pytest.mark.parametrize(
    ("sign", "target"),
    [
        pytest.param(signed, "/?x-id=ListBuckets&prefix=for", id="header"),
        pytest.param(presigned, "/?prefix=for&max-buckets=1", id="presigned"),
    ],
)
def test_a_filter_shows_no_more(
    site: Site, sign: Callable[[Message, Key], Message], target: str
) -> None:
    """What S3 finds under a prefix is held against the globs all the same."""
    answer = site.call(sign(message("GET", target), ANA))
    assert (answer.status, seen(answer)) == (200, [])
    assert b"foreign" not in answer.body


def test_pages_of_one_lead_to_the_end(site: Site) -> None:
    """As a paginator walks them: no page is empty, none names another bucket."""
    found: list[str | None] = []
    token = ""
    while True:
        more = f"&continuation-token={token}" if token else ""
        answer = site.call(signed(message("GET", f"/?max-buckets=1{more}"), ANA))
        found += seen(answer)
        token = ET.fromstring(answer.body).findtext(f"{{{NAMESPACE}}}ContinuationToken") or ""  # noqa: S314
        if not token:
            break
    assert found == OURS


def test_a_fault_of_s3_is_no_list(site: Site) -> None:
    """Its error is passed on."""
    site.emulator.fail_next(1, 503, "SlowDown")
    answer = site.call(signed(message("GET", "/"), ANA))
    assert (answer.status, answer.code) == (503, "SlowDown")
