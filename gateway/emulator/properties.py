"""What a bucket says of itself: policy, public access block, encryption, tags, versioning."""

from gateway.emulator.answer import Answer, element, leaf, xml
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange


def get_policy(exchange: Exchange) -> Answer:
    """GetBucketPolicy: the only answer about a bucket that is JSON."""
    bucket = exchange.bucket()
    if not bucket.policy:
        raise S3Error("NoSuchBucketPolicy", members={"BucketName": bucket.name})
    return Answer(headers=(("Content-Type", "application/json"),), body=bucket.policy.encode())


def get_public_access_block(exchange: Exchange) -> Answer:
    """GetPublicAccessBlock: what the bucket says, without its account."""
    bucket = exchange.bucket()
    if bucket.public_access_block is None:
        members = {"BucketName": bucket.name}
        raise S3Error("NoSuchPublicAccessBlockConfiguration", members=members)
    parts = bucket.public_access_block.items()
    return xml(
        "PublicAccessBlockConfiguration",
        *(leaf(name, "true" if on else "false") for name, on in parts),
    )


def get_encryption(exchange: Exchange) -> Answer:
    """GetBucketEncryption: every bucket has one."""
    algorithm, key = exchange.bucket().encryption
    content = [leaf("SSEAlgorithm", algorithm)]
    if key:
        content.append(leaf("KMSMasterKeyID", key))
    default = element("ApplyServerSideEncryptionByDefault", *content)
    rule = element("Rule", default, leaf("BucketKeyEnabled", "false"))
    return xml("ServerSideEncryptionConfiguration", rule)


def get_tagging(exchange: Exchange) -> Answer:
    """GetBucketTagging: 404 where there are no tags."""
    bucket = exchange.bucket()
    if not bucket.tags:
        raise S3Error("NoSuchTagSet", members={"BucketName": bucket.name})
    tags = (
        element("Tag", leaf("Key", name), leaf("Value", text)) for name, text in bucket.tags.items()
    )
    return xml("Tagging", element("TagSet", *tags))


def get_versioning(exchange: Exchange) -> Answer:
    """GetBucketVersioning: empty where versioning was never switched on."""
    status = exchange.bucket().versioning
    return xml("VersioningConfiguration", *([leaf("Status", status)] if status else []))
