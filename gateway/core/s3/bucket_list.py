"""S3's list of an account's buckets: the strict reader, and the writer of what is left of it.

The list is written anew from what was understood: an element that is not known here, whatever it
may tell of a bucket, is not passed on.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.core.s3.strict_xml import read_tree

_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_ROOT: Final = "ListAllMyBucketsResult"
_DETAILS: Final = ("CreationDate", "BucketRegion", "BucketArn")
_OWNER: Final = ("ID", "DisplayName")

Texts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ListedBucket:
    """One bucket of the list.

    Args:
        name: decides who may see the rest.
        details: (element, text): when it was made, where it is, its ARN.
    """

    name: str
    details: Texts


@dataclass(frozen=True, slots=True)
class BucketPage:
    """One page of the list.

    Args:
        buckets: in the order of the page.
        owner: (element, text): the account.
        token: leads to the next page; empty on the last. S3's is opaque, others' is a bucket's
            name: it is for the upstream alone.
    """

    buckets: tuple[ListedBucket, ...]
    owner: Texts
    token: str


def read_bucket_page(document: bytes) -> BucketPage:
    """Read a page.

    Args:
        document: whole, and of a bounded size.

    Raises:
        ValueError: it is not what S3 answers, or two readers could read it differently.
    """
    root = read_tree(document)
    if _name(root) != _ROOT:
        raise ValueError(f"the root element is not {_ROOT}")
    parts = _children(root, ("Buckets", "Owner", "ContinuationToken"))
    if "Buckets" not in parts:
        raise ValueError("it holds no Buckets")
    listed = tuple(_bucket(child) for child in parts["Buckets"] if _name(child) == "Bucket")
    owner = _texts(parts["Owner"], _OWNER) if "Owner" in parts else ()
    token = _text(parts["ContinuationToken"]) if "ContinuationToken" in parts else ""
    return BucketPage(listed, owner, token)


def write_bucket_list(
    buckets: Iterable[ListedBucket], owner: Texts, *, prefix: str | None, token: str
) -> bytes:
    """Write the list in S3's own form.

    Args:
        buckets: those that may be seen.
        owner: of the account.
        prefix: echoed where it was asked for.
        token: leads to the client's next page; empty on the last.
    """
    entries = "".join(
        _branch("Bucket", _leaf("Name", bucket.name) + _leaves(bucket.details))
        for bucket in buckets
    )
    inner = [
        _branch("Owner", _leaves(owner)) if owner else "",
        _branch("Buckets", entries),
        _leaf("ContinuationToken", token) if token else "",
        _leaf("Prefix", prefix) if prefix is not None else "",
    ]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{_ROOT} xmlns="{_NAMESPACE}">'
        f"{''.join(inner)}</{_ROOT}>"
    ).encode()


def _bucket(element: etree._Element) -> ListedBucket:
    texts = dict(_texts(element, ("Name", *_DETAILS)))
    name = texts.pop("Name", "")
    if not name:
        raise ValueError("a Bucket has no Name")
    return ListedBucket(name, tuple(texts.items()))


def _texts(element: etree._Element, names: tuple[str, ...]) -> Texts:
    """The text of the known children, in the order of the names."""
    found = _children(element, names)
    return tuple((name, _text(found[name])) for name in names if name in found)


def _children(element: etree._Element, names: tuple[str, ...]) -> dict[str, etree._Element]:
    """The known children by name.

    Raises:
        ValueError: one of them occurs twice, so that it is not known which one counts.
    """
    found: dict[str, etree._Element] = {}
    for child in element:
        name = _name(child)
        if name in found:
            raise ValueError(f"{name} occurs twice")
        if name in names:
            found[name] = child
    return found


def _text(element: etree._Element) -> str:
    if len(element):
        raise ValueError(f"{_name(element)} may hold only text")
    return element.text or ""


def _name(element: etree._Element) -> str:
    """Without its namespace. QName would cost as much as all the rest."""
    tag: str = element.tag
    return tag.rpartition("}")[2]


def _leaves(texts: Texts) -> str:
    return "".join(_leaf(name, text) for name, text in texts)


def _leaf(name: str, text: str) -> str:
    return _branch(name, escape(text))


def _branch(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"
