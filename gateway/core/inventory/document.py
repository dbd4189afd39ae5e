"""The strict reader and the canonical writer of the configuration document.

XML parsers disagree on comments, CDATA, entities, duplicates, encodings and namespaces, and two
readers that disagree are a way past a gate. So: everything on which they disagree is refused before
the parser runs, the tree is read into a closed model, and what goes to S3 is written anew from that
model. No byte of the client's document is forwarded.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.core.errors import RequestError, malformed_xml
from gateway.core.inventory.configuration import (
    FORMATS,
    FREQUENCIES,
    OPTIONAL_FIELDS,
    VERSIONS,
    Destination,
    Encryption,
    InventoryConfiguration,
    SseKms,
    SseS3,
    is_inventory_id,
)
from gateway.core.s3.strict_xml import read_tree

S3_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_DOCUMENT_BYTES: Final = 64 * 1024

_OURS: Final = frozenset({S3_NAMESPACE})

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_PRINTABLE_ASCII = re.compile(r"[ -~]+", re.ASCII)
# A report's keys are `<prefix>/<source>/<id>/data/<uuid>.csv.gz` and must stay within 1,024 bytes;
# S3 Batch Operations caps its manifest prefix at 512 for the same reason.
_MAX_DESTINATION_PREFIX: Final = 512
_MAX_KEY: Final = 1024
_MAX_KEY_ID: Final = 2048
_MAX_ACCOUNT_ID: Final = 64
_MAX_FIELDS: Final = 100  # repeated fields are policy's business (INV022), within reason


def read_configuration(data: bytes) -> InventoryConfiguration:
    """Read a document into the model.

    Args:
        data: the body as received, at most `MAX_DOCUMENT_BYTES`.

    Returns:
        The model. Its destination ARN is not yet checked (S3 compares the ids first).

    Raises:
        RequestError: MissingRequestBodyError, MaxMessageLengthExceeded or MalformedXML.
    """
    if not data.strip():
        raise RequestError("MissingRequestBodyError", "Request Body is empty")
    if len(data) > MAX_DOCUMENT_BYTES:
        raise RequestError(
            "MaxMessageLengthExceeded",
            f"Your request was too big: at most {MAX_DOCUMENT_BYTES} bytes.",
        )
    try:
        root = read_tree(data)
    except ValueError as fault:
        raise malformed_xml(str(fault)) from None
    return _configuration(_Node(root, "InventoryConfiguration"))


def write_configuration(configuration: InventoryConfiguration) -> bytes:
    """Write the canonical document: UTF-8, S3's namespace, botocore's order, wire names."""
    destination = configuration.destination
    inner = [
        _leaf("AccountId", destination.account_id),
        _leaf("Bucket", destination.bucket_arn),
        _leaf("Format", destination.format),
        _leaf("Prefix", destination.prefix),
        _encryption_document(destination.encryption),
    ]
    fields = "".join(_leaf("Field", name) for name in configuration.optional_fields)
    prefix = _leaf("Prefix", configuration.filter_prefix)
    parts = [
        _branch("Destination", _branch("S3BucketDestination", "".join(inner))),
        _leaf("IsEnabled", "true" if configuration.is_enabled else "false"),
        _branch("Filter", prefix) if prefix else "",
        _leaf("Id", configuration.id),
        _leaf("IncludedObjectVersions", configuration.included_object_versions),
        _branch("OptionalFields", fields) if fields else "",
        _branch("Schedule", _leaf("Frequency", configuration.frequency)),
    ]
    return (
        f'<InventoryConfiguration xmlns="{S3_NAMESPACE}">{"".join(parts)}</InventoryConfiguration>'
    ).encode()


def _leaf(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def _branch(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def _encryption_document(encryption: Encryption | None) -> str:
    match encryption:
        case None:
            return ""
        case SseS3():
            return "<Encryption><SSE-S3></SSE-S3></Encryption>"
        case SseKms(key_id):  # pragma: no branch - the union is closed
            return _branch("Encryption", _branch("SSE-KMS", _leaf("KeyId", key_id)))


class _Node:
    """An element under the schema's eye: its children may each be taken once, by name."""

    def __init__(self, element: etree._Element, name: str, namespace: str | None = None) -> None:
        self._element = element
        self.where = name
        self._namespace, local = _qualified(element)
        if namespace is None and local != name:
            raise malformed_xml(f"the root element must be {name}")
        if namespace is None and self._namespace not in {"", S3_NAMESPACE}:
            raise malformed_xml(f"{name} must be in the namespace {S3_NAMESPACE}")
        if element.attrib or not _OURS.issuperset(element.nsmap.values()):
            raise malformed_xml(f"{self.where} may carry no attribute but S3's xmlns")
        self._children: dict[str, _Node] | None = None

    def leaf(self) -> str:
        """The text of an element that holds only text."""
        if len(self._element):
            raise malformed_xml(f"{self.where} may hold only text")
        return self._element.text or ""

    def items(self, name: str) -> Iterator["_Node"]:
        """The children, all of one name."""
        self._refuse_text()
        for child in self._element:
            yield self._child(child, (name,))

    def open(self, *names: str) -> "_Node":
        """Check the children: each of these names at most once, and no other."""
        self._refuse_text()
        found: dict[str, _Node] = {}
        for element in self._element:
            child = self._child(element, names)
            name = child.where.rpartition("/")[2]
            if name in found:
                raise malformed_xml(f"{child.where} occurs twice")
            found[name] = child
        self._children = found
        return self

    def get(self, name: str) -> "_Node | None":
        """A child that may be absent."""
        return (self._children or {}).get(name)

    def need(self, name: str) -> "_Node":
        """A child that must be there."""
        child = self.get(name)
        if child is None:
            raise malformed_xml(f"{self.where}/{name} is missing")
        return child

    def text(self, check: Callable[[str], bool], what: str) -> str:
        """The text of a leaf, if it passes."""
        value = self.leaf()
        if not check(value):
            raise malformed_xml(f"{self.where} must be {what}, not {value[:80]!r}")
        return value

    def one_of(self, values: Sequence[str]) -> str:
        """The text of a leaf with a closed set of values."""
        return self.text(lambda value: value in values, f"one of {', '.join(values)}")

    def _child(self, element: etree._Element, names: Sequence[str]) -> "_Node":
        namespace, local = _qualified(element)
        if namespace != self._namespace or local not in names:
            raise malformed_xml(f"{self.where} may not hold {local[:80]!r} here")
        return _Node(element, f"{self.where}/{local}", namespace)

    def _refuse_text(self) -> None:
        for text in (self._element.text, *[child.tail for child in self._element]):
            if text and text.strip(" \t\r\n"):
                raise malformed_xml(f"{self.where} may hold no text of its own")


def _qualified(element: etree._Element) -> tuple[str, str]:
    """Namespace and name of an element; comments and instructions cannot occur: see `read_tree`."""
    namespace, _, name = str(element.tag).rpartition("}")
    return namespace[1:], name


def _configuration(root: _Node) -> InventoryConfiguration:
    root.open(
        "Destination",
        "IsEnabled",
        "Filter",
        "Id",
        "IncludedObjectVersions",
        "OptionalFields",
        "Schedule",
    )
    fields = root.get("OptionalFields")
    schedule = root.need("Schedule").open("Frequency")
    return InventoryConfiguration(
        id=root.need("Id").text(is_inventory_id, "1 to 64 of A-Z a-z 0-9 _ . -"),
        is_enabled=root.need("IsEnabled").one_of(("true", "false")) == "true",
        destination=_destination(root.need("Destination")),
        included_object_versions=root.need("IncludedObjectVersions").one_of(VERSIONS),
        frequency=schedule.need("Frequency").one_of(FREQUENCIES),
        filter_prefix=_filter(root.get("Filter")),
        optional_fields=() if fields is None else _optional_fields(fields),
    )


def _destination(node: _Node) -> Destination:
    bucket = (
        node.open("S3BucketDestination")
        .need("S3BucketDestination")
        .open("AccountId", "Bucket", "Format", "Prefix", "Encryption")
    )
    account, prefix, encryption = map(bucket.get, ("AccountId", "Prefix", "Encryption"))
    return Destination(
        bucket_arn=bucket.need("Bucket").text(_is_ascii(_MAX_KEY_ID), "a bucket ARN"),
        format=bucket.need("Format").one_of(FORMATS),
        # whether it is an account id at all is for policy to say, with a remedy (INV010)
        account_id=(account.text(_is_ascii(_MAX_ACCOUNT_ID), "an account id") if account else None),
        prefix=_prefix(prefix, _MAX_DESTINATION_PREFIX) if prefix else None,
        encryption=_encryption(encryption) if encryption else None,
    )


def _encryption(node: _Node) -> Encryption:
    # SSES3 and SSEKMS are the SDKs' names for the members; R paws puts the first on the wire.
    node.open("SSE-S3", "SSE-KMS", "SSES3", "SSEKMS")
    chosen = [
        (name, child)
        for name in ("SSE-S3", "SSES3", "SSE-KMS", "SSEKMS")
        if (child := node.get(name)) is not None
    ]
    match chosen:
        case [(("SSE-S3" | "SSES3"), child)]:
            child.open()
            return SseS3()
        case [(_, child)]:
            key = child.open("KeyId").need("KeyId")
            return SseKms(key.text(_is_ascii(_MAX_KEY_ID), "a KMS key ARN"))
        case _:
            raise malformed_xml("Encryption must hold exactly one of SSE-S3 and SSE-KMS")


def _filter(node: _Node | None) -> str | None:
    return None if node is None else _prefix(node.open("Prefix").need("Prefix"), _MAX_KEY)


def _prefix(node: _Node, limit: int) -> str | None:
    text = node.text(
        lambda value: _CONTROL.search(value) is None and len(value.encode()) <= limit,
        f"at most {limit} bytes without control characters",
    )
    return text or None  # an empty prefix filters nothing and prefixes nothing


def _optional_fields(node: _Node) -> tuple[str, ...]:
    fields = tuple(item.one_of(OPTIONAL_FIELDS) for item in node.items("Field"))
    if len(fields) > _MAX_FIELDS:
        raise malformed_xml("OptionalFields holds too many fields")
    return fields


def _is_ascii(limit: int) -> Callable[[str], bool]:
    return lambda value: len(value) <= limit and _PRINTABLE_ASCII.fullmatch(value) is not None
