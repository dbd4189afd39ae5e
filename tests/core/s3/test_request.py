"""The request head: what is refused before anything is derived from it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError, RequestError
from gateway.core.s3.address import Bucket, Hosts
from gateway.core.s3.request import S3Request, read_request
from tests.support.captures import load_captures

HOSTS = Hosts(names=("h",))


def _read(*headers: tuple[str, str], target: str = "/bucket/key", method: str = "PUT") -> S3Request:
    return read_request(method, target, [("Host", "h"), *headers], HOSTS)


def _code(*headers: tuple[str, str], target: str = "/bucket/key") -> str:
    with pytest.raises(GatewayError) as caught:
        _read(*headers, target=target)
    return caught.value.code


def test_head_is_kept_as_it_came_when_read():
    """Raw path, raw query, header lines in order; only names are lower-cased."""
    request = read_request(
        "PUT",
        "/bucket?b=%2f&a",
        [("HOST", "h"), ("X-B", "2"), ("x-b", " 1 ")],
        HOSTS,
        remote="192.0.2.1",
        secure=True,
    )
    assert ("/bucket", "b=%2f&a", Bucket("bucket")) == (
        request.raw_path,
        request.query.raw,
        request.path,
    )
    assert (("host", "h"), ("x-b", "2"), ("x-b", " 1 ")) == request.headers
    assert ("2", ["2", " 1 "], None) == (
        request.header("x-b"),
        request.header_lines("x-b"),
        request.header("x-c"),
    )
    assert ("192.0.2.1", True) == (request.remote, request.secure)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("http://evil/bucket?inventory", id="row-28-absolute-form"),
        pytest.param("*", id="asterisk-form"),
        pytest.param("h:443", id="authority-form"),
        pytest.param("", id="empty"),
        pytest.param("bucket", id="no-slash"),
        pytest.param("/bucket#inventory", id="row-28-fragment"),
        pytest.param("/bucket?inventory#x", id="fragment-after-the-query"),
        pytest.param("/bucket\\key", id="backslash"),
        pytest.param("/bucket/a b", id="space"),
        pytest.param("/bucket/a\tb", id="tab"),
        pytest.param("/bucket/a\x00", id="nul"),
        pytest.param("/bucket/é", id="raw-byte-above-7f"),
        pytest.param("/bucket\n", id="new-line"),
        pytest.param("?inventory", id="query-alone"),
    ],
)
def test_target_is_refused_when_it_is_not_an_absolute_path(target: str):
    """Row 28: another reader would see another bucket."""
    assert "InvalidURI" == _code(target=target)


@pytest.mark.parametrize(
    "target", ["/bucket/!*'()@:=&;,$+", '/bucket/[a]|^`{b}"<c>', "/bucket?a?b"]
)
def test_target_is_taken_when_curl_typed_it_raw(target: str):
    """Raw sub-delimiters are signed as typed."""
    request = _read(target=target)
    assert target == request.raw_path + ("?" + request.query.raw if request.query.raw else "")


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Content-Encoding",
        "Content-Length",
        "Content-MD5",
        "Content-Type",
        "Expect",
        "Range",
        "X-Amz-Content-SHA256",
        "x-amz-copy-source",
        "X-Amz-Date",
        "x-amz-decoded-content-length",
        "x-amz-expected-bucket-owner",
        "x-amz-security-token",
        "x-amz-trailer",
    ],
)
def test_header_is_refused_when_it_has_one_value_by_definition_and_comes_twice(name: str):
    """Row 107: first-wins and last-wins readers exist."""
    assert "BadRequest" == _code((name, "1"), (name.lower(), "1"))


@pytest.mark.parametrize("length", [8, 2000], ids=["remembered", "too-long-to-remember"])
def test_names_are_judged_alike_when_they_are_long(length: int):
    """What the names tell is remembered for short ones only; the answer is the same."""
    name = "x-amz-meta-" + "n" * length
    for _ in range(2):
        assert "v" == _read((name, "v")).header(name)
        assert "BadRequest" == _code((name, "v"), ("range", "1"), ("Range", "1"))
        assert "BadRequest" == _code((name, "v"), (f"a_{name}", "v"))


def test_second_host_is_refused_when_both_are_ours():
    """Row 29."""
    assert "BadRequest" == _code(("host", "h"))


@pytest.mark.parametrize(
    "name",
    ["x_amz_acl", "x-amz_acl", "content_length", "", "a b", "a:", "é", "x\r\ny", "x-amz-acl "],
)
def test_header_name_is_refused_when_two_servers_would_read_it_differently(name: str):
    """Row 107; CGI-style servers read underscores as hyphens."""
    assert "BadRequest" == _code((name, "1"))


@pytest.mark.parametrize("value", ["\xe9", "\xc3", "\xff\xfe", "\xed\xa0\x80"])
def test_header_value_is_refused_when_its_bytes_are_not_utf_8(value: str):
    """Everyone would read them as they like."""
    assert "BadRequest" == _code(("x-amz-meta-a", value))


def test_header_value_is_kept_as_bytes_when_it_is_utf_8():
    """One character per byte, so that nothing is lost."""
    assert "\xc3\xa9" == _read(("x-amz-meta-a", "\xc3\xa9")).header("x-amz-meta-a")


def test_underscore_is_taken_when_it_is_in_user_metadata():
    """Keys of metadata are the user's."""
    assert "1" == _read(("x-amz-meta-my_key", "1")).header("x-amz-meta-my_key")


@pytest.mark.parametrize("host", [[], [("Host", "")]], ids=["none", "empty"])
def test_request_is_refused_when_it_has_no_host(host: list[tuple[str, str]]):
    """HTTP/1.0 clients may leave it out; S3's may not."""
    with pytest.raises(RequestError) as caught:
        read_request("GET", "/", host, HOSTS)
    assert "BadRequest" == caught.value.code


def test_request_is_refused_when_the_host_is_not_ours():
    """The upstream is never derived from it, and neither is the bucket."""
    with pytest.raises(RequestError) as caught:
        read_request("GET", "/", [("Host", "evil")], HOSTS)
    assert "InvalidRequest" == caught.value.code


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param([("Content-Length", "")], "BadRequest", id="empty"),
        pytest.param([("Content-Length", "-1")], "BadRequest", id="negative"),
        pytest.param([("Content-Length", "+5")], "BadRequest", id="sign"),
        pytest.param([("Content-Length", "5, 5")], "BadRequest", id="list"),
        pytest.param([("Content-Length", "0x5")], "BadRequest", id="hexadecimal"),
        pytest.param([("Content-Length", "1" * 16)], "BadRequest", id="sixteen-digits"),
        pytest.param([("Content-Length", "\xc2\xb2")], "BadRequest", id="other-digits"),
        pytest.param(
            [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
            "BadRequest",
            id="row-33-both",
        ),
        pytest.param([("Transfer-Encoding", "gzip, chunked")], "NotImplemented", id="gzip-chunked"),
        pytest.param([("Transfer-Encoding", "gzip")], "NotImplemented", id="gzip"),
        pytest.param([("Transfer-Encoding", "identity")], "NotImplemented", id="identity"),
        pytest.param([("Transfer-Encoding", "\x0bchunked")], "NotImplemented", id="xchunked"),
        pytest.param(
            [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
            "BadRequest",
            id="twice",
        ),
    ],
)
def test_framing_is_refused_when_two_readers_could_differ(
    headers: list[tuple[str, str]], code: str
):
    """Row 33: the root of request smuggling."""
    assert code == _code(*headers)


@pytest.mark.parametrize(
    "value", ["x-amz-copy-source", "close, x-amz-date", "keep-alive, Authorization", "host"]
)
def test_connection_is_refused_when_it_names_an_end_to_end_header(value: str):
    """It would ask the next hop to drop what was judged."""
    assert "BadRequest" == _code(("Connection", value))


@pytest.mark.parametrize("value", ["close", "Keep-Alive", "TE, close", "upgrade", "", "close,"])
def test_connection_is_taken_when_it_speaks_of_hops(value: str):
    """Clients send these."""
    assert value == _read(("Connection", value)).header("connection")


@pytest.mark.parametrize(
    ("headers", "length", "has_body"),
    [
        pytest.param([], None, False, id="none"),
        pytest.param([("Content-Length", "0")], 0, False, id="zero"),
        pytest.param([("Content-Length", "12")], 12, True, id="length"),
        pytest.param([("Transfer-Encoding", "Chunked ")], None, True, id="chunked"),
    ],
)
def test_body_is_announced_when_the_framing_says_so(
    headers: list[tuple[str, str]], length: int | None, has_body: bool
):
    """By one of the two."""
    request = _read(*headers)
    assert (length, has_body) == (request.content_length, request.has_body)


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        pytest.param([], "", None, id="absent"),
        pytest.param([("X-Amz-Acl", "private")], "", "private", id="header"),
        pytest.param([], "?X-Amz-Acl=private", "private", id="row-92-query"),
        pytest.param([("x-amz-acl", "a")], "?x-amz-acl=a", "a", id="both-alike"),
    ],
)
def test_amz_header_is_found_when_it_stands_in_either_place(
    headers: list[tuple[str, str]], query: str, expected: str | None
):
    """SDKs hoist; S3 folds."""
    assert expected == _read(*headers, target="/bucket/key" + query).amz("x-amz-acl")


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        pytest.param([("x-amz-acl", "a"), ("x-amz-acl", "b")], "", id="two-lines"),
        pytest.param([("x-amz-acl", "a")], "?X-Amz-Acl=b", id="row-92-header-and-query"),
        pytest.param([], "?x-amz-acl=a&X-Amz-Acl=b", id="query-twice"),
    ],
)
def test_amz_header_is_refused_when_it_has_two_values(headers: list[tuple[str, str]], query: str):
    """Which one would S3 take?"""
    with pytest.raises(RequestError) as caught:
        _read(*headers, target="/bucket/key" + query).amz("x-amz-acl")
    assert ("InvalidArgument", {"ArgumentName": "x-amz-acl"}) == (
        caught.value.code,
        caught.value.members,
    )


bytes_as_text = st.text(st.characters(max_codepoint=0xFF), max_size=10)


@given(
    st.text(max_size=40),
    st.lists(st.tuples(bytes_as_text, bytes_as_text), max_size=4),
    st.text(max_size=5),
)
def test_nothing_but_a_gateway_error_is_raised_when_the_head_is_arbitrary(
    target: str, headers: list[tuple[str, str]], method: str
):
    """I26; and where it is read, the raw parts are what came."""
    for text in (target, "/" + target, "/bucket/?" + target):
        with suppress(GatewayError):
            request = read_request(method, text, [("Host", "h"), *headers], HOSTS)
            assert text.startswith(request.raw_path)
            assert len(headers) + 1 == len(request.headers)


def test_every_head_is_read_when_a_real_client_sent_it():
    """But for one, whose client sends Content-Length twice."""
    refused = {}
    for capture in load_captures().requests:
        suffix = capture.virtual_host_suffix
        hosts = Hosts(names=("*",)) if suffix is None else Hosts(names=(), suffixes=(suffix,))
        try:
            request = read_request(capture.method, capture.target, capture.headers, hosts)
        except GatewayError as fault:
            refused[capture.file] = fault.code
            continue
        path, _, query = capture.target.partition("?")
        assert (path, query) == (request.raw_path, request.query.raw)
    assert {"rclone/presigned_put_internal.03.http": "BadRequest"} == refused
