"""Buckets: what is in them, what they are set to, how they come and go."""

from functools import partial
from typing import Any

from tests.servers.boto3_script import Boto, Table
from tests.servers.compare import outcome

OPERATIONS = Table()


@OPERATIONS.entry()
def listings(s3: Boto) -> Any:
    """Version 1 and 2: pages, prefixes, delimiters, encodings, beyond the end."""
    s3.put("a b/1", "a b/2", "a+b", "c/d/e", "c/f", "ü%&<>\"'", body=b"1")
    ways: list[dict[str, Any]] = [
        {},
        {"Prefix": "c/"},
        {"Prefix": "a b/", "Delimiter": "/"},
        {"Delimiter": "/"},
        {"MaxKeys": 2},
        {"MaxKeys": 0},
        {"MaxKeys": 2, "Delimiter": "/"},
        {"EncodingType": "url"},
        {"Prefix": "nothing"},
        {"Prefix": "a+"},
        {"Prefix": "ü%"},
    ]
    found: list[Any] = [
        s3(name, **way) for way in ways for name in ("list_objects", "list_objects_v2")
    ]
    found += [s3("list_objects", Marker="a b/2"), s3("list_objects_v2", StartAfter="a b/2")]
    found.append(s3("list_objects_v2", FetchOwner=True))
    return found


@OPERATIONS.entry()
def pages(s3: Boto) -> Any:
    """Marker and continuation tokens, with and without a delimiter; past what is there."""
    s3.put(*(f"{folder}/{number} +%ü" for folder in "abc" for number in range(4)), body=b"1")
    s3.put("a+b", "d", "é", body=b"1")
    found: list[Any] = []
    for name, how in (
        ("list_objects", {"PageSize": 2}),
        ("list_objects_v2", {"PageSize": 2}),
        ("list_objects_v2", {"PageSize": 5, "StartingToken": None}),
    ):
        for more in ({}, {"Delimiter": "/"}, {"Prefix": "b/"}, {"EncodingType": "url"}):
            where = {"Bucket": s3.side.bucket, **more}
            answers = s3.s3.get_paginator(name).paginate(**where, PaginationConfig=how)
            found += [outcome(partial(dict, page), s3.side) for page in answers]
    return [
        *found,
        s3("list_objects_v2", StartAfter="c/3 +%ü", MaxKeys=1),
        s3("list_objects_v2", StartAfter="zz"),
        s3("list_objects", Marker="zz"),
        s3("list_objects_v2", ContinuationToken="no token of yours"),
    ]


@OPERATIONS.entry()
def buckets_listed(s3: Boto) -> Any:
    """ListBuckets: this side's bucket among the others."""
    answer = s3.s3.list_buckets()
    found = [bucket for bucket in answer["Buckets"] if bucket["Name"] == s3.side.bucket]
    return outcome(lambda: {**answer, "Buckets": found}, s3.side)


@OPERATIONS.entry(
    refused="NoSuchBucketPolicy NoSuchCORSConfiguration ObjectLockConfigurationNotFoundError "
    "NotImplemented NotImplemented NotImplemented"
)
def bucket_settings(s3: Boto) -> Any:
    """Reads and a few writes at the bucket, and what the server does not know."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example"]}
    return [
        s3("head_bucket"),
        s3("get_bucket_location"),
        s3("get_bucket_versioning"),
        s3("get_bucket_policy"),
        s3("get_bucket_cors"),
        s3("put_bucket_cors", CORSConfiguration={"CORSRules": [rule]}),
        s3("get_bucket_cors"),
        s3("get_bucket_ownership_controls"),
        s3("get_object_lock_configuration"),
        s3("get_bucket_lifecycle_configuration"),
        s3("get_bucket_encryption"),
        s3("get_public_access_block"),
        s3("list_multipart_uploads"),
        s3("list_object_versions"),
    ]


@OPERATIONS.entry(refused="BucketAlreadyOwnedByYou BucketNotEmpty 404 NoSuchBucket NoSuchBucket")
def a_bucket_comes_and_goes(s3: Boto) -> Any:
    """CreateBucket, again, not empty, DeleteBucket, gone."""
    name, call = f"{s3.side.bucket}-two", s3.s3
    steps: list[tuple[Any, dict[str, Any]]] = [
        (call.create_bucket, {}),
        (call.create_bucket, {}),
        (call.put_object, {"Key": "a", "Body": b"1"}),
        (call.delete_bucket, {}),
        (call.delete_object, {"Key": "a"}),
        (call.delete_bucket, {}),
        (call.head_bucket, {}),
        (call.list_objects_v2, {}),
        (call.put_object, {"Key": "a", "Body": b"1"}),
    ]
    return [outcome(partial(step, Bucket=name, **more), s3.side) for step, more in steps]
