"""Bodies: plain, hashed, in signed chunks, in unsigned chunks with a trailer."""

import base64
import hashlib
import io
import zlib
from datetime import UTC, datetime

import aiohttp
import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from yarl import URL

from gateway.emulator import EmulatedBucket, Emulator

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
DATA = bytes(range(256)) * 80
EMPTY = hashlib.sha256(b"").hexdigest()


def crc32(data):
    """The checksum as a header value."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def framed(pieces, trailer=""):
    """Unsigned chunks."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailer.encode() + b"\r\n"


def chain(pieces, request, auth, scope):
    """Chunks with their chain of signatures, computed by botocore."""
    previous = request.headers["Authorization"].rpartition("Signature=")[2]
    out = b""
    for piece in [*pieces, b""]:
        text = "\n".join(
            [
                "AWS4-HMAC-SHA256-PAYLOAD",
                request.context["timestamp"],
                scope,
                previous,
                EMPTY,
                hashlib.sha256(piece).hexdigest(),
            ]
        )
        previous = auth.signature(text, request)
        out += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(piece), previous.encode(), piece)
    return out


@pytest.fixture
def upload_chunks(raw, sign, emulator):
    """Put DATA in signed chunks, after a change to the framed body."""

    async def put(change=lambda body: body, pieces=(DATA[:8192], DATA[8192:])):
        url = f"{emulator.url}/reports/chunked"
        headers = {
            "x-amz-decoded-content-length": str(len(DATA)),
            "content-encoding": "gzip,aws-chunked",
        }
        request, auth = sign(AWSRequest(method="PUT", url=url, headers=headers), hashed=SIGNED)
        scope = auth.credential_scope(request)
        body = change(chain(pieces, request, auth, scope))
        return await raw.wire("PUT", url, dict(request.headers), body)

    return put


async def test_signed_chunks(upload_chunks, emulator):
    """A whole chain is accepted; the envelope is not part of the object."""
    assert (await upload_chunks()).status == 200
    stored = emulator.buckets["reports"].objects["chunked"]
    assert stored.body == DATA
    assert stored.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body: body.replace(DATA[9000:9100], DATA[9100:9200]), "SignatureDoesNotMatch"),
        (lambda body: body[: body.rindex(b"0;chunk")], "IncompleteBody"),
        (lambda body: body[:-68] + b"0" * 64 + body[-4:], "SignatureDoesNotMatch"),
        (lambda body: body[:9000], "SignatureDoesNotMatch"),
        (lambda body: body.replace(b";chunk-signature=", b";sig="), "IncompleteBody"),
        (lambda body: body + b"x-amz-meta: more\r\n\r\n", "MalformedTrailerError"),
    ],
)
async def test_broken_chain(upload_chunks, emulator, change, code):
    """A changed, shortened or extended chain is refused and nothing is stored."""
    assert (await upload_chunks(change)).code == code
    assert not emulator.buckets["reports"].objects


async def test_small_chunks(upload_chunks):
    """Only the last chunk may be smaller than 8 KiB."""
    reply = await upload_chunks(pieces=(DATA[:100], DATA[100:]))
    assert (reply.status, reply.code) == (403, "InvalidChunkSizeError")


async def test_aws_example_of_a_signed_trailer():
    """The example of the AWS page on chunked uploads with trailers, and the same one altered.

    The trailer's signature is that of the page's formula; the one printed in older copies of the
    page (63bddb24...) follows from no reading of it.
    """
    signatures = [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ]
    chunks = b"".join(
        b"%x;chunk-signature=%s\r\n%s"
        % (size, signature.encode(), b"a" * size + b"\r\n" * (size > 0))
        for size, signature in zip((65536, 1024, 0), signatures, strict=True)
    )
    trailer = (
        "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
    )
    headers = {
        "Host": "s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
        "aws4_request,SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature="
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        "x-amz-content-sha256": SIGNED + "-TRAILER",
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "x-amz-trailer": "x-amz-checksum-crc32c",
    }
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    buckets = [EmulatedBucket(name="examplebucket")]
    clock = datetime(2013, 5, 24, tzinfo=UTC)
    async with (
        Emulator(buckets, {"AKIAIOSFODNN7EXAMPLE": secret}, clock=lambda: clock) as emulator,
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
    ):
        url = URL(emulator.url + "/examplebucket/chunkObject.txt", encoded=True)
        for text, expected in [
            (trailer, ""),
            (trailer.replace("sOO8", "sOO9"), "SignatureDoesNotMatch"),
            (trailer.split("x-amz-trailer-signature", 1)[0], "MalformedTrailerError"),
        ]:
            async with session.put(url, data=chunks + text.encode(), headers=headers) as response:
                assert expected in await response.text()
                assert (response.status == 200) is not bool(expected)


async def test_aws_example_of_signed_chunks():
    """The example of the AWS page on chunked uploads: its signatures, not ours."""
    moment = datetime(2013, 5, 24, tzinfo=UTC)
    signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]
    body = b"".join(
        b"%x;chunk-signature=%s\r\n%s\r\n" % (size, signature.encode(), b"a" * size)
        for size, signature in zip((65536, 1024, 0), signatures, strict=True)
    )
    headers = {
        "Host": "s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
        "aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;"
        "x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature="
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "x-amz-content-sha256": SIGNED,
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "Content-Length": "66824",
    }
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    buckets = [EmulatedBucket(name="examplebucket")]
    async with (
        Emulator(buckets, {"AKIAIOSFODNN7EXAMPLE": secret}, clock=lambda: moment) as emulator,
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
    ):
        url = URL(emulator.url + "/examplebucket/chunkObject.txt", encoded=True)
        async with session.put(url, data=body, headers=headers) as response:
            assert response.status == 200, await response.text()
        assert emulator.buckets["examplebucket"].objects["chunkObject.txt"].body == b"a" * 66560


async def put_trailer(raw, body, trailer="x-amz-checksum-crc32", length=20480, **more):
    """An upload with unsigned chunks."""
    headers = {
        "x-amz-trailer": trailer,
        "x-amz-decoded-content-length": str(length),
        "content-encoding": "aws-chunked",
    }
    target = more.pop("target", "/reports/trailed")
    return await raw.send("PUT", target, body, headers | more, hashed=UNSIGNED)


async def test_trailer(raw, emulator):
    """Unsigned chunks with a right checksum, which the answer repeats."""
    value = crc32(DATA)
    body = framed([DATA[:8192], DATA[8192:]], f"x-amz-checksum-crc32:{value}\r\n")
    reply = await put_trailer(raw, body)
    assert reply.status == 200
    assert reply.headers["x-amz-checksum-crc32"] == value
    stored = emulator.buckets["reports"].objects["trailed"]
    assert (stored.body, "content-encoding" in stored.headers) == (DATA, False)


@pytest.mark.parametrize(
    ("pieces", "trailer", "length", "code"),
    [
        ([DATA], "x-amz-checksum-crc32:AAAAAA==\r\n", len(DATA), "BadDigest"),
        ([DATA], "", len(DATA), "MalformedTrailerError"),
        ([DATA], "x-amz-checksum-sha1:x\r\n", len(DATA), "MalformedTrailerError"),
        ([DATA], "no colon\r\n", len(DATA), "MalformedTrailerError"),
        ([DATA], f"x-amz-checksum-crc32:{crc32(DATA)}\r\n", 5, "IncompleteBody"),
    ],
)
async def test_broken_trailer(raw, emulator, pieces, trailer, length, code):
    """A checksum that is wrong, absent or not the one declared; a length that is wrong."""
    reply = await put_trailer(raw, framed(pieces, trailer), length=length)
    assert (reply.status, reply.code) == (400, code)
    assert not emulator.buckets["reports"].objects


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_other_trailers(raw, algorithm):
    """SHA trailers are verified too."""
    value = base64.b64encode(hashlib.new(algorithm, DATA).digest()).decode()
    name = f"x-amz-checksum-{algorithm}"
    assert (await put_trailer(raw, framed([DATA], f"{name}:{value}\r\n"), name)).status == 200
    wrong = await put_trailer(raw, framed([DATA + b"!"], f"{name}:{value}\r\n"), name, 20481)
    assert wrong.code == "BadDigest"


async def test_sdk_stream(raw, emulator):
    """The framing of a real SDK: a trailer with a chunked body over what it takes for TLS."""
    wrapper = AwsChunkedWrapper(
        io.BytesIO(DATA),
        checksum_cls=Crc32Checksum,
        checksum_name="x-amz-checksum-crc32",
        chunk_size=8192,
    )
    assert (await put_trailer(raw, wrapper.read())).status == 200
    assert emulator.buckets["reports"].objects["trailed"].body == DATA


async def test_chunks_are_for_uploads_only(raw, valid):
    """Any other operation refuses the payload modes of uploads."""
    reply = await put_trailer(raw, framed([valid.encode()]), target="/reports?inventory&id=inv-1")
    assert (reply.status, reply.code) == (400, "InvalidRequest")


async def test_missing_decoded_length(raw):
    """aws-chunked without its length."""
    reply = await raw.send("PUT", "/reports/k", framed([DATA]), hashed=SIGNED)
    assert (reply.status, reply.code) == (411, "MissingContentLength")


async def test_hash_mismatch(raw, emulator, valid):
    """A body that is not the one that was signed."""
    body = valid.encode()
    reply = await raw.send(
        "PUT", "/reports?inventory&id=inv-1", body, send_body=body.replace(b"CSV", b"ORC")
    )
    assert (reply.status, reply.code) == (400, "XAmzContentSHA256Mismatch")
    assert reply.error["ClientComputedContentSHA256"] == hashlib.sha256(body).hexdigest()
    assert not emulator.buckets["reports"].inventories


@pytest.mark.parametrize(
    ("headers", "hashed", "code"),
    [
        ({}, "UNSIGNED-PAYLOAD", None),
        ({}, hashlib.sha256(DATA).hexdigest().upper(), None),
        ({}, "nonsense", "InvalidArgument"),
        ({"Content-MD5": base64.b64encode(hashlib.md5(DATA).digest()).decode()}, None, None),  # noqa: S324
        ({"Content-MD5": base64.b64encode(b"0" * 16).decode()}, None, "BadDigest"),
        ({"Content-MD5": "short"}, None, "InvalidDigest"),
        ({"x-amz-checksum-crc32": crc32(DATA)}, None, None),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, None, "BadDigest"),
        ({"x-amz-checksum-foo": "AAAAAA=="}, None, "InvalidRequest"),
        (
            {"x-amz-checksum-crc32": crc32(DATA), "x-amz-checksum-sha1": "x"},
            None,
            "InvalidRequest",
        ),
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, None, "InvalidRequest"),
        ({"x-amz-object-lock-mode": "GOVERNANCE"}, None, "NotImplemented"),
        ({"x-amz-server-side-encryption-customer-key": "k"}, None, "NotImplemented"),
    ],
)
async def test_digests(raw, headers, hashed, code):
    """Payload hashes, Content-MD5 and checksum headers."""
    reply = await raw.send("PUT", "/reports/k", DATA, headers, hashed=hashed)
    assert code == (None if reply.status == 200 else reply.code)


async def test_http_chunks_without_a_length(raw):
    """S3 wants to know the length of a plain body."""

    async def body():
        yield DATA

    reply = await raw.send("PUT", "/reports/k", hashed="UNSIGNED-PAYLOAD", send_body=body())
    assert (reply.status, reply.code) == (501, "NotImplemented")
    assert reply.error["Header"] == "Transfer-Encoding"


async def test_gzip_stays_gzip(raw, emulator):
    """A compressed body is stored as it came."""
    headers = {"Content-Encoding": "gzip"}
    assert (await raw.send("PUT", "/reports/k", b"\x1f\x8b not really", headers)).status == 200
    reply = await raw.send("GET", "/reports/k")
    assert reply.body == b"\x1f\x8b not really"
    assert reply.headers["content-encoding"] == "gzip"
    assert emulator.requests[0].body == b"\x1f\x8b not really"
