"""Which handler answers which call: level, method, selector. What is not here is 501."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.emulator import (
    buckets,
    copying,
    inventory,
    listing,
    multipart,
    objects,
    properties,
)
from gateway.emulator.answer import Answer
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange
from gateway.emulator.request import S3Call
from gateway.emulator.selectors import BUCKET_SELECTORS_AT_KEYS

Handler = Callable[[Exchange], Answer]

_SERVICE: Mapping[tuple[str, str], Handler] = MappingProxyType({("GET", ""): buckets.list_buckets})
_BUCKET: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("PUT", ""): buckets.create_bucket,
        ("DELETE", ""): buckets.delete_bucket,
        ("HEAD", ""): buckets.head_bucket,
        ("GET", ""): listing.list_objects,
        ("POST", "delete"): objects.delete_objects,
        ("GET", "acl"): buckets.get_acl,
        ("GET", "encryption"): properties.get_encryption,
        ("GET", "location"): buckets.get_location,
        ("GET", "policy"): properties.get_policy,
        ("GET", "publicAccessBlock"): properties.get_public_access_block,
        ("GET", "tagging"): properties.get_tagging,
        ("GET", "uploads"): multipart.list_uploads,
        ("GET", "versioning"): properties.get_versioning,
        ("PUT", "inventory"): inventory.put_inventory,
        ("GET", "inventory"): inventory.get_or_list_inventories,
        ("DELETE", "inventory"): inventory.delete_inventory,
        ("HEAD", "inventory"): inventory.inventory_not_allowed,
        ("POST", "inventory"): inventory.inventory_not_allowed,
        ("PATCH", "inventory"): inventory.inventory_not_allowed,
    }
)
_OBJECT: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("PUT", ""): objects.put_object,
        ("GET", ""): objects.get_object,
        ("HEAD", ""): objects.get_object,
        ("DELETE", ""): objects.delete_object,
        ("GET", "acl"): buckets.get_acl,
        ("GET", "tagging"): objects.get_tags,
        ("PUT", "tagging"): objects.put_tags,
        ("DELETE", "tagging"): objects.delete_tags,
        ("POST", "uploads"): multipart.create_upload,
        ("PUT", "uploadId"): multipart.upload_part,
        ("GET", "uploadId"): multipart.list_parts,
        ("POST", "uploadId"): multipart.complete_upload,
        ("DELETE", "uploadId"): multipart.abort_upload,
    }
)


def handler_for(call: S3Call, selector: str) -> Handler:
    """The handler of a call, or the refusal."""
    wanted = (call.method, selector)
    if call.bucket is None:
        found = _SERVICE.get(wanted)
    elif call.key is None or selector in BUCKET_SELECTORS_AT_KEYS:
        found = _BUCKET.get(wanted)
    elif wanted == ("PUT", "") and call.header(copying.HEADER) is not None:
        found = copying.copy_object
    else:
        found = _OBJECT.get(wanted)
    if found is not None:
        return found
    if not selector:
        level = "SERVICE" if call.bucket is None else "BUCKET" if call.key is None else "OBJECT"
        members = {"Method": call.method, "ResourceType": level}
        raise S3Error("MethodNotAllowed", members=members)
    raise S3Error("NotImplemented", members={"ResourceType": selector})


def is_upload(handler: Handler) -> bool:
    """Whether the body of this operation may come in aws-chunked framing."""
    return handler in {objects.put_object, multipart.upload_part}
