"""Reads the XML bodies of S3 against a closed shape: an unknown or repeated element is refused.

The namespace and the order of children do not matter to S3 (measured on several operations).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from gateway.emulator.errors import S3Error


@dataclass(frozen=True, slots=True)
class Shape:
    """What an element may hold: children by name, or text when there are none declared."""

    children: Mapping[str, "Shape"] = field(default_factory=dict)
    required: bool = False
    repeated: bool = False
    # text must be one of these, if any are given
    values: frozenset[str] = frozenset()
    # an element that has neither text nor children, such as SSE-S3
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """An element that was read: its text or its children."""

    text: str
    children: Mapping[str, tuple["Node", ...]]

    def find(self, *path: str) -> "Node | None":
        """The first element at this path."""
        node = self
        for name in path:
            found = node.children.get(name)
            if not found:
                return None
            node = found[0]
        return node

    def value(self, *path: str) -> str | None:
        """The text at this path, None where the element is absent."""
        found = self.find(*path)
        return None if found is None else found.text

    def every(self, name: str) -> tuple["Node", ...]:
        """All children of one name."""
        return self.children.get(name, ())


def read(body: bytes, root: str, shape: Shape) -> Node:
    """Read a document whose root must have this name."""
    if not body:
        raise S3Error("MissingRequestBodyError")
    parsed = parse(body)
    if _local(parsed) != root:
        raise S3Error("MalformedXML")
    return _node(parsed, shape)


def parse(body: bytes) -> Any:
    """The root element, without entities, DTD, network, comments or processing instructions."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        parsed = etree.XML(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise S3Error("MalformedXML") from None
    if parsed.getroottree().docinfo.doctype:
        raise S3Error("MalformedXML")
    return parsed


def root_name(body: bytes) -> str:
    """The local name of the root."""
    return _local(parse(body))


def _local(parsed: Any) -> str:
    return str(etree.QName(parsed).localname)


def _node(parsed: Any, shape: Shape) -> Node:
    if not shape.children:
        text = parsed.text or ""
        wrong_value = shape.values and text not in shape.values
        if len(parsed) or wrong_value or (shape.empty and text.strip()):
            raise S3Error("MalformedXML")
        return Node(text, {})
    found: dict[str, list[Node]] = {}
    stray = parsed.text or ""
    for child in parsed:
        name = _local(child)
        if name not in shape.children:
            raise S3Error("MalformedXML")
        found.setdefault(name, []).append(_node(child, shape.children[name]))
        stray += child.tail or ""
    for name, declared in shape.children.items():
        count = len(found.get(name, ()))
        if (declared.required and not count) or (count > 1 and not declared.repeated):
            raise S3Error("MalformedXML")
    if stray.strip():
        raise S3Error("MalformedXML")
    return Node("", {name: tuple(nodes) for name, nodes in found.items()})
