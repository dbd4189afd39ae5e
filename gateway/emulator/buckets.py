"""Operations on buckets: create, delete, head, location, acl, versioning, the list of them."""

import re

from gateway.emulator.answer import Answer, element, iso_time, leaf, xml
from gateway.emulator.bucket import EmulatedBucket
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange, canonical_id
from gateway.emulator.reader import Shape, read, root_name

_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_TAGS = Shape({"Tag": Shape({"Key": Shape(), "Value": Shape()}, repeated=True)})
_CREATE = Shape({"LocationConstraint": Shape(), "Tags": _TAGS})
_PAGING = ("max-buckets", "continuation-token", "prefix", "bucket-region")


def list_buckets(exchange: Exchange) -> Answer:
    """ListBuckets: the caller's own. Any paging parameter makes S3 add region and ARN."""
    call = exchange.call
    paged = any(call.parameter(name) is not None for name in _PAGING)
    asked = call.parameter("max-buckets") or "10000"
    if not asked.isdecimal() or not int(asked):
        members = {"ArgumentName": "max-buckets", "ArgumentValue": asked}
        raise S3Error("InvalidArgument", members=members)
    limit = int(asked)
    region = call.parameter("bucket-region")
    found = [
        bucket
        for name, bucket in sorted(exchange.state.buckets.items())
        if exchange.account in {None, bucket.owner}
        and name.startswith(call.parameter("prefix") or "")
        and name > (call.parameter("continuation-token") or "")
        and region in {None, bucket.region}
    ]
    owner = element("Owner", leaf("ID", canonical_id(exchange.owner)))
    content = [owner, element("Buckets", *(_entry(bucket, paged) for bucket in found[:limit]))]
    if len(found) > limit:
        content.append(leaf("ContinuationToken", found[limit - 1].name))
    return xml("ListAllMyBucketsResult", *content)


def _entry(bucket: EmulatedBucket, paged: bool) -> str:
    content = [leaf("Name", bucket.name), leaf("CreationDate", iso_time(bucket.created))]
    if paged:
        content.append(leaf("BucketRegion", bucket.region))
        content.append(leaf("BucketArn", f"arn:aws:s3:::{bucket.name}"))
    return element("Bucket", *content)


def create_bucket(exchange: Exchange) -> Answer:
    """CreateBucket in the region of the credential scope, which stands for the endpoint's."""
    name = exchange.call.bucket or ""
    if not _NAME.fullmatch(name):
        raise S3Error("InvalidBucketName", members={"BucketName": name})
    region = _location(exchange)
    existing = exchange.state.buckets.get(name)
    if existing is not None:
        mine = exchange.account in {None, existing.owner}
        code = "BucketAlreadyOwnedByYou" if mine else "BucketAlreadyExists"
        raise S3Error(code, members={"BucketName": name})
    exchange.state.buckets[name] = EmulatedBucket(name, region, exchange.owner, exchange.now())
    return Answer(headers=(("Location", f"/{name}"), ("x-amz-bucket-arn", f"arn:aws:s3:::{name}")))


def _location(exchange: Exchange) -> str:
    endpoint = exchange.claim.region
    body = exchange.call.body
    constraint = None
    if body:
        root = root_name(body)
        if root != "CreateBucketConfiguration":
            # What S3 says when the selector of another operation got lost on the way.
            raise S3Error(
                "InvalidArgument", f"{root} is not valid, expected CreateBucketConfiguration"
            )
        constraint = read(body, root, _CREATE).value("LocationConstraint")
    if constraint in {None, ""} and endpoint == "us-east-1":
        return endpoint
    region = "eu-west-1" if constraint == "EU" else constraint
    if not region or endpoint not in {region, "us-east-1"}:
        raise S3Error(
            "IllegalLocationConstraintException",
            f"The {constraint or 'unspecified'} location constraint is incompatible for the "
            "region specific endpoint this request was sent to.",
        )
    return region


def delete_bucket(exchange: Exchange) -> Answer:
    """DeleteBucket. Its configurations, inventories included, go with it."""
    bucket = exchange.bucket()
    if bucket.objects:
        raise S3Error("BucketNotEmpty", members={"BucketName": bucket.name})
    del exchange.state.buckets[bucket.name]
    return Answer(204)


def head_bucket(exchange: Exchange) -> Answer:
    """HeadBucket: `x-amz-bucket-region` comes with denials too, unless the test hides it."""
    state = exchange.state
    name = exchange.call.bucket or ""
    if name in state.hide_region:
        raise S3Error("AccessDenied")
    bucket = state.buckets.get(name)
    if bucket is None:
        raise S3Error("NoSuchBucket")
    region = ("x-amz-bucket-region", bucket.region)
    if name in state.deny_head_bucket:
        raise S3Error("AccessDenied", headers=(region,))
    try:
        exchange.bucket()
    except S3Error as error:
        error.headers = (region,)
        raise
    return Answer(
        headers=(
            region,
            ("x-amz-bucket-arn", f"arn:aws:s3:::{name}"),
            ("x-amz-access-point-alias", "false"),
            ("Content-Type", "application/xml"),
        )
    )


def get_location(exchange: Exchange) -> Answer:
    """GetBucketLocation: empty for us-east-1."""
    region = exchange.bucket().region
    return xml("LocationConstraint", "" if region == "us-east-1" else region)


def get_acl(exchange: Exchange) -> Answer:
    """GetBucketAcl, GetObjectAcl: the owner has full control, nobody else is named."""
    bucket = exchange.bucket()
    key = exchange.call.key
    if key is not None and key not in bucket.objects:
        raise S3Error("NoSuchKey", members={"Key": key})
    owner = leaf("ID", canonical_id(bucket.owner))
    grantee = (
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:type="CanonicalUser">{owner}</Grantee>'
    )
    grant = element("Grant", grantee, leaf("Permission", "FULL_CONTROL"))
    return xml("AccessControlPolicy", element("Owner", owner), element("AccessControlList", grant))
