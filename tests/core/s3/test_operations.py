"""The classifier: the table against botocore's model, and every spelling of `inventory`."""

import unicodedata
from collections import Counter
from typing import Any, Final

import botocore.loaders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError
from gateway.core.s3.address import Hosts
from gateway.core.s3.operations import (
    BUCKET_SELECTORS,
    DEFAULT_GROUPS,
    DELETE_INVENTORY,
    GET_INVENTORY,
    LIST_INVENTORY,
    OBJECT_SELECTORS,
    PARAMETERS,
    PUT_INVENTORY,
    TABLE,
    Group,
    Operation,
    classify,
    operations,
)
from gateway.core.s3.query import encode
from gateway.core.s3.request import read_request
from tests.support.captures import Capture, load_captures

HOSTS = Hosts(names=("h",), suffixes=(".virtual",))
MODEL: Final[dict[str, Any]] = botocore.loaders.Loader().load_service_model("s3", "service-2")


def _classify(method: str, target: str, *headers: tuple[str, str], host: str = "h") -> Operation:
    return classify(read_request(method, target, [("Host", host), *headers], HOSTS))


def _refusal(method: str, target: str, host: str = "h") -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        _classify(method, target, host=host)
    return caught.value


# --- the table ------------------------------------------------------------------------------------

#: Operations of the model that are no rows of their own.
UNLISTED = {
    "GetBucketLifecycle": "an older name of GetBucketLifecycleConfiguration, the same on the wire",
    "PutBucketLifecycle": "an older name of PutBucketLifecycleConfiguration",
    "GetBucketNotification": "an older name of GetBucketNotificationConfiguration",
    "PutBucketNotification": "an older name of PutBucketNotificationConfiguration",
    "ListDirectoryBuckets": "GET / on the endpoint of directory buckets, which is never addressed",
    "WriteGetObjectResponse": "POST to the endpoint of Object Lambda; the path is no bucket's",
}
#: Told from their sibling by a parameter or a header.
VARIANT_OF = {
    "CopyObject": "PutObject",
    "UploadPartCopy": "UploadPart",
    "ListObjectsV2": "ListObjects",
    "ListObjectAnnotations": "GetObjectAnnotation",
    "ListBucketAnalyticsConfigurations": "GetBucketAnalyticsConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetBucketIntelligentTieringConfiguration",
    "ListBucketInventoryConfigurations": "GetBucketInventoryConfiguration",
    "ListBucketMetricsConfigurations": "GetBucketMetricsConfiguration",
}
#: The model keeps their selector in a required query parameter.
BY_UPLOAD_ID = {"AbortMultipartUpload", "CompleteMultipartUpload", "ListParts", "UploadPart"}


def test_operations_are_all_of_s3s_when_compared_with_botocores_model():
    """A botocore that knows an operation more turns this red: decide on it, then list it."""
    expected = set(MODEL["operations"]) - set(UNLISTED)
    assert (116, expected) == (len(MODEL["operations"]), {item.name for item in operations()})


@pytest.mark.parametrize("name", sorted(set(MODEL["operations"]) - set(UNLISTED)))
def test_row_is_botocores_when_an_operation_is_listed(name: str):
    """Method, level and selector are those of the model's request URI."""
    http = MODEL["operations"][VARIANT_OF.get(name, name)]["http"]
    path, _, query = http["requestUri"].partition("?")
    level = "object" if "{Key+}" in path else "bucket" if "{Bucket}" in path else "service"
    by_upload = VARIANT_OF.get(name, name) in BY_UPLOAD_ID
    selector = "uploadId" if by_upload else query.partition("&")[0] or "-"
    assert VARIANT_OF.get(name, name) == TABLE[(http["method"], level, selector)].name


def test_every_operation_has_one_row_when_all_are_counted():
    """No name twice."""
    assert {1} == set(Counter(item.name for item in operations()).values())


EXPORTING = ("Analytics", "Metadata", "Replication", "Logging", "Notification")
CHANGING = ("Put", "Delete", "Create", "Update")
#: Its name says bucket or object, and its group another thing on purpose.
GROUPED = {
    "ListBuckets": Group.LISTING,
    "ListObjects": Group.LISTING,
    "ListObjectsV2": Group.LISTING,
    "ListObjectVersions": Group.LISTING,
    "ListMultipartUploads": Group.LISTING,
    "HeadBucket": Group.LISTING,
    "CreateBucket": Group.BUCKET_ADMIN,
    "DeleteBucket": Group.BUCKET_ADMIN,
    "DeleteObjects": Group.OBJECTS,
    "CreateSession": Group.REFUSED,
    "PutObjectAcl": Group.BUCKET_ADMIN,
    "GetObjectLockConfiguration": Group.BUCKET_READ,
    "PutObjectLockConfiguration": Group.BUCKET_ADMIN,
}


def _expected_group(name: str, level: str) -> Group:
    if name in GROUPED:
        return GROUPED[name]
    if "Inventory" in name and "Metadata" not in name:
        return Group.INVENTORY
    if level == "object":
        return Group.OBJECTS
    if any(word in name for word in EXPORTING):
        return Group.EXPORTS
    return Group.BUCKET_ADMIN if name.startswith(CHANGING) else Group.BUCKET_READ


def test_group_follows_what_an_operation_does_when_listed():
    """Reads, changes, and what leaks the things that inventories leak."""
    levels = {item.name: level for (_, level, _), item in TABLE.items()}
    expected = {
        item.name: _expected_group(item.name, levels[VARIANT_OF.get(item.name, item.name)])
        for item in operations()
    }
    assert expected == {item.name: item.group for item in operations()}


def test_default_groups_hold_no_door_around_the_gate_when_granted():
    """Row 104: exports and bucket administration are granted by name only."""
    granted = {item.name for item in operations() if item.group in DEFAULT_GROUPS}
    assert not {name for name in granted if name.startswith("PutBucket")} - {PUT_INVENTORY}
    assert not any(word in name for word in EXPORTING for name in granted)
    assert "CreateSession" not in granted


def test_policy_decides_when_the_operation_needs_the_put_permission():
    """IAM's s3:PutInventoryConfiguration covers two operations, and these are gated."""
    gated = {item.name for item in operations() if item.is_gated}
    assert {PUT_INVENTORY, DELETE_INVENTORY} == gated


@pytest.mark.parametrize(
    ("method", "level", "selector"),
    [
        pytest.param(*key, id=item.name)
        for key, item in TABLE.items()
        if not item.is_gated and item.name != "GetObjectAnnotation"
    ],
)
def test_row_is_found_when_its_request_comes(method: str, level: str, selector: str):
    """Each row of the table by a request of its own."""
    path = {"service": "/", "bucket": "/bucket", "object": "/bucket/key"}[level]
    target = path if selector == "-" else f"{path}?{selector}=1&id=1"
    assert TABLE[method, level, selector] == _classify(method, target)


@pytest.mark.parametrize(
    ("method", "target", "headers", "expected"),
    [
        ("GET", "/bucket?list-type=2", [], "ListObjectsV2"),
        ("GET", "/bucket?list-type=1", [], "ListObjects"),
        ("PUT", "/bucket/key", [("x-amz-copy-source", "b/k")], "CopyObject"),
        ("PUT", "/bucket/key?X-Amz-Copy-Source=b%2Fk", [], "CopyObject"),
        ("PUT", "/bucket/key?uploadId=1&partNumber=1", [], "UploadPart"),
        (
            "PUT",
            "/bucket/key?partNumber=1&uploadId=1",
            [("X-Amz-Copy-Source", "b/k")],
            "UploadPartCopy",
        ),
        ("GET", "/bucket/key?annotation&annotationName=a", [], "GetObjectAnnotation"),
        ("GET", "/bucket/key?annotation", [], "ListObjectAnnotations"),
        ("GET", "/bucket?analytics", [], "ListBucketAnalyticsConfigurations"),
        ("GET", "/bucket?metrics&id=", [], "ListBucketMetricsConfigurations"),
        ("GET", "/bucket?intelligent-tiering&id=1", [], "GetBucketIntelligentTieringConfiguration"),
        ("GET", "/bucket/key?partNumber=1", [], "GetObject"),
        ("GET", "/bucket/key?analytics", [], "GetObject"),
        ("GET", "/bucket/key?versionId=1", [], "GetObject"),
        ("GET", "/bucket/key?acl&versionId=1", [], "GetObjectAcl"),
        ("PUT", "/bucket/key?policy", [], "PutBucketPolicy"),
        ("PUT", "/bucket/key?replication", [], "PutBucketReplication"),
        ("GET", "/bucket?prefix=inventory", [], "ListObjects"),
        ("GET", "/?x-id=ListBuckets", [], "ListBuckets"),
    ],
)
def test_sibling_is_told_apart_when_a_parameter_or_header_decides(
    method: str, target: str, headers: list[tuple[str, str]], expected: str
):
    """And the bucket selectors that S3 honours at key paths are the bucket's."""
    assert expected == _classify(method, target, *headers).name


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/bucket"),
        ("POST", "/bucket/key"),
        ("PATCH", "/bucket/key"),
        ("put", "/bucket/key"),
        ("GET", "/bucket?restore"),
        ("GET", "/bucket?uploadId=1"),
        ("GET", "/bucket?partNumber=1"),
        ("PUT", "/"),
        ("POST", "/"),
        ("GET", "/?acl"),
        ("OPTIONS", "/bucket/key"),
        ("TRACE", "/bucket"),
        ("", "/bucket"),
    ],
)
def test_request_is_not_implemented_when_no_row_holds_it(method: str, target: str):
    """I10: what the table does not hold is refused."""
    refusal = _refusal(method, target)
    assert ("NotImplemented", 501) == (refusal.code, refusal.status)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/bucket", "/bucket/key"])
@pytest.mark.parametrize("query", ["new", "new=1", "%6eew", "prefix=a&new", "ACL", "X-Id=1", "amz"])
def test_request_is_not_implemented_when_a_parameter_is_unknown(method: str, path: str, query: str):
    """I10: S3 may make a sub-resource of it, and then it is another operation."""
    refusal = _refusal(method, f"{path}?{query}")
    assert ("NotImplemented", 501) == (refusal.code, refusal.status)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("GET", "GetObjectTagging"), ("PUT", None), ("DELETE", None)],
)
def test_unknown_parameter_stands_beside_a_selector_when_nothing_is_written(
    method: str, expected: str | None
):
    """Row 22: a second selector would be a conflict to S3; a write takes no chance."""
    if expected is None:
        assert "NotImplemented" == _refusal(method, "/bucket/key?tagging&new").code
    else:
        assert expected == _classify(method, "/bucket/key?tagging&new").name


@pytest.mark.parametrize(
    "query",
    ["X-Amz-Acl=private", "x-amz-meta-a=b", "Expires=1", "x-id=a", "x-team=a", "content-md5=a"],
)
def test_request_is_known_when_a_presigner_took_headers_into_the_query(query: str):
    """S3 reads them there, or ignores them."""
    assert "PutObject" == _classify("PUT", f"/bucket/key?{query}").name


def test_parameters_are_all_of_s3s_when_compared_with_botocores_model():
    """A parameter that a new botocore sends turns this red: decide on it, then list it."""
    inputs = [
        MODEL["shapes"][operation["input"]["shape"]]
        for operation in MODEL["operations"].values()
        if "input" in operation
    ]
    sent = {
        member["locationName"]
        for shape in inputs
        for member in shape["members"].values()
        if member.get("location") == "querystring"
    }
    for operation in MODEL["operations"].values():
        tokens = operation["http"]["requestUri"].partition("?")[2].split("&")
        sent |= {token.partition("=")[0] for token in tokens if token}
    added = set(
        "x-id AWSAccessKeyId Signature Expires content-md5 content-type date user-agent".split()
    )
    assert sent - BUCKET_SELECTORS - OBJECT_SELECTORS == PARAMETERS - added


def test_browser_upload_is_told_what_to_use_when_refused():
    """A POST policy is an authentication of its own."""
    assert "presigned URL" in _refusal("POST", "/bucket").message


# --- inventory: section 2.2 and the rows on routing -----------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        pytest.param("PUT", "/bucket?inventory&id=inv-1", PUT_INVENTORY, id="row-1"),
        pytest.param("PUT", "/bucket/?inventory&id=inv-1", PUT_INVENTORY, id="row-3"),
        pytest.param("PUT", "/bucket/any/key?inventory&id=inv-1", PUT_INVENTORY, id="row-4"),
        pytest.param("GET", "/bucket/k?inventory", LIST_INVENTORY, id="row-5"),
        pytest.param("DELETE", "/bucket/k?inventory&id=inv-1", DELETE_INVENTORY, id="row-6"),
        pytest.param("PUT", "/bucket?inventory=&id=inv-1", PUT_INVENTORY, id="row-7-empty"),
        pytest.param("PUT", "/bucket?inventory=1&id=inv-1", PUT_INVENTORY, id="row-7-value"),
        pytest.param("PUT", "/bucket?id=inv-1&inventory", PUT_INVENTORY, id="id-first"),
        pytest.param("PUT", "/bucket?inventory&id=", PUT_INVENTORY, id="row-17-ids-differ-later"),
        pytest.param("GET", "/bucket?inventory", LIST_INVENTORY, id="list"),
        pytest.param("GET", "/bucket?inventory&id=", LIST_INVENTORY, id="row-18"),
        pytest.param("GET", "/bucket?inventory&id=x", GET_INVENTORY, id="get"),
        pytest.param("GET", "/bucket?inventory&id=x&continuation-token=b", GET_INVENTORY, id="19"),
        pytest.param("GET", "/bucket?inventory&continuation-token=", LIST_INVENTORY, id="row-20"),
        pytest.param("DELETE", "/bucket?inventory&id=x", DELETE_INVENTORY, id="delete"),
        pytest.param(
            "PUT",
            "/bucket?inventory&id=x&x-id=PutBucketInventoryConfiguration",
            PUT_INVENTORY,
            id="row-21",
        ),
        pytest.param(
            "DELETE", "/bucket?inventory&id=x&x-id=GetObject", DELETE_INVENTORY, id="row-21-lies"
        ),
        pytest.param(
            "GET", "/bucket?inventory&x-id=ListBuckets", LIST_INVENTORY, id="row-21-lies-too"
        ),
        pytest.param("GET", "/bucket?foo=bar&inventory", LIST_INVENTORY, id="row-22-reads"),
        pytest.param(
            "PUT",
            "/bucket?inventory&id=x&X-Amz-Expires=60&X-Amz-Signature=0&x-amz-date=1",
            PUT_INVENTORY,
            id="row-92-presigned",
        ),
    ],
)
def test_inventory_operation_is_found_when_spelled_plainly(method: str, target: str, expected: str):
    """At any path of the bucket, in any order, with any value."""
    assert expected == _classify(method, target).name


def test_inventory_operation_is_found_when_virtual_hosted():
    """Row 2."""
    found = _classify("PUT", "/?inventory&id=inv-1", host="bucket.virtual")
    assert PUT_INVENTORY == found.name


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
@pytest.mark.parametrize(
    "query",
    [
        pytest.param("Inventory&id=x", id="row-8"),
        pytest.param("INVENTORY&id=x", id="row-8-upper-case"),
        pytest.param("%69nventory&id=x", id="row-9-first-letter"),
        pytest.param("inventor%79&id=x", id="row-9-last-letter"),
        pytest.param("%49nventory&id=x", id="row-9-upper-case-escaped"),
        pytest.param("%2569nventory&id=x", id="escaped-twice"),
        pytest.param("%252569nventory&id=x", id="escaped-thrice"),
        pytest.param("inventory&inventory&id=x", id="row-10"),
        pytest.param("inventory&%69nventory&id=x", id="row-10-escaped"),
        pytest.param("inventory&id=a&id=b", id="row-11"),
        pytest.param("inventory&id=a&%69d=b", id="row-12"),
        pytest.param("inventory&acl&id=x", id="row-13"),
        pytest.param("inventory&uploadId=x", id="row-14"),
        pytest.param("inventory&partNumber=1", id="row-14-part"),
        pytest.param("inventory&uploadId=x&partNumber=1", id="row-14-both"),
        pytest.param("inventory&versionId=x&id=x", id="row-15"),
        pytest.param("inventory;id=x", id="row-23"),
        pytest.param("id=x;inventory", id="row-23-second"),
        pytest.param("a;inventory=;b", id="row-23-between"),
        pytest.param("inventory%3Bid=x", id="row-23-escaped-semicolon"),
        pytest.param("inventory%26id=x", id="row-23-escaped-ampersand"),
        pytest.param("inventory%3D&id=x", id="row-23-escaped-equals"),
        pytest.param("inventory&id=a;b", id="row-23-semicolon-in-the-id"),
        pytest.param("+inventory&id=x", id="plus-before"),
        pytest.param("inventory+&id=x", id="plus-behind"),
        pytest.param("%20inventory&id=x", id="space"),
        pytest.param("inventory[]&id=x", id="brackets"),
        pytest.param("inventory%E2%80%8B&id=x", id="zero-width-space-behind"),
        pytest.param("%EF%BD%89nventory&id=x", id="fullwidth-letter"),
        pytest.param("inventory.x&id=x", id="dot"),
        pytest.param("?inventory&id=x", id="second-question-mark"),
        pytest.param("metadataInventoryTable&inventory&id=x", id="two-selectors"),
        pytest.param("MetadataInventoryTable&id=x", id="case-of-another"),
    ],
)
def test_inventory_is_refused_when_some_reader_might_take_it_for_another(method: str, query: str):
    """Rows 8-15 and 23: S3 would create or delete the bucket, or take the other value."""
    assert ("InvalidArgument", 400) == (
        _refusal(method, "/bucket?" + query).code,
        _refusal(method, "/bucket/key?" + query).status,
    )


def test_name_is_another_when_escaped_more_often_than_anyone_unescapes():
    """Four rounds are looked through; S3 itself does one. What is behind them is unknown."""
    refusal = _refusal("GET", "/bucket?%25252525252569nventory")
    assert ("NotImplemented", True) == (refusal.code, "25252569nventory" in refusal.message)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "query",
    [
        pytest.param("inventory", id="row-16-no-id"),
        pytest.param("inventory&ID=x", id="row-12-id-in-upper-case"),
        pytest.param("foo=bar&inventory&id=x", id="row-22-unknown"),
        pytest.param("inventory&i%64=x", id="escaped-id"),
        pytest.param("inventory&id=x&%78-id=y", id="escaped-x-id"),
        pytest.param("inventory&id=x&continuation-token=", id="a-reads-parameter"),
        pytest.param("inventory&id=x&x-amz-copy-source=b", id="hoisted-header"),
        pytest.param("inventory&id=x&delimiter", id="anothers-parameter"),
    ],
)
def test_gated_write_is_refused_when_it_carries_more_or_less(method: str, query: str):
    """A gated write is `inventory`, one `id`, and what signing adds."""
    assert "InvalidArgument" == _refusal(method, "/bucket?" + query).code


def test_conflict_is_told_in_s3s_words_when_two_selectors_stand():
    """Row 13: names sorted, the first as sent."""
    refusal = _refusal("PUT", "/bucket?inventory&acl&id=x")
    expected = {"ArgumentName": "ResourceType", "ArgumentValue": "inventory"}
    assert "Conflicting query string parameters: acl, inventory" == refusal.message
    assert expected == refusal.members


def test_version_is_refused_in_s3s_words_when_beside_a_bucket_selector():
    """Row 15; at a key path too, where S3 reads the bucket's selector."""
    for target in ("/bucket?inventory&versionId=x", "/bucket/key?inventory&versionId=x"):
        refusal = _refusal("GET", target)
        assert "This operation does not accept a version-id." == refusal.message
        assert {"ArgumentName": "versionId", "ArgumentValue": "x"} == refusal.members


@pytest.mark.parametrize("target", ["/bucket?inventory", "/bucket/key?inventory&id=x"])
@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "OPTIONS", "put"])
def test_method_is_not_allowed_when_inventory_has_no_such(method: str, target: str):
    """Row 26."""
    refusal = _refusal(method, target)
    assert ("MethodNotAllowed", 405) == (refusal.code, refusal.status)
    assert {"Method": method, "ResourceType": "INVENTORY"} == refusal.members
    assert {"Allow": "DELETE, GET, PUT"} == refusal.headers


def test_method_override_is_ignored_when_sent():
    """Row 27."""
    headers = [("X-HTTP-Method-Override", "GET"), ("X-Method-Override", "GET")]
    assert PUT_INVENTORY == _classify("PUT", "/bucket?inventory&id=x", *headers).name


@pytest.mark.parametrize(
    "target",
    [
        "/bucket/..%2fother?inventory&id=x",
        "/bucket/../other?inventory&id=x",
        "/bucket/%2e%2e/other?inventory&id=x",
        "/bucket/.?inventory&id=x",
        "/bucket/a/%2E?inventory&id=x",
    ],
)
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_inventory_is_refused_when_the_path_has_dot_segments(method: str, target: str):
    """Row 28: a reader that resolves them sees another bucket."""
    assert "InvalidURI" == _refusal(method, target).code


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "HEAD"])
def test_inventory_is_refused_when_no_bucket_is_addressed(method: str):
    """The service has no inventory; a reader of another Host header might see a bucket."""
    assert "NotImplemented" == _refusal(method, "/?inventory&id=x").code


INVENTORY_NAMES = {PUT_INVENTORY, DELETE_INVENTORY, GET_INVENTORY, LIST_INVENTORY}


def _fullwidth(char: str) -> str:
    return encode(unicodedata.lookup(f"FULLWIDTH LATIN SMALL LETTER {char.upper()}"))


@st.composite
def _inventory_names(draw: st.DrawFn) -> str:
    """`inventory`, each letter plain, in upper case, escaped, escaped twice, or fullwidth."""
    return "".join(
        draw(
            st.just(char)
            | st.sampled_from(
                [char.upper(), f"%{ord(char):02x}", f"%25{ord(char):02X}", _fullwidth(char)]
            )
        )
        for char in "inventory"
    )


_others = st.sampled_from(
    "id=x id= x-id=GetObject prefix=a uploadId=1 list-type=2 versionId X-Amz-Signature=0 a = "
    "foo=inventory %2e".split()
) | st.sampled_from(["", *sorted(BUCKET_SELECTORS | OBJECT_SELECTORS)])
_paths = st.sampled_from(["/", "/bucket", "/bucket/", "/bucket/key", "/bucket//a/", "/bucket/.."])
_methods = st.sampled_from(["GET", "PUT", "DELETE", "POST", "HEAD", "PATCH", "OPTIONS"])


@given(
    _methods,
    _paths,
    st.lists(_others, max_size=3),
    _inventory_names(),
    st.sampled_from(["", "=", "=1", "=%00", "=a=b"]),
    st.lists(_others, max_size=3),
    st.sampled_from(["&", "&", "&&", ";"]),
    st.sampled_from(["h", "bucket.virtual"]),
)
def test_no_other_operation_is_found_when_inventory_stands_anywhere(
    method: str,
    path: str,
    before: list[str],
    name: str,
    value: str,
    behind: list[str],
    separator: str,
    host: str,
):
    """I14: any place, value, case, escape or separator is an inventory operation or a refusal."""
    query = separator.join([*before, name + value, *behind])
    try:
        found = _classify(method, f"{path}?{query}", host=host).name
    except GatewayError:
        return
    assert found in INVENTORY_NAMES


@given(_methods, _paths, st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
def test_nothing_but_a_gateway_error_is_raised_when_the_query_is_arbitrary(
    method: str, path: str, query: str
):
    """I26; and where `inventory` is among the names, no other operation is found."""
    names: frozenset[str] = frozenset()
    try:
        request = read_request(method, f"{path}?{query}", [("Host", "h")], HOSTS)
        names = request.query.names
        found = classify(request).name
    except GatewayError:
        return
    assert "inventory" not in names or found in INVENTORY_NAMES


# --- what real clients send -----------------------------------------------------------------------

EXPECTED = {
    "put_inventory": PUT_INVENTORY,
    "get_inventory": GET_INVENTORY,
    "list_inventory": LIST_INVENTORY,
    "delete_inventory": DELETE_INVENTORY,
}
#: libcurl takes the dot segments out after signing: another bucket, hence another operation.
SQUASHED = {
    "pyarrow/odd_key_leaddotdot.01.http": "NotImplemented",
    "pyarrow/odd_key_leaddotdot.02.http": "NotImplemented",
    "pyarrow/odd_key_leaddotdot.03.http": "NotImplemented",
    "pyarrow/odd_key_leaddotdot.04.http": "InvalidArgument",
}
TWO_LENGTHS = {"rclone/presigned_put_internal.03.http": "BadRequest"}


def _operation_of(capture: Capture) -> str:
    suffix = capture.virtual_host_suffix
    hosts = Hosts(names=("*",)) if suffix is None else Hosts(names=(), suffixes=(suffix,))
    try:
        head = read_request(capture.method, capture.target, capture.headers, hosts)
        return classify(head).name
    except GatewayError as fault:
        return fault.code


def test_inventory_calls_are_found_when_real_clients_make_them():
    """Every client's PUT, GET, LIST and DELETE, in each of their spellings."""
    found: dict[str, set[str]] = {}
    for capture in load_captures().requests:
        for case in EXPECTED:
            if case in capture.case and not capture.case.startswith(("err_", "quirk_")):
                found.setdefault(case, set()).add(_operation_of(capture))
    assert {case: {name} for case, name in EXPECTED.items()} == found


def test_no_client_is_refused_when_it_makes_an_ordinary_call():
    """Every capture is an operation of the table, but for what a client garbled."""
    known = {item.name for item in operations()}
    refused = {
        capture.file: name
        for capture in load_captures().requests
        if (name := _operation_of(capture)) not in known
    }
    assert SQUASHED | TWO_LENGTHS == refused
