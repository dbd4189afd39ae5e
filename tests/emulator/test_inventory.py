"""The inventory API through a real SDK, and its exact bytes."""

import pytest
from botocore.exceptions import ClientError

CONFIGURATION = {
    "Id": "full",
    "IsEnabled": True,
    "IncludedObjectVersions": "Current",
    "Schedule": {"Frequency": "Weekly"},
    "Filter": {"Prefix": "a&b/"},
    "OptionalFields": ["Size", "ObjectOwner"],
    "Destination": {
        "S3BucketDestination": {
            "AccountId": "111122223333",
            "Bucket": "arn:aws:s3:::inventories",
            "Format": "Parquet",
            "Prefix": "from/reports",
            "Encryption": {"SSEKMS": {"KeyId": "arn:aws:kms:eu-central-1:111122223333:key/k"}},
        }
    },
}
ENCRYPTED = "<Format>CSV</Format><Encryption>{}</Encryption>"


async def test_put_get_list_delete(sdk):
    """The life of a configuration; what goes in comes out."""
    put = await sdk(
        "put_bucket_inventory_configuration",
        Bucket="reports",
        Id="full",
        InventoryConfiguration=CONFIGURATION,
    )
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204
    got = await sdk("get_bucket_inventory_configuration", Bucket="reports", Id="full")
    assert got["InventoryConfiguration"] == CONFIGURATION
    listed = await sdk("list_bucket_inventory_configurations", Bucket="reports")
    assert listed["InventoryConfigurationList"] == [CONFIGURATION]
    assert listed["IsTruncated"] is False
    deleted = await sdk("delete_bucket_inventory_configuration", Bucket="reports", Id="full")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(ClientError, match="NoSuchConfiguration"):
        await sdk("delete_bucket_inventory_configuration", Bucket="reports", Id="full")


async def test_pages_of_a_hundred(sdk, emulator, valid):
    """250 configurations come sorted, in three pages."""
    for number in range(250):
        document = valid.replace("inv-1", f"inv-{number:03}").encode()
        emulator.buckets["reports"].inventories[f"inv-{number:03}"] = document
    sizes, ids = [], []
    token: dict[str, str] = {}
    while True:
        page = await sdk("list_bucket_inventory_configurations", Bucket="reports", **token)
        sizes.append(len(page["InventoryConfigurationList"]))
        ids += [found["Id"] for found in page["InventoryConfigurationList"]]
        assert page.get("ContinuationToken") == token.get("ContinuationToken")
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert sizes == [100, 100, 50]
    assert ids == [f"inv-{number:03}" for number in range(250)]


async def test_the_thousand_and_first_is_refused(raw, emulator, valid):
    """1,000 is the limit; replacing one of them still works."""
    inventories = emulator.buckets["reports"].inventories
    inventories |= {f"inv-{number}": b"" for number in range(1000)}
    refused = await raw.send(
        "PUT", "/reports?inventory&id=more", valid.replace("inv-1<", "more<").encode()
    )
    assert (refused.status, refused.code) == (400, "TooManyConfigurations")
    replaced = await raw.send("PUT", "/reports?inventory&id=inv-1", valid.encode())
    assert replaced.status == 204
    assert len(inventories) == 1000


async def test_the_bytes_of_the_answers(raw, emulator, valid):
    """No Content-Type, no newline after the declaration, no invented body."""
    put = await raw.send("PUT", "/reports?inventory&id=inv-1", valid.encode())
    assert (put.status, put.body) == (204, b"")
    assert not {"content-type", "content-length"} & put.headers.keys()
    got = await raw.send("GET", "/reports?inventory&id=inv-1")
    assert got.body == emulator.buckets["reports"].inventories["inv-1"]
    assert got.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?><InventoryConfiguration x')
    assert "content-type" not in got.headers
    listed = await raw.send("GET", "/reports?inventory&continuation-token=")
    assert listed.body.startswith(
        b'<?xml version="1.0" encoding="UTF-8"?><ListInventoryConfigurationsResult xmlns='
        b'"http://s3.amazonaws.com/doc/2006-03-01/"><InventoryConfiguration><Id>inv-1</Id>'
    )
    assert listed.body.endswith(
        b"<IsTruncated>false</IsTruncated><ContinuationToken/></ListInventoryConfigurationsResult>"
    )
    assert "content-type" not in listed.headers


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("inv-1", "Inv-1"), "IdMismatch", "Document ID does not match the specified confi"),
        (("arn:aws:s3:::inventories", "inventories"), "InvalidS3DestinationBucket", "Invalid bu"),
        (
            ("s3:::inv", "s3::111122223333:inv"),
            "InvalidS3DestinationBucket",
            "Bucket ARN should not specify a namespace.",
        ),
        (("s3:::inv", "s3:eu-west-1::inv"), "InvalidS3DestinationBucket", "Invalid bucket ARN."),
        (("aws:s3:::inv", "aws:sns:::inv"), "InvalidS3DestinationBucket", "Invalid bucket ARN."),
        (("inventories<", "inventories/x<"), "InvalidS3DestinationBucket", "Invalid bucket ARN."),
        (("CSV", "csv"), "MalformedXML", "The XML you provided was not well-formed"),
        (("CSV", " CSV "), "MalformedXML", "The XML"),
        (("Daily", "Hourly"), "MalformedXML", "The XML"),
        ((">All<", ">CURRENT<"), "MalformedXML", "The XML"),
        ((">true<", ">yes<"), "MalformedXML", "The XML"),
        (("inv-1", "a b"), "MalformedXML", "The XML"),
        (("inv-1", "a" * 65), "MalformedXML", "The XML"),
        (("<Id>inv-1</Id>", ""), "MalformedXML", "The XML"),
        (("<Id>inv-1</Id>", "<Id>inv-1</Id><Id>inv-1</Id>"), "MalformedXML", "The XML"),
        (("<Id>", "<Owner>x</Owner><Id>"), "MalformedXML", "The XML"),
        (("<Id>", "stray<Id>"), "MalformedXML", "The XML"),
        (("<Id>", "<Filter/><Id>"), "MalformedXML", "The XML"),
        (("CSV</Format>", "CSV</Format><Encryption/>"), "MalformedXML", "The XML"),
        (
            (
                "<Format>CSV</Format>",
                ENCRYPTED.format("<SSE-S3/><SSE-KMS><KeyId>k</KeyId></SSE-KMS>"),
            ),
            "MalformedXML",
            "The XML",
        ),
        (("<Format>CSV</Format>", ENCRYPTED.format("<SSES3/>")), "MalformedXML", "The XML"),
        (
            ("<Id>", "<OptionalFields><Field>Etag</Field></OptionalFields><Id>"),
            "MalformedXML",
            "The XML",
        ),
        (
            (
                "<Id>",
                "<OptionalFields><Field>Size</Field><Field>Size</Field></OptionalFields><Id>",
            ),
            "MalformedXML",
            "The XML",
        ),
        (
            ("<Inv", '<!DOCTYPE x [<!ENTITY e "x">]><Inv'),
            "MalformedXML",
            "The XML",
        ),
        (("</InventoryConfiguration>", ""), "MalformedXML", "The XML"),
        (("InventoryConfiguration", "AnalyticsConfiguration"), "MalformedXML", "The XML"),
    ],
)
async def test_refused_documents(raw, emulator, valid, change, code, message):
    """Each rule with its code and its message; nothing is stored."""
    reply = await raw.send("PUT", "/reports?inventory&id=inv-1", valid.replace(*change).encode())
    assert (reply.status, reply.code) == (400, code)
    assert reply.error["Message"].startswith(message)
    assert emulator.buckets["reports"].inventories == {}


@pytest.mark.parametrize(
    "change",
    [
        ("arn:aws:s3:::inventories", "arn:aws:s3:::does-not-exist-anywhere"),
        (' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', ""),
        ("<Format>CSV</Format>", ENCRYPTED.format("<SSE-S3></SSE-S3>")),
        ("<Id>", "<!-- said --><OptionalFields/><Id>"),
        ("<Id>inv-1</Id><IncludedObjectVersions>All</IncludedObjectVersions>",
         "<IncludedObjectVersions>All</IncludedObjectVersions>\n<Id>inv-1</Id>"),
    ],
)  # fmt: skip
async def test_accepted_documents(raw, emulator, valid, change):
    """Order, namespace and comments do not matter; the destination is not looked up."""
    changed = valid.replace(*change)
    assert changed != valid
    reply = await raw.send("PUT", "/reports?inventory&id=inv-1", changed.encode())
    assert reply.status == 204
    assert list(emulator.buckets["reports"].inventories) == ["inv-1"]


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("PUT", "/reports?inventory&id=inv-1", 400, "MissingRequestBodyError"),
        ("GET", "/reports?inventory&id=absent", 404, "NoSuchConfiguration"),
        ("GET", "/reports?inventory&id=absent&continuation-token=bad", 404, "NoSuchConfiguration"),
        ("GET", "/reports?inventory&continuation-token=bad", 400, "MalformedContinuationToken"),
        ("DELETE", "/reports?inventory&id=absent", 404, "NoSuchConfiguration"),
        ("GET", "/absent?inventory&id=a", 404, "NoSuchBucket"),
        ("GET", "/reports?inventory&acl", 400, "InvalidArgument"),
        ("GET", "/reports?inventory&versionId=1", 400, "InvalidArgument"),
        ("PUT", "/reports/k?inventory&partNumber=1", 400, "InvalidArgument"),
        ("POST", "/absent?inventory", 405, "MethodNotAllowed"),
        ("PATCH", "/reports?inventory", 405, "MethodNotAllowed"),
    ],
)
async def test_refused_requests(raw, method, target, status, code):
    """Refusals that need no document; inventory's come without an XML declaration."""
    reply = await raw.send(method, target)
    assert (reply.status, reply.code) == (status, code)
    assert reply.body.startswith(b"<Error><Code>")
    assert reply.headers["content-type"] == "application/xml"
    assert list(reply.error)[-2:] == ["RequestId", "HostId"]
    assert reply.error["RequestId"] == reply.headers["x-amz-request-id"]


async def test_messages_of_refused_requests(raw):
    """The three messages clients match on."""
    conflict = await raw.send("GET", "/reports?inventory=1&acl")
    assert conflict.error["Message"] == "Conflicting query string parameters: acl, inventory"
    missing = await raw.send("GET", "/reports?inventory&id=absent")
    assert missing.error["Message"] == "The specified configuration does not exist."
    token = await raw.send("GET", "/reports?inventory&continuation-token=bad")
    assert token.error["Message"] == "The continuation-token you provided invalid."
    method = await raw.send("POST", "/reports?inventory")
    assert method.error["ResourceType"] == "INVENTORY"
    assert method.headers["allow"] == "DELETE, GET, PUT"


async def test_head_is_405_without_a_body(raw):
    """HEAD ?inventory is refused before the bucket is looked up."""
    reply = await raw.send("HEAD", "/absent?inventory")
    assert (reply.status, reply.body) == (405, b"")
    assert reply.headers["content-type"] == "application/xml"
    assert "GET" in reply.headers["allow"]


@pytest.mark.parametrize(
    "target",
    [
        "/reports/?inventory&id=inv-1",
        "/reports?id=inv-1&inventory=",
        "/reports?inventory=1&inventory&id=inv-1&id=other",
        "/reports/any/key?inventory&id=inv-1",
        "/reports?id=inv-1&inventory=&x-id=GetObject",
    ],
)
async def test_every_spelling_of_the_selector(raw, emulator, valid, target):
    """All of these are the inventory operation of the bucket, at a key's path too."""
    assert (await raw.send("PUT", target, valid.encode())).status == 204
    assert list(emulator.buckets["reports"].inventories) == ["inv-1"]
    assert not emulator.buckets["reports"].objects
    assert b"<Id>inv-1</Id>" in (await raw.send("GET", target)).body
    assert (await raw.send("DELETE", target)).status == 204
    assert not emulator.buckets["reports"].inventories


async def test_encoded_selector(raw, emulator, valid):
    """The name is decoded before it selects; the signature covers the decoded name."""
    reply = await raw.send(
        "PUT",
        "/reports?id=inv-1&inventory=",
        valid.encode(),
        send_target="/reports?%69nventory&id=inv%2d1",
    )
    assert reply.status == 204
    assert list(emulator.buckets["reports"].inventories) == ["inv-1"]


async def test_empty_id_lists(raw):
    """`id=` on a GET is a list."""
    reply = await raw.send("GET", "/reports?inventory&id=")
    assert b"<ListInventoryConfigurationsResult" in reply.body


async def test_another_case_deletes_the_bucket(raw, emulator):
    """`?Inventory` selects nothing: what is left of the request is DeleteBucket."""
    reply = await raw.send("DELETE", "/reports?Inventory&id=inv-1")
    assert reply.status == 204
    assert "reports" not in emulator.buckets


async def test_another_case_creates_a_bucket(raw, valid):
    """`PUT ?Inventory` is CreateBucket, which does not like the document."""
    reply = await raw.send("PUT", "/reports?Inventory&id=inv-1", valid.encode())
    assert (reply.status, reply.code) == (400, "InvalidArgument")
    assert reply.error["Message"] == (
        "InventoryConfiguration is not valid, expected CreateBucketConfiguration"
    )


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
@pytest.mark.parametrize(
    ("owner", "status", "code"),
    [
        ("444455556666", 403, "AccessDenied"),
        ("0000", 400, "InvalidBucketOwnerAWSAccountID"),
        ("aa000000000$", 400, "InvalidBucketOwnerAWSAccountID"),
    ],
)
async def test_expected_owner(raw, emulator, valid, method, owner, status, code):
    """The expected owner is checked by every operation, before it does anything."""
    emulator.buckets["reports"].inventories["inv-1"] = b"<kept/>"
    headers = {"x-amz-expected-bucket-owner": owner}
    body = valid.encode() if method == "PUT" else b""
    reply = await raw.send(method, "/reports?inventory&id=inv-1", body, headers)
    assert (reply.status, reply.code) == (status, code)
    assert emulator.buckets["reports"].inventories == {"inv-1": b"<kept/>"}
