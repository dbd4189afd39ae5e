"""XML on which all readers agree: what they read differently is refused before the parser runs."""

import re
from typing import Final

from lxml import etree

_DECLARATION: Final = re.compile(
    rb"""<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')"""
    rb"""(?:\s+encoding\s*=\s*(?:"[uU][tT][fF]-?8"|'[uU][tT][fF]-?8'))?"""
    rb"""(?:\s+standalone\s*=\s*(?:"yes"|'yes'|"no"|'no'))?\s*\?>"""
)
_BOM: Final = b"\xef\xbb\xbf"


def read_tree(document: bytes) -> etree._Element:
    """Parse a document without comments, CDATA, document type and instructions, in UTF-8.

    `<!` opens the first three and nothing else, `<?` the last; in well-formed XML neither can occur
    elsewhere, so that a search over the bytes is the whole check.

    Args:
        document: whole, and of a bounded size.

    Raises:
        ValueError: why it is not taken.
    """
    body = document.removeprefix(_BOM)
    declaration = _DECLARATION.match(body)
    rest = body[declaration.end() :] if declaration else body
    if rest.startswith(_BOM):  # libxml2 would drop it in silence
        raise ValueError("a byte order mark may stand once, before everything else, and not twice")
    if b"<!" in rest:
        raise ValueError("comments, CDATA sections and document types are not taken")
    if b"<?" in rest:
        raise ValueError(
            "processing instructions, and XML declarations of another version or encoding than "
            "1.0 and UTF-8, are not taken"
        )
    try:
        rest.decode("utf-8", errors="strict")
        # A parser per document: lxml parsers hold state, and a fresh one costs 3 us.
        parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            recover=False,
        )
        return etree.XML(rest, parser)
    except UnicodeDecodeError:
        raise ValueError("the document is not UTF-8") from None
    except etree.XMLSyntaxError as fault:
        raise ValueError(f"it is not well-formed near line {fault.lineno or 0}") from None
