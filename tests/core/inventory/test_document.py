"""The strict reader and the canonical writer: rows 31 to 90 of the catalogue of inputs."""

import itertools
import json
import re
from contextlib import suppress
from typing import Any, Final
from xml.etree import ElementTree as ET

import botocore.loaders
import botocore.model
import botocore.serialize
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.inventory.configuration import (
    FORMATS,
    FREQUENCIES,
    OPTIONAL_FIELDS,
    VERSIONS,
    Destination,
    InventoryConfiguration,
    SseKms,
    SseS3,
)
from gateway.core.inventory.document import (
    MAX_DOCUMENT_BYTES,
    S3_NAMESPACE,
    read_configuration,
    write_configuration,
)
from tests.support.captures import Capture, load_captures
from tests.support.strategies import configurations

BUCKET = "<Bucket>arn:aws:s3:::reports</Bucket>"
S3_DESTINATION = f"<S3BucketDestination>{BUCKET}<Format>CSV</Format></S3BucketDestination>"
PARTS: Final = (
    f"<Destination>{S3_DESTINATION}</Destination>",
    "<IsEnabled>true</IsEnabled>",
    "<Id>inv-1</Id>",
    "<IncludedObjectVersions>All</IncludedObjectVersions>",
    "<Schedule><Frequency>Daily</Frequency></Schedule>",
)
#: The smallest valid document, and what it means.
V: Final = (
    f'<InventoryConfiguration xmlns="{S3_NAMESPACE}">{"".join(PARTS)}</InventoryConfiguration>'
)
MEANING: Final = InventoryConfiguration(
    id="inv-1",
    is_enabled=True,
    destination=Destination("arn:aws:s3:::reports", "CSV"),
    included_object_versions="All",
    frequency="Daily",
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
ROOT = f'<InventoryConfiguration xmlns="{S3_NAMESPACE}">'


def _v(old: str, new: str) -> str:
    """The smallest valid document with one text exchanged."""
    assert V.count(old) == 1, old
    return V.replace(old, new)


def _in_bucket(more: str) -> str:
    return _v("<Format>CSV</Format>", f"<Format>CSV</Format>{more}")


def _more(more: str) -> str:
    return _v("<Id>", f"{more}<Id>")


def _refusal(document: str | bytes) -> RequestError:
    data = document.encode() if isinstance(document, str) else document
    with pytest.raises(RequestError) as caught:
        read_configuration(data)
    return caught.value


# --- what is taken --------------------------------------------------------------------------------

TAKEN: dict[str, str | bytes] = {
    "baseline": V,
    "declaration": DECLARATION + V,
    "declaration-on-a-line": DECLARATION + "\n" + V,
    "declaration-in-single-quotes": "<?xml version='1.0' encoding='utf-8'?>" + V,
    "declaration-without-encoding": '<?xml version="1.0"?>' + V,
    "row-45-bom": b"\xef\xbb\xbf" + V.encode(),
    "row-45-bom-and-declaration": b"\xef\xbb\xbf" + (DECLARATION + V).encode(),
    "row-48-standalone-yes": '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + V,
    "standalone-no": '<?xml version="1.0" standalone="no" ?>' + V,
    "row-44-leading-blanks-without-declaration": " \n" + V,
    "trailing-blanks": V + "\n\t ",
    "row-54-character-reference": _v("CSV", "&#x43;S&#86;"),
    "row-54-predefined-entity-free": _v("inv-1", "inv&#45;1"),
    "row-57-no-namespace": V.replace(f' xmlns="{S3_NAMESPACE}"', ""),
    "row-57-prefixed": re.sub(r"<(/?)([A-Z])", r"<\1s3:\2", V).replace("xmlns", "xmlns:s3", 1),
    "row-57-same-namespace-again": _v("<Id>", f'<Id xmlns="{S3_NAMESPACE}">'),
    "blanks-between-elements": V.replace("><", ">\n  <"),
    "row-62-blanks-inside-a-tag": _v("<Id>", "<Id >"),
    "empty-filter-prefix": _more("<Filter><Prefix></Prefix></Filter>"),
    "row-83-empty-fields": _more("<OptionalFields></OptionalFields>"),
    "row-86-empty-prefix": _in_bucket("<Prefix/>"),
}


@pytest.mark.parametrize("document", TAKEN.values(), ids=TAKEN.keys())
def test_document_means_the_same_when_only_its_spelling_differs(document: str | bytes):
    """One meaning, and one canonical text of it."""
    data = document.encode() if isinstance(document, str) else document
    assert MEANING == read_configuration(data)
    assert write_configuration(MEANING) == write_configuration(read_configuration(data))


def test_order_is_free_when_read():
    """Row 66: every order of the five required children."""
    for parts in itertools.permutations(PARTS):
        document = f"{ROOT}{''.join(parts)}</InventoryConfiguration>"
        assert MEANING == read_configuration(document.encode())


def _meaning(**destination: Any) -> InventoryConfiguration:
    bucket = Destination("arn:aws:s3:::reports", "CSV", **destination)
    return InventoryConfiguration("inv-1", True, bucket, "All", "Daily")  # noqa: FBT003


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param("<Encryption><SSE-S3/></Encryption>", {"encryption": SseS3()}, id="row-67"),
        pytest.param(
            "<Encryption><SSE-S3></SSE-S3></Encryption>", {"encryption": SseS3()}, id="row-67-pair"
        ),
        pytest.param(
            "<Encryption><SSE-S3>\n</SSE-S3></Encryption>",
            {"encryption": SseS3()},
            id="row-67-line",
        ),
        pytest.param(
            "<Encryption><SSES3/></Encryption>", {"encryption": SseS3()}, id="row-81-sdk-spelling"
        ),
        pytest.param(
            "<Encryption><SSE-KMS><KeyId>alias/k</KeyId></SSE-KMS></Encryption>",
            {"encryption": SseKms("alias/k")},
            id="row-82-alias-is-policys-business",
        ),
        pytest.param(
            "<Encryption><SSEKMS><KeyId>k</KeyId></SSEKMS></Encryption>",
            {"encryption": SseKms("k")},
            id="row-81-sdk-spelling-of-kms",
        ),
        pytest.param(
            "<AccountId>12345</AccountId>", {"account_id": "12345"}, id="row-80-policys-business"
        ),
        pytest.param("<Prefix>a/&amp;/ü</Prefix>", {"prefix": "a/&/ü"}, id="prefix"),
        pytest.param("<Prefix>/../</Prefix>", {"prefix": "/../"}, id="row-86-dots"),
        pytest.param(f"<Prefix>{'a' * 512}</Prefix>", {"prefix": "a" * 512}, id="row-86-512"),
        pytest.param("<Prefix>😀</Prefix>", {"prefix": "😀"}, id="row-86-emoji"),
    ],
)
def test_destination_is_read_when_it_holds_more(more: str, expected: dict[str, Any]):
    """Structure is the reader's business, judgement is policy's."""
    assert _meaning(**expected) == read_configuration(_in_bucket(more).encode())


@pytest.mark.parametrize("field", OPTIONAL_FIELDS)
def test_field_is_taken_when_it_is_one_of_the_19(field: str):
    """Row 83."""
    document = _more(f"<OptionalFields><Field>{field}</Field></OptionalFields>")
    assert (field,) == read_configuration(document.encode()).optional_fields


def test_repeated_fields_are_read_when_few_and_refused_when_many():
    """Row 83: repetition is for policy to judge, within reason."""
    fields = "<Field>Size</Field>"
    hundred = _more(f"<OptionalFields>{fields * 100}</OptionalFields>")
    more = _more(f"<OptionalFields>{fields * 101}</OptionalFields>")
    assert ("Size",) * 100 == read_configuration(hundred.encode()).optional_fields
    assert "MalformedXML" == _refusal(more).code


@pytest.mark.parametrize("inventory_id", ["a", "A.b_c-9", "x" * 64, "..", "-"])
def test_id_is_taken_when_in_its_alphabet(inventory_id: str):
    """Row 69."""
    assert inventory_id == read_configuration(_v("inv-1", inventory_id).encode()).id


# --- what is refused ------------------------------------------------------------------------------

MALFORMED: dict[str, str | bytes] = {
    # well-formedness
    "row-43-json": json.dumps({"InventoryConfiguration": {"Id": "inv-1"}}),
    "row-43-garbage": "garbage",
    "row-43-truncated": V[:-1],
    "row-43-cut-in-half": V[: len(V) // 2],
    "row-43-trailing-junk": V + "x",
    "row-43-second-root": V + V,
    "row-43-text-before-the-root": "x" + V,
    "row-44-blanks-before-the-declaration": " " + DECLARATION + V,
    "row-44-line-before-the-declaration": "\n" + DECLARATION + V,
    "declaration-twice": DECLARATION + DECLARATION + V,
    "declaration-alone": DECLARATION,
    # encodings
    "row-46-utf-16-with-bom": V.encode("utf-16"),
    "row-46-utf-16-le": V.encode("utf-16-le"),
    "row-46-utf-16-be": V.encode("utf-16-be"),
    "row-46-utf-32": V.encode("utf-32"),
    "row-46-utf-32-le": V.encode("utf-32-le"),
    "row-46-declared-utf-7": '<?xml version="1.0" encoding="UTF-7"?>' + V,
    "row-46-utf-7": ('<?xml version="1.0" encoding="UTF-7"?>' + V).encode("utf-7"),
    "row-46-declared-latin-1": '<?xml version="1.0" encoding="ISO-8859-1"?>' + V,
    "row-46-cp037": ('<?xml version="1.0" encoding="cp037"?>' + V).encode("cp037"),
    "row-46-declared-ascii": '<?xml version="1.0" encoding="US-ASCII"?>' + V,
    "row-47-invalid-byte": V.encode().replace(b"inv-1", b"inv\xff1"),
    "row-47-overlong": V.encode().replace(b"inv-1", b"inv\xc0\xaf1"),
    "row-47-overlong-tag": V.encode().replace(b"<Id>", b"\xc0\xbcId>"),
    "row-47-surrogate-bytes": V.encode().replace(b"inv-1", b"\xed\xa0\x80"),
    "row-47-surrogate-reference": _v("inv-1", "&#xD800;"),
    "row-47-nul": _v("inv-1", "inv\x001"),
    "row-47-nul-reference": _v("inv-1", "&#0;"),
    "row-47-fffe": _in_bucket("<Prefix>\ufffe</Prefix>"),
    "row-47-fffe-reference": _in_bucket("<Prefix>&#xFFFE;</Prefix>"),
    "row-48-declared-utf-16": '<?xml version="1.0" encoding="UTF-16"?>' + V,
    "row-48-bom-and-declared-utf-16": b"\xef\xbb\xbf"
    + ('<?xml version="1.0" encoding="UTF-16"?>' + V).encode(),
    "row-48-version-1.1": '<?xml version="1.1" encoding="UTF-8"?>' + V,
    "row-48-declaration-in-upper-case": '<?XML version="1.0"?>' + V,
    "bom-behind-the-declaration": DECLARATION + "\ufeff" + V,
    "bom-behind-a-blank": " \ufeff" + V,
    "two-boms": b"\xef\xbb\xbf\xef\xbb\xbf" + V.encode(),
    # document types, entities, instructions, comments, CDATA
    "row-49-doctype": "<!DOCTYPE InventoryConfiguration>" + V,
    "row-49-doctype-after-the-declaration": DECLARATION + "<!DOCTYPE x>" + V,
    "row-49-internal-entity": '<!DOCTYPE x [<!ENTITY e "inv-1">]>' + _v("inv-1", "&e;"),
    "row-49-external-entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    + _v("inv-1", "&e;"),
    "row-49-external-dtd": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">' + V,
    "row-49-parameter-entity": '<!DOCTYPE x [<!ENTITY % e "">%e;]>' + V,
    "row-49-billion-laughs": '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
    + _v("inv-1", "&b;"),
    "row-49-attlist-default": '<!DOCTYPE x [<!ATTLIST Id a CDATA "b">]>' + V,
    "row-49-undeclared-entity": _v("inv-1", "&e;"),
    "row-50-xinclude": _more(
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'
    ),
    "row-50-stylesheet": '<?xml-stylesheet href="x"?>' + V,
    "row-50-instruction-between-elements": _more("<?x y?>"),
    "row-50-instruction-in-text": _v("inv-1", "inv<?x?>-1"),
    "row-50-instruction-behind": V + "<?x?>",
    "row-51-comment-in-text": _v("arn:aws:s3:::reports", "arn:aws:s3:::good<!-- -->evil"),
    "row-52-comment-between-elements": _more("<!-- x -->"),
    "row-52-comment-before": "<!-- x -->" + V,
    "row-52-comment-behind": V + "<!-- x -->",
    "row-53-cdata": _v("inv-1", "<![CDATA[inv-1]]>"),
    "row-53-cdata-in-part": _v("inv-1", "inv<![CDATA[-1]]>"),
    "row-53-cdata-in-the-bucket": _v("arn:aws:s3:::reports", "<![CDATA[arn:aws:s3:::reports]]>"),
    "row-54-line-feed-in-a-prefix": _in_bucket("<Prefix>a&#10;b</Prefix>"),
    "row-54-carriage-return-in-a-prefix": _in_bucket("<Prefix>a&#13;</Prefix>"),
    "row-54-line-feed-behind-an-account": _in_bucket("<AccountId>123456789012&#10;</AccountId>"),
    "row-86-tab-in-a-prefix": _in_bucket("<Prefix>a\tb</Prefix>"),
    "row-86-c1-control-in-a-prefix": _in_bucket("<Prefix>\x85</Prefix>"),
    # duplicates
    "row-55-bucket": _v(BUCKET, BUCKET + "<Bucket>arn:aws:s3:::evil</Bucket>"),
    "row-55-bucket-reversed": _v(BUCKET, "<Bucket>arn:aws:s3:::evil</Bucket>" + BUCKET),
    "row-55-destination": _more(PARTS[0]),
    "row-55-s3-bucket-destination": _v(S3_DESTINATION, S3_DESTINATION * 2),
    "row-55-id": _more("<Id>inv-1</Id>"),
    "row-55-is-enabled": _more("<IsEnabled>true</IsEnabled>"),
    "row-55-schedule": _more(PARTS[4]),
    "row-55-frequency": _v("</Schedule>", "<Frequency>Daily</Frequency></Schedule>"),
    "row-55-versions": _more(PARTS[3]),
    "row-55-format": _in_bucket("<Format>CSV</Format>"),
    "row-55-encryption": _in_bucket("<Encryption><SSE-S3/></Encryption>" * 2),
    "row-55-key-id": _in_bucket(
        "<Encryption><SSE-KMS><KeyId>a</KeyId><KeyId>b</KeyId></SSE-KMS></Encryption>"
    ),
    "row-55-optional-fields": _more("<OptionalFields/><OptionalFields/>"),
    "row-55-account-id": _in_bucket("<AccountId>1</AccountId><AccountId>2</AccountId>"),
    "row-55-prefix": _in_bucket("<Prefix>a</Prefix><Prefix>b</Prefix>"),
    "row-55-filter": _more("<Filter><Prefix>a</Prefix></Filter>" * 2),
    "row-55-filter-prefix": _more("<Filter><Prefix>a</Prefix><Prefix>b</Prefix></Filter>"),
    "row-56-second-id-of-no-namespace": _more('<Id xmlns="">inv-2</Id>'),
    "row-56-second-id-of-another": _more('<Id xmlns="urn:evil">inv-2</Id>'),
    "row-56-prefixed-second-id": _more('<e:Id xmlns:e="urn:evil">inv-2</e:Id>'),
    # namespaces
    "row-57-foreign": V.replace(S3_NAMESPACE, "urn:evil"),
    "row-57-https": V.replace("http://", "https://"),
    "row-57-no-trailing-slash": V.replace(S3_NAMESPACE, S3_NAMESPACE[:-1]),
    "row-57-upper-case": V.replace("2006-03-01/", "2006-03-01/").replace("s3.ama", "S3.ama"),
    "row-57-prefix-rebound": _v("<Id>", '<Id xmlns:s="urn:evil">'),
    "row-57-unused-foreign-prefix": V.replace("xmlns=", 'xmlns:x="urn:x" xmlns=', 1),
    "row-57-prefix-unbound": _v("<Id>inv-1</Id>", "<s3:Id>inv-1</s3:Id>"),
    "row-58-child-of-no-namespace": _v("<Id>", '<Id xmlns="">'),
    "row-58-child-in-a-namespace-under-none": V.replace(f' xmlns="{S3_NAMESPACE}"', "").replace(
        "<Id>", f'<Id xmlns="{S3_NAMESPACE}">'
    ),
    # unknown and misplaced
    "row-59-unknown-at-the-root": _more("<X/>"),
    "row-59-unknown-in-destination": _v("</Destination>", "<X/></Destination>"),
    "row-59-unknown-in-the-bucket": _in_bucket("<X/>"),
    "row-59-unknown-in-schedule": _v("</Schedule>", "<X/></Schedule>"),
    "row-59-unknown-in-filter": _more("<Filter><Prefix>a</Prefix><X/></Filter>"),
    "row-59-unknown-in-encryption": _in_bucket("<Encryption><SSE-C/></Encryption>"),
    "row-59-unknown-in-sse-s3": _in_bucket("<Encryption><SSE-S3><X/></SSE-S3></Encryption>"),
    "row-59-unknown-in-sse-kms": _in_bucket(
        "<Encryption><SSE-KMS><KeyId>k</KeyId><X/></SSE-KMS></Encryption>"
    ),
    "row-59-unknown-in-fields": _more("<OptionalFields><X>Size</X></OptionalFields>"),
    "row-59-prefix-under-destination": _v("</Destination>", "<Prefix>a</Prefix></Destination>"),
    "row-59-prefix-at-the-root": _more("<Prefix>a</Prefix>"),
    "row-59-frequency-at-the-root": _more("<Frequency>Daily</Frequency>"),
    "row-59-id-in-lower-case": _v("<Id>inv-1</Id>", "<id>inv-1</id>"),
    # attributes
    "row-60-attribute": _v("<Id>", '<Id a="b">'),
    "row-60-id-attribute": _v("<Id>", '<Id id="x">'),
    "row-60-on-the-root": V.replace("<InventoryConfiguration", '<InventoryConfiguration a="b"', 1),
    "row-60-xsi-nil": _v(
        "<Id>", '<Id xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">'
    ),
    "row-60-xml-space": _v("<Id>", '<Id xml:space="preserve">'),
    "row-60-xml-base": _v("<Destination>", '<Destination xml:base="http://evil/">'),
    "row-60-duplicate-attribute": _v("<Id>", '<Id a="b" a="c">'),
    "row-60-on-a-field": _more('<OptionalFields><Field a="b">Size</Field></OptionalFields>'),
    # text
    "row-61-text-in-the-root": _more("x"),
    "row-61-text-before-a-child": _v("<Destination>", "<Destination>x"),
    "row-61-text-behind-the-last-child": _v("</Destination>", "x</Destination>"),
    "row-61-text-in-sse-s3": _in_bucket("<Encryption><SSE-S3>x</SSE-S3></Encryption>"),
    "row-61-text-in-fields": _more("<OptionalFields>Size</OptionalFields>"),
    "row-61-no-break-space": _more("\u00a0"),
    "row-61-child-in-a-leaf": _v("reports", "re<x/>ports"),
    "row-61-child-in-the-id": _v("inv-1", "<Id>inv-1</Id>"),
    "row-62-blank-around-an-enum": _v("CSV", " CSV "),
    "row-62-line-behind-a-boolean": _v("true", "true\n"),
    "row-62-line-behind-an-id": _v("inv-1", "inv-1\n"),
    "row-62-line-behind-an-arn": _v("reports", "reports\n"),
    "row-62-blank-before-an-id": _v("inv-1", " inv-1"),
    "row-62-blank-field": _more("<OptionalFields><Field> Size</Field></OptionalFields>"),
    "row-63-no-break-space-in-an-id": _v("inv-1", "inv\u00a01"),
    "row-63-zero-width-in-an-id": _v("inv-1", "inv\u200b1"),
    "row-63-cyrillic-in-an-id": _v("inv-1", "\u0456nv-1"),
    "row-63-fullwidth-account": _in_bucket("<AccountId>\uff11\uff12</AccountId>"),
    "row-63-rtl-mark-in-an-arn": _v("reports", "re\u202eports"),
    # size
    "row-64-depth": _more("<a>" * 1000 + "</a>" * 1000),
    "row-64-siblings": _more("<a/>" * 10_000),
    "row-64-attribute": _v("<Id>", f'<Id a="{"x" * 50_000}">'),
    "row-64-namespaces": _v("<Id>", "<Id" + "".join(f' xmlns:n{n}="u"' for n in range(2000)) + ">"),
    "row-64-entity-references": _v("inv-1", "&#65;" * 5000),
    # root
    "row-65-another-root": "<CreateBucketConfiguration/>",
    "row-65-sibling-root": V.replace("InventoryConfiguration", "AnalyticsConfiguration"),
    "row-65-case": V.replace("InventoryConfiguration", "Inventoryconfiguration"),
    "row-65-empty-root": f"{ROOT}</InventoryConfiguration>",
    # fields
    "row-69-65-characters": _v("inv-1", "x" * 65),
    "row-69-empty": _v("inv-1", ""),
    "row-69-space": _v("inv-1", "a b"),
    "row-69-slash": _v("inv-1", "a/b"),
    "row-69-umlaut": _v("inv-1", "ü"),
    "row-69-colon": _v("inv-1", "a:b"),
    "row-69-dots-and-slash": _v("inv-1", "../x"),
    "row-69-line": _v("inv-1", "a&#10;"),
    "row-70-destination": _v(PARTS[0], ""),
    "row-70-s3-bucket-destination": _v(S3_DESTINATION, ""),
    "row-70-bucket": _v(BUCKET, ""),
    "row-70-format": _v("<Format>CSV</Format>", ""),
    "row-70-is-enabled": _v(PARTS[1], ""),
    "row-70-id": _v(PARTS[2], ""),
    "row-70-versions": _v(PARTS[3], ""),
    "row-70-schedule": _v(PARTS[4], ""),
    "row-70-frequency": _v("<Frequency>Daily</Frequency>", ""),
    "row-71-csv": _v("CSV", "csv"),
    "row-71-json": _v("CSV", "JSON"),
    "row-71-parquet": _v("CSV", "PARQUET"),
    "row-71-no-format": _v("CSV", ""),
    "row-71-hourly": _v("Daily", "Hourly"),
    "row-71-daily": _v("Daily", "daily"),
    "row-71-current": _v("All", "CURRENT"),
    "row-71-wrong": _v("All", "Wrong"),
    "row-72-true": _v("true", "TRUE"),
    "row-72-one": _v("true", "1"),
    "row-72-yes": _v("true", "yes"),
    "row-72-empty": _v("true", ""),
    "row-75-empty-arn": _v("arn:aws:s3:::reports", ""),
    "row-80-empty-account": _in_bucket("<AccountId/>"),
    "row-80-long-account": _in_bucket(f"<AccountId>{'1' * 65}</AccountId>"),
    "row-81-empty-encryption": _in_bucket("<Encryption/>"),
    "row-81-both": _in_bucket(
        "<Encryption><SSE-S3/><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>"
    ),
    "row-81-two-spellings": _in_bucket("<Encryption><SSE-S3/><SSES3/></Encryption>"),
    "row-81-two-kms": _in_bucket(
        "<Encryption><SSE-KMS><KeyId>a</KeyId></SSE-KMS><SSE-KMS><KeyId>b</KeyId></SSE-KMS>"
        "</Encryption>"
    ),
    "row-81-sse-c": _in_bucket("<Encryption><SSE-C/></Encryption>"),
    "row-81-sse-s3-with-a-child": _in_bucket(
        "<Encryption><SSE-S3><KeyId>k</KeyId></SSE-S3></Encryption>"
    ),
    "row-82-no-key-id": _in_bucket("<Encryption><SSE-KMS/></Encryption>"),
    "row-82-empty-key-id": _in_bucket("<Encryption><SSE-KMS><KeyId/></SSE-KMS></Encryption>"),
    "row-83-case": _more("<OptionalFields><Field>SIZE</Field></OptionalFields>"),
    "row-83-dashes": _more("<OptionalFields><Field>--</Field></OptionalFields>"),
    "row-83-empty-field": _more("<OptionalFields><Field/></OptionalFields>"),
    "row-83-list-in-a-field": _more("<OptionalFields><Field>Size,ETag</Field></OptionalFields>"),
    "row-83-etag": _more("<OptionalFields><Field>Etag</Field></OptionalFields>"),
    "row-86-513-bytes": _in_bucket(f"<Prefix>{'a' * 513}</Prefix>"),
    "row-86-513-bytes-of-emoji": _in_bucket(f"<Prefix>{'😀' * 128}a</Prefix>"),
    "row-86-filter-of-1025-bytes": _more(f"<Filter><Prefix>{'a' * 1025}</Prefix></Filter>"),
    "row-87-filter-without-prefix": _more("<Filter/>"),
    "row-87-filter-with-tag": _more("<Filter><Tag/></Filter>"),
    "row-87-filter-with-and": _more("<Filter><And><Prefix>a</Prefix></And></Filter>"),
}


@pytest.mark.parametrize("document", MALFORMED.values(), ids=MALFORMED.keys())
def test_document_is_malformed_when_two_parsers_could_read_it_differently(document: str | bytes):
    """S3's code and S3's sentence, then what is wrong."""
    refusal = _refusal(document)
    assert ("MalformedXML", 400) == (refusal.code, refusal.status)
    assert refusal.message.startswith(
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
    assert len(refusal.message) < 800


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("x", "it is not well-formed near line 1"),
        (DECLARATION + "\n" + V[:-2], "it is not well-formed near line"),
        (
            _v("CSV", "csv"),
            "S3BucketDestination/Format must be one of CSV, ORC, Parquet, not 'csv'",
        ),
        (_v(PARTS[2], ""), "InventoryConfiguration/Id is missing"),
        (_more("<X/>"), "InventoryConfiguration may not hold 'X' here"),
        (_more("<Id>b</Id>"), "InventoryConfiguration/Id occurs twice"),
        (_v("<Id>", '<Id a="b">'), "InventoryConfiguration/Id may carry no attribute"),
        (V + "<!-- -->", "comments, CDATA sections and document types are not taken"),
        ("<Other/>", "the root element must be InventoryConfiguration"),
        (V.replace(S3_NAMESPACE, "urn:x"), f"must be in the namespace {S3_NAMESPACE}"),
    ],
)
def test_refusal_says_what_is_wrong_when_the_document_is_malformed(document: str, words: str):
    """S3 does not, which is what its users ask first."""
    assert words in _refusal(document).message


@pytest.mark.parametrize("body", [b"", b" ", b"\n\t\r\n", b"\x0b"], ids=repr)
def test_body_is_missing_when_it_is_empty_or_blank(body: bytes):
    """Row 31."""
    refusal = _refusal(body)
    assert ("MissingRequestBodyError", "Request Body is empty") == (refusal.code, refusal.message)


def test_body_is_too_long_when_it_passes_64_kib():
    """Row 39; the limit itself is taken."""
    padding = MAX_DOCUMENT_BYTES - len(V.encode())
    assert MEANING == read_configuration(V.encode() + b" " * padding)
    assert "MaxMessageLengthExceeded" == _refusal(V.encode() + b" " * (padding + 1)).code


# --- the writer, and botocore as the oracle -------------------------------------------------------


@given(configurations)
def test_configuration_is_itself_again_when_written_and_read(configuration: InventoryConfiguration):
    """read(write(c)) == c, and to write is a fixed point."""
    document = write_configuration(configuration)
    assert configuration == read_configuration(document)
    assert document == write_configuration(read_configuration(document))


_MODEL: Final = botocore.loaders.Loader().load_service_model("s3", "service-2")
_OPERATION = botocore.model.ServiceModel(_MODEL).operation_model("PutBucketInventoryConfiguration")
_SERIALIZER = botocore.serialize.create_serializer("rest-xml", include_validation=True)


def _by_botocore(configuration: InventoryConfiguration) -> bytes:
    request = _SERIALIZER.serialize_to_request(
        {
            "Bucket": "bucket",
            "Id": configuration.id,
            "InventoryConfiguration": configuration.as_boto3(),
        },
        _OPERATION,
    )
    body = request["body"]
    assert isinstance(body, bytes)
    return body


def _tree(document: bytes) -> object:
    """Names and texts, as another parser sees them; only the order of fields counts."""

    def walk(element: ET.Element) -> tuple[str, str, list[Any]]:
        children = [walk(child) for child in element]
        in_order = element.tag.endswith("}OptionalFields")
        return element.tag, element.text or "", children if in_order else sorted(children)

    return walk(ET.fromstring(document))  # noqa: S314 - our own and botocore's


@given(configurations)
def test_document_is_botocores_when_written(configuration: InventoryConfiguration):
    """Element for element, as ElementTree reads both."""
    assert _tree(_by_botocore(configuration)) == _tree(write_configuration(configuration))


@given(configurations)
def test_botocores_document_means_the_same_when_read(configuration: InventoryConfiguration):
    """The reader on what every Python client sends."""
    assert configuration == read_configuration(_by_botocore(configuration))


def test_canonical_document_is_this_text_when_written():
    """The bytes that S3 will see."""
    expected = (
        f'<InventoryConfiguration xmlns="{S3_NAMESPACE}"><Destination><S3BucketDestination>'
        "<AccountId>123456789012</AccountId><Bucket>arn:aws:s3:::reports</Bucket>"
        "<Format>Parquet</Format><Prefix>a&amp;b&lt;ü&gt;</Prefix><Encryption><SSE-KMS>"
        "<KeyId>k</KeyId></SSE-KMS></Encryption></S3BucketDestination></Destination>"
        "<IsEnabled>false</IsEnabled><Filter><Prefix>p</Prefix></Filter><Id>inv-1</Id>"
        "<IncludedObjectVersions>Current</IncludedObjectVersions><OptionalFields>"
        "<Field>Size</Field><Field>ETag</Field></OptionalFields><Schedule>"
        "<Frequency>Weekly</Frequency></Schedule></InventoryConfiguration>"
    )
    configuration = InventoryConfiguration(
        id="inv-1",
        is_enabled=False,
        destination=Destination(
            "arn:aws:s3:::reports", "Parquet", "123456789012", "a&b<ü>", SseKms("k")
        ),
        included_object_versions="Current",
        frequency="Weekly",
        filter_prefix="p",
        optional_fields=("Size", "ETag"),
    )
    assert expected == write_configuration(configuration).decode()


# --- the grammar, from botocore's model -----------------------------------------------------------

#: Shape -> (required, members in order), as the reader and the writer know them.
GRAMMAR = {
    "InventoryConfiguration": (
        "Destination IsEnabled Id IncludedObjectVersions Schedule",
        "Destination IsEnabled Filter Id IncludedObjectVersions OptionalFields Schedule",
    ),
    "InventoryDestination": ("S3BucketDestination", "S3BucketDestination"),
    "InventoryS3BucketDestination": ("Bucket Format", "AccountId Bucket Format Prefix Encryption"),
    "InventoryEncryption": ("", "SSES3 SSEKMS"),
    "SSES3": ("", ""),
    "SSEKMS": ("KeyId", "KeyId"),
    "InventoryFilter": ("Prefix", "Prefix"),
    "InventorySchedule": ("Frequency", "Frequency"),
}


@pytest.mark.parametrize("shape", GRAMMAR)
def test_grammar_is_botocores_when_compared(shape: str):
    """A botocore that knows a member more turns this red: S3 has grown, and so must the reader."""
    model = _MODEL["shapes"][shape]
    required, members = GRAMMAR[shape]
    assert (required.split(), members.split()) == (
        list(model.get("required", [])),
        list(model["members"]),
    )


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ("InventoryOptionalField", OPTIONAL_FIELDS),
        ("InventoryFormat", FORMATS),
        ("InventoryFrequency", FREQUENCIES),
        ("InventoryIncludedObjectVersions", VERSIONS),
    ],
)
def test_enumeration_is_botocores_when_compared(shape: str, values: tuple[str, ...]):
    """S3 adds a field about once a year."""
    assert sorted(_MODEL["shapes"][shape]["enum"]) == sorted(values)


def test_there_are_19_fields_when_counted():
    """So that a field lost on both sides is seen."""
    assert 19 == len(set(OPTIONAL_FIELDS))


# --- fuzzing --------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_nothing_but_a_request_error_is_raised_when_the_bytes_are_arbitrary(data: bytes):
    """I26, with and without the head of a document."""
    for document in (data, ROOT.encode() + data, V.encode()[:-30] + data):
        with suppress(RequestError):
            read_configuration(document)


_FRAGMENTS = st.sampled_from(
    [
        *(
            "<",
            ">",
            "</",
            "/>",
            "&",
            "&#",
            ";",
            "<!",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?",
            "?>",
        ),
        *(
            " xmlns=''",
            ' a="',
            "\x00",
            "\n",
            "é",
            "<Id>",
            "</Id>",
            BUCKET,
            *PARTS,
            "\ufeff",
            "xml:",
        ),
        *("<SSE-S3/>", "<Encryption>", "</Encryption>", "<Prefix>", "</Prefix>", "&lt;", "&#x41;"),
    ]
) | st.text(max_size=3)


@given(st.lists(st.tuples(st.integers(0, len(V)), _FRAGMENTS, st.integers(0, 12)), max_size=4))
def test_mutated_document_is_refused_or_read_into_the_model_when_valid_before(
    edits: list[tuple[int, str, int]],
):
    """Whatever is still read is read again from what the writer makes of it."""
    document = V
    for at, fragment, cut in edits:
        document = document[:at] + fragment + document[at + cut :]
    with suppress(RequestError):
        configuration = read_configuration(document.encode("utf-8", "surrogatepass"))
        assert configuration == read_configuration(write_configuration(configuration))


# --- what real clients send -----------------------------------------------------------------------


def _documents(part: str) -> list[Capture]:
    return [
        capture
        for capture in load_captures().requests
        if "put_inventory" in capture.case and part in capture.case
    ]


def test_id_is_refused_by_its_alphabet_when_a_client_sends_a_space_and_a_plus():
    """The `full` documents are named "full report+1"."""
    captures = _documents("full")
    messages = {_refusal(capture.body).message for capture in captures}
    assert len(captures) > 10
    assert 1 == len(messages)
    assert "Id must be 1 to 64 of A-Z a-z 0-9 _ . -, not 'full report+1'" in messages.pop()


@pytest.mark.parametrize("client", sorted({item.client for item in _documents("full")}))
def test_full_document_is_read_whole_when_its_id_is_mended(client: str):
    """Each client's order, prolog and namespace, one meaning."""
    (capture,) = (item for item in _documents("full") if item.client == client)
    document = capture.body.replace(b"full report+1", b"full-report-1")
    configuration = read_configuration(document)
    fields = 10 if client.startswith("ibm") else 15
    assert ("full-report-1", "logs/<2026>/ü") == (configuration.id, configuration.filter_prefix)
    assert fields == len(configuration.optional_fields)
    assert configuration == read_configuration(write_configuration(configuration))


def test_every_other_document_is_read_when_a_client_sent_it():
    """Without a namespace (paws), with a prolog (JavaScript), with SSES3 (paws, not IBM's) too."""
    captures = [capture for capture in _documents("") if "full" not in capture.case]
    read = {capture.file: read_configuration(capture.body) for capture in captures}
    encryptions = {
        type(read[capture.file].destination.encryption)
        for capture in captures
        if capture.case == "put_inventory_sses3" and not capture.client.startswith("ibm")
    }
    assert len(read) > 60
    assert {"1", "2", "sses3"} == {configuration.id for configuration in read.values()}
    assert {SseS3} == encryptions
