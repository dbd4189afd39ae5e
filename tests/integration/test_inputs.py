"""The 108 inputs of the inventory API's fact sheet, on the wire, against a real gateway.

Each row says what the client reads and whether S3 sees a write. `row-NN` is the number there.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from xml.etree import ElementTree as ET
from zlib import crc32

import pytest

from gateway.core.inventory.configuration import OPTIONAL_FIELDS
from gateway.core.inventory.document import read_configuration, write_configuration
from gateway.emulator.answer import NAMESPACE
from tests.support.inventory import (
    ACCOUNT,
    BUCKET,
    KEY,
    SSE_S3,
    VALID,
    document,
    optional_fields,
    sse_kms,
)
from tests.support.site import ANA, ROOT, Site
from tests.support.wire import (
    SIGNED_CHUNKS,
    SIGNED_CHUNKS_TRAILER,
    UNSIGNED,
    UNSIGNED_TRAILER,
    Message,
    chunked_upload,
    message,
    presigned,
    signed,
)

B = "/acme-orders"
PUT = f"{B}?inventory&id=inv-1"
Maker = Callable[[], Message]


@dataclass(frozen=True, slots=True)
class Row:
    """One input.

    Args:
        make: the request, made when it is sent since signatures age.
        status: that the client reads.
        code: of the error document.
        writes: what S3 sees of it.
        secure: whether it comes over TLS.
    """

    make: Maker
    status: int
    code: str = ""
    writes: tuple[str, ...] = ()
    secure: bool = False


def asks(
    method: str,
    target: str,
    body: str | bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    *,
    host: str = "localhost",
    payload: str | None = None,
) -> Maker:
    """A request by ana, signed in the header."""
    data = body if isinstance(body, bytes) else body.encode()
    return lambda: signed(message(method, target, data, headers, host=host), ANA, payload=payload)


def put(body: str | bytes = VALID, *headers: tuple[str, str], target: str = PUT) -> Maker:
    """A PUT of a document."""
    return asks("PUT", target, body, headers)


def allowed(make: Maker, target: str = PUT) -> Row:
    """S3 gets it, and says 204."""
    method = "DELETE" if make().method == "DELETE" else "PUT"
    return Row(make, 204, "", (f"{method} {target}",))


def over_tls(row: Row) -> Row:
    """The same, on a connection that nobody can change."""
    return replace(row, secure=True)


def refused(make: Maker, code: str = "MalformedXML", status: int = 400) -> Row:
    """The client reads why; S3 gets nothing."""
    return Row(make, status, code)


def denied(make: Maker) -> Row:
    """Policy says no."""
    return refused(make, "AccessDenied", 403)


def bad(body: str | bytes, code: str = "MalformedXML") -> Row:
    """A document that is refused."""
    return refused(put(body), code)


def good(body: str | bytes) -> Row:
    """A document that is taken."""
    return allowed(put(body))


def swap(old: str, new: str) -> str:
    """The valid document with one part exchanged."""
    assert old in VALID
    return VALID.replace(old, new)


def unsigned_after(make: Maker, *headers: tuple[str, str]) -> Maker:
    """Header lines that came in after signing."""
    return lambda: make().plus(*headers)


ROUTING = {
    "row-01": allowed(put()),
    "row-02": allowed(asks("PUT", "/?inventory&id=inv-1", VALID, host="acme-orders.s3.localhost")),
    "row-03": allowed(put(target=f"{B}/?inventory&id=inv-1")),
    "row-04": allowed(put(target=f"{B}/any/key?inventory&id=inv-1")),
    "row-05": Row(asks("GET", f"{B}/k?inventory"), 200),
    "row-06": allowed(asks("DELETE", f"{B}/k?inventory&id=kept"), f"{B}?inventory&id=kept"),
    "row-07-empty-value": allowed(put(target=f"{B}?inventory=&id=inv-1")),
    "row-07-value": allowed(put(target=f"{B}?inventory=1&id=inv-1")),
    "row-08-put": refused(put(target=f"{B}?Inventory&id=inv-1"), "InvalidArgument"),
    "row-08-delete": refused(asks("DELETE", f"{B}?INVENTORY&id=kept"), "InvalidArgument"),
    "row-08-key": refused(put(target=f"{B}/k?Inventory&id=inv-1"), "InvalidArgument"),
    "row-09-first": refused(put(target=f"{B}?%69nventory&id=inv-1"), "InvalidArgument"),
    "row-09-last": refused(put(target=f"{B}?inventor%79&id=inv-1"), "InvalidArgument"),
    "row-09-twice-escaped": refused(put(target=f"{B}?%2569nventory&id=inv-1"), "InvalidArgument"),
    "row-10": refused(put(target=f"{B}?inventory&inventory&id=inv-1"), "InvalidArgument"),
    "row-11": refused(put(target=f"{PUT}&id=inv-2"), "InvalidArgument"),
    "row-12-escaped": refused(put(target=f"{PUT}&%69d=inv-2"), "InvalidArgument"),
    "row-12-upper": refused(put(target=f"{B}?inventory&ID=inv-1"), "InvalidArgument"),
    "row-13": refused(put(target=f"{B}?inventory&acl&id=inv-1"), "InvalidArgument"),
    "row-14-upload": refused(put(target=f"{PUT}&uploadId=x"), "InvalidArgument"),
    "row-14-part": refused(put(target=f"{PUT}&partNumber=1"), "InvalidArgument"),
    "row-15": refused(put(target=f"{PUT}&versionId=x"), "InvalidArgument"),
    "row-16-put": refused(put(target=f"{B}?inventory"), "InvalidArgument"),
    "row-16-delete": refused(asks("DELETE", f"{B}?inventory"), "InvalidArgument"),
    "row-17-put": refused(put(target=f"{B}?inventory&id=")),
    "row-17-both-empty": refused(put(document(inventory_id=""), target=f"{B}?inventory&id=")),
    "row-17-delete": refused(asks("DELETE", f"{B}?inventory&id=")),
    "row-18": Row(asks("GET", f"{B}?inventory&id="), 200),
    "row-19": Row(
        asks("GET", f"{B}?inventory&id=x&continuation-token=bad"), 404, "NoSuchConfiguration"
    ),
    "row-20-garbage": Row(
        asks("GET", f"{B}?inventory&continuation-token=garbage"), 400, "MalformedContinuationToken"
    ),
    "row-20-empty": Row(asks("GET", f"{B}?inventory&continuation-token="), 200),
    "row-21-put": allowed(put(target=f"{PUT}&x-id=PutBucketInventoryConfiguration")),
    "row-21-list": Row(asks("GET", f"{B}?inventory&x-id=ListBucketInventoryConfigurations"), 200),
    "row-21-contradicting-write": allowed(put(target=f"{PUT}&x-id=GetObject")),
    "row-21-contradicting-read": Row(asks("GET", f"{B}?inventory&x-id=DeleteBucket"), 200),
    "row-22-write": refused(put(target=f"{B}?foo=bar&inventory&id=inv-1"), "InvalidArgument"),
    "row-22-read": Row(asks("GET", f"{B}?foo=bar&inventory"), 200),
    "row-23-semicolon": refused(put(target=f"{B}?inventory;id=inv-1"), "InvalidArgument"),
    "row-23-ampersand": refused(put(target=f"{B}?inventory%26id=inv-1"), "InvalidArgument"),
    "row-23-equals": refused(put(target=f"{B}?inventory%3D&id=inv-1"), "InvalidArgument"),
    "row-24-plus": refused(put(document(inventory_id="a+b"), target=f"{B}?inventory&id=a+b")),
    "row-24-space": refused(put(document(inventory_id="a b"), target=f"{B}?inventory&id=a%20b")),
    "row-24-escaped-plus": refused(
        put(document(inventory_id="a+b"), target=f"{B}?inventory&id=a%2Bb")
    ),
    "row-25-nul": refused(put(target=f"{B}?inventory&id=%00")),
    "row-25-zz": refused(put(target=f"{B}?inventory&id=%zz"), "InvalidURI"),
    "row-25-u": refused(put(target=f"{B}?inventory&id=%u0041"), "InvalidURI"),
    "row-25-overlong": refused(put(target=f"{B}?inventory&id=%c0%af"), "InvalidURI"),
    "row-26-head": Row(asks("HEAD", f"{B}?inventory"), 405),
    "row-26-post": refused(asks("POST", f"{B}?inventory", b"x"), "MethodNotAllowed", 405),
    "row-26-post-key": refused(asks("POST", f"{B}/k?inventory", b"x"), "MethodNotAllowed", 405),
    "row-26-patch": refused(asks("PATCH", f"{B}?inventory", b"x"), "MethodNotAllowed", 405),
    "row-26-options": refused(asks("OPTIONS", f"{B}?inventory"), "MethodNotAllowed", 405),
    "row-27-header": Row(
        asks("GET", f"{B}?inventory", headers=(("X-HTTP-Method-Override", "DELETE"),)), 200
    ),
    "row-27-parameter-read": Row(asks("GET", f"{B}?inventory&_method=PUT"), 200),
    "row-27-parameter-write": refused(put(target=f"{PUT}&_method=GET"), "InvalidArgument"),
    "row-28-absolute": refused(put(target=f"http://localhost{PUT}"), "InvalidURI"),
    "row-28-double-slash": refused(put(target=f"/{PUT}"), "InvalidBucketName"),
    "row-28-dot": refused(put(target=f"/.{PUT}"), "InvalidBucketName"),
    "row-28-dot-dot": refused(put(target=f"{B}/..%2fc?inventory&id=inv-1"), "InvalidURI"),
    "row-28-fragment": refused(put(target=f"{B}#?inventory&id=inv-1"), "InvalidURI"),
    "row-29-host-wins": allowed(
        asks("PUT", "/other?inventory&id=inv-1", VALID, host="acme-orders.s3.localhost")
    ),
    "row-29-port-and-case": allowed(asks("PUT", PUT, VALID, host="LocalHost:9000")),
    "row-29-trailing-dot": allowed(asks("PUT", PUT, VALID, host="localhost.")),
    "row-29-unknown-host": refused(
        asks("PUT", PUT, VALID, host="s3.amazonaws.com"), "InvalidRequest"
    ),
    "row-29-foreign-bucket-by-host": denied(
        asks("PUT", "/?inventory&id=inv-1", VALID, host="foreign.s3.localhost")
    ),
    "row-29-two-hosts": refused(unsigned_after(put(), ("host", "localhost")), "BadRequest"),
} | {
    f"row-30-{name}": refused(put(target=f"/{name}?inventory&id=inv-1"), "InvalidBucketName")
    for name in (
        "acme-s3alias",
        "acme--ol-s3",
        "acme--use1-az4--x-s3",
        "arn:aws:s3:::acme-orders",
        "192.168.0.1",
        "ab",
        "a" * 64,
        "Acme-orders",
        "acme%2Dorders",
    )
}

MD5 = b64encode(md5(VALID.encode()).digest()).decode()  # noqa: S324
CRC = b64encode(crc32(VALID.encode()).to_bytes(4, "big")).decode()
SHA = sha256(VALID.encode()).hexdigest()
CRC_NAME = "x-amz-checksum-crc32"


def chunked(mode: str, trailer: tuple[str, str] | None = None) -> Row:
    """The document in aws-chunked framing."""
    return refused(
        lambda: chunked_upload(PUT, VALID.encode(), ANA, mode=mode, trailer=trailer),
        "InvalidRequest",
    )


FRAMING = {
    "row-31-empty": refused(put(b""), "MissingRequestBodyError"),
    "row-31-white-space": refused(put(b" \r\n\t"), "MissingRequestBodyError"),
    "row-32": refused(
        lambda: replace(
            signed(Message("PUT", PUT, (("host", "localhost"),)), ANA, payload=SHA).plus(
                ("transfer-encoding", "chunked")
            ),
            body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(VALID), VALID.encode()),
        ),
        "MissingContentLength",
        411,
    ),
    "row-33-both": refused(unsigned_after(put(), ("transfer-encoding", "chunked")), "BadRequest"),
    "row-33-two-lengths": refused(unsigned_after(put(), ("content-length", "1")), "BadRequest"),
    "row-34-gzip": refused(put(VALID, ("content-encoding", "gzip")), "InvalidRequest"),
    "row-34-identity": allowed(put(VALID, ("content-encoding", "identity"))),
    "row-34-aws-chunked": refused(
        put(VALID, ("content-encoding", "aws-chunked")), "InvalidRequest"
    ),
    "row-35-signed": chunked(SIGNED_CHUNKS),
    "row-35-signed-trailer": chunked(SIGNED_CHUNKS_TRAILER, (CRC_NAME, CRC)),
    "row-35-unsigned-trailer": chunked(UNSIGNED_TRAILER, (CRC_NAME, CRC)),
    "row-36-wrong": refused(
        asks("PUT", PUT, VALID, payload=sha256(b"x").hexdigest()), "XAmzContentSHA256Mismatch"
    ),
    "row-36-upper-case": allowed(asks("PUT", PUT, VALID, payload=SHA.upper())),
    "row-36-unsigned": over_tls(allowed(asks("PUT", PUT, VALID, payload=UNSIGNED))),
    "row-36-unsigned-in-the-clear": refused(
        asks("PUT", PUT, VALID, payload=UNSIGNED), "InvalidRequest"
    ),
    "row-37-right": allowed(put(VALID, ("content-md5", MD5))),
    "row-37-wrong": refused(put(VALID, ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")), "BadDigest"),
    "row-37-malformed": refused(put(VALID, ("content-md5", "abc")), "InvalidDigest"),
    "row-38-right": allowed(put(VALID, (CRC_NAME, CRC))),
    "row-38-wrong": refused(put(VALID, (CRC_NAME, "AAAAAA==")), "BadDigest"),
    "row-38-double": refused(
        put(VALID, (CRC_NAME, CRC), ("x-amz-checksum-crc32c", "AAAAAA==")), "InvalidRequest"
    ),
    "row-38-unknown": refused(put(VALID, ("x-amz-checksum-md4", "AAAA")), "InvalidRequest"),
    "row-38-named-only": refused(
        put(VALID, ("x-amz-sdk-checksum-algorithm", "CRC32")), "InvalidRequest"
    ),
    "row-39-64-kib": refused(put(b" " * (64 * 1024) + b"<"), "EntityTooLarge"),
    "row-39-1-mib": refused(put(b" " * (1 << 20)), "EntityTooLarge"),
    "row-39-1-gib-declared": refused(
        lambda: signed(
            Message("PUT", PUT, (("host", "localhost"), ("content-length", str(1 << 30)))), ANA
        ),
        "EntityTooLarge",
    ),
    "row-40-get": refused(asks("GET", f"{B}?inventory", b"x"), "InvalidRequest"),
    "row-40-delete": refused(asks("DELETE", f"{B}?inventory&id=kept", b"x"), "InvalidRequest"),
    "row-41-json-type": allowed(put(VALID, ("content-type", "application/json"))),
    "row-41-json": refused(put(b'{"Id":"inv-1"}', ("content-type", "application/json"))),
    "row-42-many-headers": Row(
        put(VALID, *((f"x-amz-meta-{n}", "v") for n in range(200))), 400, "BadRequest"
    ),
    "row-42-long-header": Row(
        put(VALID, ("x-amz-meta-a", "v" * 20_000)), 431, "RequestHeaderSectionTooLarge"
    ),
}

ENTITY = '<!DOCTYPE x [<!ENTITY e "arn:aws:s3:::evil">]>'
LAUGHS = '<!DOCTYPE l [<!ENTITY l0 "lol">'
LAUGHS += "".join(f'<!ENTITY l{n} "{("&l" + str(n - 1) + ";") * 10}">' for n in range(1, 10)) + "]>"
WRAPPED = "<S3BucketDestination>"


def prolog(encoding: str = "UTF-8", version: str = "1.0", rest: str = "") -> str:
    """An XML declaration."""
    return f'<?xml version="{version}" encoding="{encoding}"{rest}?>'


XML = {
    "row-43-json": bad("{}"),
    "row-43-garbage": bad("garbage"),
    "row-43-truncated": bad(VALID[:-10]),
    "row-43-trailing": bad(VALID + "junk"),
    "row-43-two-roots": bad(VALID * 2),
    "row-43-text-first": bad("junk" + VALID),
    "row-44": bad(" " + prolog() + VALID),
    "row-45": good(b"\xef\xbb\xbf" + VALID.encode()),
    "row-46-utf-16-bom": bad(VALID.encode("utf-16")),
    "row-46-utf-16-le": bad(VALID.encode("utf-16-le")),
    "row-46-utf-32": bad(VALID.encode("utf-32")),
    "row-46-utf-7": bad(prolog("UTF-7") + VALID),
    "row-46-latin-1": bad(prolog("ISO-8859-1") + VALID),
    "row-46-cp037": bad((prolog("cp037") + VALID).encode("cp037")),
    "row-47-invalid": bad(prolog().encode() + VALID.encode().replace(b"inv-1", b"inv\xff1")),
    "row-47-overlong": bad(VALID.encode().replace(b"inv-1", b"inv\xc0\xad1")),
    "row-47-surrogate": bad(document(prefix="<Prefix>&#xD800;</Prefix>")),
    "row-47-nul": bad(VALID.encode().replace(b"inv-1", b"inv\x001")),
    "row-47-fffe": bad(document(prefix="<Prefix>\ufffe</Prefix>")),
    "row-48-utf-16-declared": bad(prolog("UTF-16") + VALID),
    "row-48-version": bad(prolog(version="1.1") + VALID),
    "row-48-standalone": good(prolog(rest=' standalone="yes"') + VALID),
    "row-49-doctype": bad("<!DOCTYPE InventoryConfiguration>" + VALID),
    "row-49-internal-entity": bad(ENTITY + document(bucket="&e;")),
    "row-49-external-entity": bad('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + VALID),
    "row-49-parameter-entity": bad('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://evil/">%p;]>' + VALID),
    "row-49-laughs": bad(LAUGHS + document(bucket="&l9;")),
    "row-49-attlist": bad('<!DOCTYPE x [<!ATTLIST Format a CDATA "b">]>' + VALID),
    "row-50-xinclude": bad(
        document(
            extra='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'
        )
    ),
    "row-50-stylesheet": bad('<?xml-stylesheet href="http://evil/"?>' + VALID),
    "row-50-pi-between": bad(document(extra="<?php evil?>")),
    "row-50-pi-in-text": bad(document(bucket="arn:aws:s3:::acme<?a b?>-inventory")),
    "row-51": bad(document(bucket="arn:aws:s3:::acme-inventory<!-- -->evil")),
    "row-52": bad(document(extra="<!-- harmless -->")),
    "row-53-whole": bad(document(bucket=f"<![CDATA[{BUCKET}]]>")),
    "row-53-part": bad(document(inventory_id="inv<![CDATA[-1]]>")),
    "row-53-account": bad(document(account=f"{ACCOUNT[:6]}<![CDATA[{ACCOUNT[6:]}]]>")),
    "row-54-enumeration": good(document(report="&#x50;arquet")),
    "row-54-new-line": bad(document(prefix="<Prefix>a&#10;b</Prefix>")),
    "row-55-bucket-good-first": bad(
        swap(f"<Bucket>{BUCKET}</Bucket>", f"<Bucket>{BUCKET}</Bucket><Bucket>evil</Bucket>")
    ),
    "row-55-bucket-evil-first": bad(
        swap(f"<Bucket>{BUCKET}</Bucket>", f"<Bucket>evil</Bucket><Bucket>{BUCKET}</Bucket>")
    ),
    "row-55-id": bad(document(extra="<Id>inv-1</Id>")),
    "row-55-schedule": bad(document(extra="<Schedule><Frequency>Daily</Frequency></Schedule>")),
    "row-55-frequency": bad(document(frequency="Daily</Frequency><Frequency>Weekly")),
    "row-55-encryption": bad(document(encryption=SSE_S3 * 2)),
    "row-55-key-id": bad(document(encryption=sse_kms(f"{KEY}</KeyId><KeyId>{KEY}"))),
    "row-55-account": bad(document(account=f"{ACCOUNT}</AccountId><AccountId>{ACCOUNT}")),
    "row-55-fields": bad(document(fields=optional_fields("Size") * 2)),
    "row-55-filter": bad(document(extra="<Filter><Prefix>a</Prefix></Filter>" * 2)),
    "row-55-destination": bad(swap("</Destination>", "</Destination><Destination></Destination>")),
    "row-56-none": bad(document(extra='<Id xmlns="">inv-1</Id>')),
    "row-56-evil": bad(document(extra='<Id xmlns="urn:evil">inv-1</Id>')),
    "row-57-none": good(document(namespace="")),
    "row-57-other": bad(document(namespace=' xmlns="urn:evil"')),
    "row-57-https": bad(document(namespace=f' xmlns="{NAMESPACE.replace("http", "https")}"')),
    "row-57-no-slash": bad(document(namespace=f' xmlns="{NAMESPACE[:-1]}"')),
    "row-57-prefix-rebound": bad(document(extra='<s:x xmlns:s="urn:evil"/>')),
    "row-58": bad(document(extra='<Filter xmlns=""><Prefix>a</Prefix></Filter>')),
    "row-59-root": bad(document(extra="<Evil/>")),
    "row-59-destination": bad(swap("<Destination>", "<Destination><Evil/>")),
    "row-59-bucket": bad(document(prefix="<Evil/>")),
    "row-59-encryption": bad(document(encryption="<Encryption><SSE-C/></Encryption>")),
    "row-59-misplaced": bad(swap("<Destination>", "<Destination><Prefix>p</Prefix>")),
    "row-59-level-up": bad(document(extra="<Format>CSV</Format>")),
    "row-60-nil": bad(
        document(
            prefix='<Prefix xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
        )
    ),
    "row-60-space": bad(swap("<Format>", '<Format xml:space="preserve">')),
    "row-60-id": bad(swap("<Format>", '<Format id="1">')),
    "row-60-twice": bad(swap("<Format>", '<Format a="1" a="2">')),
    "row-61-text": bad(swap("<Destination>", "<Destination>text")),
    "row-61-child": bad(document(bucket="arn:aws:s3:::acme<x/>-inventory")),
    "row-62-enumeration": bad(document(report=" CSV ")),
    "row-62-id": bad(document(inventory_id=" inv-1")),
    "row-62-arn": bad(document(bucket=f"{BUCKET} "), "InvalidS3DestinationBucket"),
    "row-62-boolean": bad(document(enabled="true\n")),
    "row-63-nbsp": bad(document(inventory_id="inv\u00a01")),
    "row-63-zero-width": bad(document(bucket=f"{BUCKET}\u200b")),
    "row-63-full-width": bad(document(account="\uff11" * 12)),
    "row-63-cyrillic": bad(document(bucket="arn:aws:s3:::\u0430cme-inventory")),
    "row-63-right-to-left": bad(document(bucket=f"\u202e{BUCKET}")),
    "row-64-deep": bad("<a>" * 1000 + "</a>" * 1000),
    "row-64-siblings": bad(document(extra="<E/>" * 12_000)),
    "row-64-attribute": bad(swap("<Format>", f'<Format a="{"x" * 60_000}">')),
    "row-64-namespaces": bad(
        document(namespace="".join(f' xmlns:n{n}="urn:{n}"' for n in range(2000)))
    ),
    "row-65-bucket": bad("<CreateBucketConfiguration/>"),
    "row-65-analytics": bad(VALID.replace("InventoryConfiguration", "AnalyticsConfiguration")),
    "row-65-case": bad(VALID.replace("InventoryConfiguration", "Inventoryconfiguration")),
    "row-67-pair": good(document(encryption="<Encryption><SSE-S3></SSE-S3></Encryption>")),
    "row-67-self-closing": good(document(encryption="<Encryption><SSE-S3 /></Encryption>")),
}

GRIN = "\U0001f600"  # four bytes of UTF-8
ARN = "InvalidS3DestinationBucket"
FIELDS = {
    "row-68-other": bad(document(inventory_id="inv-2"), "IdMismatch"),
    "row-68-case": bad(document(inventory_id="INV-1"), "IdMismatch"),
    "row-69-64": allowed(
        put(document(inventory_id="a" * 64), target=f"{B}?inventory&id={'a' * 64}"),
        f"{B}?inventory&id={'a' * 64}",
    ),
    "row-69-65": refused(
        put(document(inventory_id="a" * 65), target=f"{B}?inventory&id={'a' * 65}")
    ),
} | {
    f"row-69-{escaped}": refused(
        put(document(inventory_id=text), target=f"{B}?inventory&id={escaped}")
    )
    for text, escaped in {
        "a b": "a%20b",
        "a/b": "a/b",
        "\u00fc": "%C3%BC",
        "a:b": "a:b",
        "../x": "..%2Fx",
        "a\n": "a%0A",
    }.items()
} | {
    f"row-70-{name}": bad(text)
    for name, text in {
        "destination": VALID[: VALID.index("<Destination>")]
        + VALID[VALID.index("</Destination>") + 14 :],
        "bucket-destination": VALID[: VALID.index(WRAPPED)]
        + VALID[VALID.index("</S3BucketDestination>") + 22 :],
        "bucket": swap(f"<Bucket>{BUCKET}</Bucket>", ""),
        "format": swap("<Format>Parquet</Format>", ""),
        "enabled": swap("<IsEnabled>true</IsEnabled>", ""),
        "id": swap("<Id>inv-1</Id>", ""),
        "versions": swap("<IncludedObjectVersions>Current</IncludedObjectVersions>", ""),
        "schedule": swap("<Schedule><Frequency>Daily</Frequency></Schedule>", ""),
        "frequency": swap("<Frequency>Daily</Frequency>", ""),
    }.items()
} | {
    f"row-71-{key}-{value or 'empty'}": bad(document(**{key: value}))
    for key, values in {
        "report": ("csv", "JSON", "PARQUET", ""),
        "frequency": ("Hourly", "daily"),
        "versions": ("CURRENT", "Wrong"),
    }.items()
    for value in values
} | {
    f"row-72-{value or 'empty'}": bad(document(enabled=value))
    for value in ("TRUE", "True", "1", "yes", "")
} | {
    "row-73": bad(document(bucket="acme-inventory"), ARN),
    "row-74-account": bad(document(bucket=f"arn:aws:s3::{ACCOUNT}:acme-inventory"), ARN),
    "row-74-region": bad(document(bucket="arn:aws:s3:eu-central-1::acme-inventory"), ARN),
} | {
    f"row-75-{n}": bad(document(bucket=f"arn:aws:s3:::{name}"), ARN)
    for n, name in enumerate(
        (
            "acme-inventory/x",
            "acme-*",
            "acme-inventor?",
            "${aws:username}",
            "acme-inventory/",
            "Acme-Inventory",
            "",
            ":acme-inventory",
        )
    )
} | {
    f"row-76-{n}": bad(document(bucket=arn), ARN)
    for n, arn in enumerate(
        (
            "arn:aws:sns:::acme-inventory",
            f"arn:aws:s3express:eu-central-1:{ACCOUNT}:bucket/acme--x-s3",
            f"arn:aws:s3-outposts:eu-central-1:{ACCOUNT}:outpost/op/bucket/b",
            f"arn:aws:s3:eu-central-1:{ACCOUNT}:accesspoint/acme",
            f"arn:aws:s3tables:eu-central-1:{ACCOUNT}:bucket/acme",
            "arn:aws:s3:::acme--use1-az4--x-s3",
        )
    )
} | {
    "row-77": bad(document(bucket="arn:aws-cn:s3:::acme-inventory"), ARN),
    "row-78": good(document(bucket="arn:aws:s3:::acme-orders")),
    "row-79-absent": denied(put(document(bucket="arn:aws:s3:::acme-gone"))),
    "row-79-region": denied(put(document(bucket="arn:aws:s3:::acme-us"))),
    "row-80-absent": denied(put(document(account=None))),
    "row-80-11-digits": denied(put(document(account="1" * 11))),
    "row-80-13-digits": denied(put(document(account="1" * 13))),
    "row-80-letters": denied(put(document(account="abcdefghijkl"))),
    "row-80-space": denied(put(document(account=f" {ACCOUNT}"))),
    "row-80-other-owner": denied(put(document(account="444455556666"))),
    "row-80-strangers-bucket": denied(put(document(bucket="arn:aws:s3:::acme-stranger"))),
    "row-81-absent": denied(put(document(encryption=""))),
    "row-81-empty": bad(document(encryption="<Encryption/>")),
    "row-81-kms": good(document(encryption=sse_kms())),
    "row-81-both": bad(
        document(
            encryption="<Encryption><SSE-S3/><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>"
        )
    ),
    "row-81-two-kms": bad(
        document(encryption=sse_kms().replace("</Encryption>", "<SSE-KMS/></Encryption>"))
    ),
    "row-81-sdk-spelling": good(document(encryption="<Encryption><SSES3/></Encryption>")),
    "row-81-child": bad(document(encryption="<Encryption><SSE-S3><x/></SSE-S3></Encryption>")),
    "row-82-missing": bad(document(encryption="<Encryption><SSE-KMS/></Encryption>")),
    "row-82-empty": bad(document(encryption=sse_kms(""))),
} | {
    f"row-82-{n}": denied(put(document(encryption=sse_kms(key))))
    for n, key in enumerate(
        (
            "0a1b2c3d-0000-4444-8888-0a1b2c3d4e5f",
            "alias/inventory",
            f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/inventory",
            f"arn:aws:kms:eu-central-1:{ACCOUNT}:key:0a1b",
            BUCKET,
        )
    )
} | {
    f"row-83-{name}": good(document(fields=optional_fields(name))) for name in OPTIONAL_FIELDS
} | {
    "row-83-all": good(document(fields=optional_fields(*OPTIONAL_FIELDS))),
    "row-83-empty-list": good(document(fields="<OptionalFields/>")),
    "row-83-upper": bad(document(fields=optional_fields("SIZE"))),
    "row-83-dashes": bad(document(fields=optional_fields("--"))),
    "row-83-empty": bad(document(fields=optional_fields(""))),
    "row-83-joined": bad(document(fields=optional_fields("Size,ETag"))),
    "row-83-unknown": bad(document(fields="<OptionalFields><Evil/></OptionalFields>")),
    "row-83-too-many": bad(document(fields=optional_fields(*["Size"] * 200))),
    "row-83-twice": denied(put(document(fields=optional_fields("Size", "Size")))),
    "row-86-empty": good(document(prefix="<Prefix></Prefix>")),
    "row-86-512": good(document(prefix=f"<Prefix>{'p' * 512}</Prefix>")),
    "row-86-513": bad(document(prefix=f"<Prefix>{'p' * 513}</Prefix>")),
    "row-86-bytes-not-characters": bad(document(prefix=f"<Prefix>{GRIN * 129}</Prefix>")),
    "row-86-emoji": good(document(prefix=f"<Prefix>{GRIN * 128}</Prefix>")),
    "row-86-leading-slash": denied(put(document(prefix="<Prefix>/p</Prefix>"))),
    "row-86-double-slash": denied(put(document(prefix="<Prefix>p//q</Prefix>"))),
    "row-86-control": bad(document(prefix="<Prefix>p&#x85;q</Prefix>")),
    "row-87-no-prefix": bad(document(extra="<Filter/>")),
    "row-87-prefix": good(document(extra="<Filter><Prefix>a&amp;b</Prefix></Filter>")),
    "row-87-tag": bad(document(extra="<Filter><Tag><Key>k</Key></Tag></Filter>")),
    "row-87-and": bad(document(extra="<Filter><And><Prefix>a</Prefix></And></Filter>")),
    "row-89": denied(put(document(enabled="false", encryption=""))),
}  # fmt: skip


def presign(method: str = "PUT", body: str = VALID, more: str = "", **options: object) -> Maker:
    """A presigned request."""
    plain = message(method, f"{PUT}{more}", body.encode() if method == "PUT" else b"")
    return lambda: presigned(plain, ANA, **options)  # type: ignore[arg-type]


def expired() -> Message:
    """A URL that was good until a minute ago."""
    long_ago = datetime.now(UTC) - timedelta(minutes=6)
    return presigned(message("PUT", PUT, VALID.encode()), ANA, at=long_ago)


OWNER = "x-amz-expected-bucket-owner"
AUTH = {
    "row-91-header": refused(
        lambda: message("PUT", PUT, VALID.encode(), [("authorization", "AWS AKID:c2lnbmF0dXJl")]),
        "InvalidRequest",
    ),
    "row-91-query": refused(
        lambda: message("PUT", f"{PUT}&AWSAccessKeyId=A&Signature=s&Expires=9", VALID.encode()),
        "InvalidRequest",
    ),
    "row-91-id-changed": refused(
        lambda: replace(put()(), target=f"{B}?inventory&id=inv-2"), "SignatureDoesNotMatch", 403
    ),
    "row-92-put": over_tls(allowed(presign())),
    "row-92-put-in-the-clear": refused(presign(), "InvalidRequest"),
    "row-92-delete": allowed(
        lambda: presigned(message("DELETE", f"{B}?inventory&id=kept"), ANA),
        f"{B}?inventory&id=kept",
    ),
    "row-92-expired": refused(expired, "AccessDenied", 403),
    "row-92-too-long": refused(presign(expires=604_801), "AuthorizationQueryParametersError"),
    "row-92-owner-in-query": over_tls(allowed(presign(more=f"&{OWNER}={ACCOUNT}"))),
    "row-92-two-owners": over_tls(
        refused(
            lambda: presigned(
                message(
                    "PUT", f"{PUT}&{OWNER}={ACCOUNT}", VALID.encode(), [(OWNER, "444455556666")]
                ),
                ANA,
            ),
            "InvalidArgument",
        )
    ),
    "row-93-malformed": refused(put(VALID, (OWNER, "0000")), "InvalidBucketOwnerAWSAccountID"),
    "row-93-mismatch": Row(
        put(VALID, (OWNER, "444455556666")), 403, "AccessDenied", (f"PUT {PUT}",)
    ),
    "row-94": refused(lambda: message("PUT", PUT, VALID.encode()), "AccessDenied", 403),
    "row-95": refused(
        lambda: replace(
            put(target=f"{PUT}&id=inv-2")(), target=f"{B}?inventory&id=inv-2&id=inv-1"
        ),
        "InvalidArgument",
    ),
    "row-100-existing": allowed(
        asks("DELETE", f"{B}?inventory&id=kept"), f"{B}?inventory&id=kept"
    ),
    "row-100-missing": Row(
        asks("DELETE", f"{B}?inventory&id=gone"),
        404,
        "NoSuchConfiguration",
        (f"DELETE {B}?inventory&id=gone",),
    ),
    "row-103": refused(put(target=f"{PUT}&%3C%26%22=1"), "InvalidArgument"),
    "row-103-id": refused(put(target=f"{B}?inventory&id=%3C%26%22%3E")),
    "row-107-two-dates": refused(
        unsigned_after(put(), ("x-amz-date", "20261120T000000Z")), "BadRequest"
    ),
    "row-107-unsigned": refused(
        unsigned_after(put(), (OWNER, "444455556666")), "AccessDenied", 403
    ),
    "row-107-control": refused(unsigned_after(put(), ("x-amz-meta-a", "b\x01c")), "BadRequest"),
    "row-107-line": refused(
        unsigned_after(put(), ("x-amz-meta-a", "b\nx-amz-acl: c")), "BadRequest"
    ),
    "row-107-underscore": refused(unsigned_after(put(), ("x_amz_acl", "private")), "BadRequest"),
    "row-107-connection": refused(
        unsigned_after(put(), ("connection", "x-amz-date")), "BadRequest"
    ),
} | {
    f"row-104-{target[1:12]}": refused(asks(method, f"{B}{target}", b"<x/>"), "AccessDenied", 403)
    for method, target in (
        ("PUT", "?analytics&id=a"),
        ("POST", "?metadataConfiguration"),
        ("POST", "?metadataTable"),
        ("PUT", "?metadataInventoryTable"),
        ("PUT", "?metadataJournalTable"),
        ("PUT", "?replication"),
        ("PUT", "/k?replication"),
        ("PUT", "?notification"),
        ("PUT", "?logging"),
        ("PUT", "?policy"),
        ("PUT", "?acl"),
    )
} | {
    "row-104-jobs": refused(asks("POST", "/v20180820/jobs", b"<x/>"), "InvalidBucketName"),
    "row-104-lens": refused(asks("PUT", "/v20180820/storagelens/x", b"<x/>"), "InvalidBucketName"),
}  # fmt: skip

ROWS = ROUTING | FRAMING | XML | FIELDS | AUTH


@pytest.fixture(autouse=True)
def _kept(site: Site, secure: Site) -> None:
    """One configuration is there already."""
    for each in (site, secure):
        each.emulator.buckets["acme-orders"].inventories["kept"] = VALID.encode()


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ROWS.items()])
def test_an_input_has_its_answer(site: Site, secure: Site, row: Row) -> None:
    """I11, I14, I26: the status, the code, and what S3 sees of it: nothing, or one write."""
    site = secure if row.secure else site
    mark = site.mark()
    wire = row.make()
    answer = site.call(wire)
    assert (answer.status, answer.code) == (row.status, row.code)
    assert site.writes(mark) == list(row.writes)
    assert len(site.events(mark, 1)) == 1
    if row.status >= 400 and not row.writes and row.code not in {
        "NoSuchConfiguration",
        "MalformedContinuationToken",
    }:  # fmt: skip
        _is_an_s3_error(site, answer.headers, answer.body, wire.method)
    assert _bodies(site, mark) <= {b"", write_configuration_of(wire)}


def _is_an_s3_error(
    site: Site, headers: tuple[tuple[str, str], ...], body: bytes, method: str
) -> None:
    del site
    fields = dict(headers)
    assert fields["content-type"] == "application/xml"
    assert len(fields["x-amz-request-id"]) == 16
    assert fields["x-amz-id-2"]
    if method == "HEAD":
        assert body == b""
        return
    root = ET.fromstring(body)  # noqa: S314 - our own
    assert [child.tag for child in root][-2:] == ["RequestId", "HostId"]
    assert root.findtext("RequestId") == fields["x-amz-request-id"]


def _bodies(site: Site, mark: object) -> set[bytes]:
    received = site.received(mark)  # type: ignore[arg-type]
    return {request.body for request in received if request.method not in {"GET", "HEAD"}}


def write_configuration_of(wire: Message) -> bytes:
    """The canonical document of a request that was allowed; I12."""
    try:
        return write_configuration(read_configuration(wire.body))
    except Exception:  # noqa: BLE001 - it was not allowed, then
        return b"nothing"


@pytest.mark.parametrize("order", ["java", "botocore", "alphabetical", "pretty"])
def test_row_66_the_order_of_elements_is_free(site: Site, order: str) -> None:
    """S3 takes any; so what is forwarded is the same."""
    root = ET.fromstring(VALID)  # noqa: S314
    ranks = {
        "java": "Id IsEnabled IncludedObjectVersions Destination Filter Schedule".split(),
        "botocore": "Destination IsEnabled Filter Id IncludedObjectVersions Schedule".split(),
        "alphabetical": sorted(child.tag.partition("}")[2] for child in root),
        "pretty": [child.tag.partition("}")[2] for child in root],
    }
    root[:] = sorted(root, key=lambda child: ranks[order].index(child.tag.partition("}")[2]))
    if order == "pretty":
        ET.indent(root)
    ET.register_namespace("", NAMESPACE)
    mark = site.mark()
    assert site.call(put(ET.tostring(root))()).status == 204
    assert [request.body for request in site.received(mark) if request.method == "PUT"] == [
        write_configuration(read_configuration(VALID.encode()))
    ]


def test_row_57_a_prefix_for_the_namespace_is_one_of_two_things(site: Site) -> None:
    """Bound to S3's namespace everywhere: taken and written without it, or refused."""
    text = VALID.replace("</", "</s3:").replace("<", "<s3:").replace("<s3:/s3:", "</s3:")
    text = text.replace("<s3:InventoryConfiguration xmlns=", "<s3:InventoryConfiguration xmlns:s3=")
    mark = site.mark()
    assert site.call(put(text)()).status in {204, 400}
    assert all(b"s3:Inv" not in request.body for request in site.received(mark))


def test_row_88_a_second_put_is_judged_anew(site: Site) -> None:
    """Overwriting an id redirects reports in silence, so it is a decision of its own."""
    assert site.call(put()()).status == 204
    assert site.call(put(document(encryption=""))()).status == 403
    assert b"SSE-S3" in site.emulator.buckets["acme-orders"].inventories["inv-1"]


def test_row_90_the_1001st_is_refused_by_s3(site: Site) -> None:
    """Its words are relayed."""
    inventories = site.emulator.buckets["acme-orders"].inventories
    inventories.update((f"n{number}", b"<x/>") for number in range(1000))
    answer = site.call(put()())
    assert (answer.status, answer.code) == (400, "TooManyConfigurations")
    assert "1,000" in answer.error["Message"]


def test_row_97_a_204_is_bare(site: Site) -> None:
    """No Content-Type, no Content-Length, no Transfer-Encoding, no body."""
    answer = site.call(put()())
    names = {name for name, _ in answer.headers}
    assert answer.status == 204
    assert not {"content-type", "content-length", "transfer-encoding"} & names
    assert {"x-amz-request-id", "x-inventory-gateway-decision-id"} <= names


def test_row_98_pages_are_relayed_untouched(site: Site) -> None:
    """100 a page, an opaque token, fields that nobody knows yet."""
    inventories = site.emulator.buckets["acme-orders"].inventories
    for number in range(150):
        inventories[f"n{number:03}"] = document(inventory_id=f"n{number:03}").encode()
    inventories["n000"] = inventories["n000"].replace(b"<Id>", b"<FutureField>x</FutureField><Id>")
    first = site.call(asks("GET", f"{B}?inventory")())
    assert b"<FutureField>x</FutureField>" in first.body
    root = ET.fromstring(first.body)  # noqa: S314
    token = root.findtext(f"{{{NAMESPACE}}}NextContinuationToken")
    assert token is not None
    assert (first.body.count(b"<Id>"), token.isascii()) == (100, True)
    escaped = token.replace("=", "%3D").replace("+", "%2B").replace("/", "%2F")
    second = site.call(asks("GET", f"{B}?inventory&continuation-token={escaped}")())
    assert second.body.count(b"<Id>") == 51


@pytest.mark.parametrize("key", [ROOT], ids=["root"])
@pytest.mark.parametrize("target", ["?Inventory", "?inventory", "?%69nventory", "/k?INVENTORY"])
def test_row_08_a_bucket_is_never_deleted_by_a_doubtful_inventory(
    site: Site, key: object, target: str
) -> None:
    """I14: not even where the principal may delete buckets."""
    mark = site.mark()
    answer = site.call(signed(message("DELETE", f"{B}{target}"), key))  # type: ignore[arg-type]
    assert answer.status == 400
    assert site.writes(mark) == []
    assert "acme-orders" in site.emulator.buckets


def test_row_13_the_conflict_is_told_in_s3s_words(site: Site) -> None:
    """Names sorted; the first one given is the argument."""
    error = site.call(put(target=f"{B}?inventory&acl&id=inv-1")()).error
    assert error["Message"] == "Conflicting query string parameters: acl, inventory"
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("ResourceType", "inventory")


def test_row_26_head_names_the_methods(site: Site) -> None:
    """405, Allow, an XML type and no body."""
    answer = site.call(asks("HEAD", f"{B}?inventory")())
    assert answer.header("allow") == "DELETE, GET, PUT"
    assert answer.header("content-type") == "application/xml"


def test_row_68_the_mismatch_is_told_in_s3s_words(site: Site) -> None:
    """I13: the id in the query is the id in the document."""
    error = site.call(put(document(inventory_id="inv-2"))()).error
    assert error["Message"] == "Document ID does not match the specified configuration ID."


def test_row_73_and_74_are_told_in_s3s_words(site: Site) -> None:
    """Which users search the web for."""
    words = [
        site.call(put(document(bucket=arn))()).error["Message"]
        for arn in ("acme-inventory", f"arn:aws:s3::{ACCOUNT}:acme-inventory")
    ]
    assert words == ["Invalid bucket ARN.", "Bucket ARN should not specify a namespace."]
