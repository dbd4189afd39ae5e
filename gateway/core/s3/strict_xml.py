"""XML on which all readers agree: what they read differently is refused before the parser runs."""

import re
from typing import Final

from lxml import etree

_DECLARATION: Final = re.compile(
    rb"""<\?xml\s+version=(?:"1\.0"|'1\.0')"""
    rb"""(?:\s+encoding=(?:"[uU][tT][fF]-8"|'[uU][tT][fF]-8'))?"""
    rb"""(?:\s+standalone=(?:"yes"|'yes'|"no"|'no'))?\s*\?>"""
)


def read_tree(document: bytes) -> etree._Element:
    """Parse a document without comments, CDATA, document type and instructions, in UTF-8.

    `<!` opens the first three and nothing else, `<?` the last; in well-formed XML neither can occur
    elsewhere, so that a search over the bytes is the whole check.

    Args:
        document: whole, and of a bounded size.

    Raises:
        ValueError: why it is not taken.
    """
    declaration = _DECLARATION.match(document)
    rest = document[declaration.end() :] if declaration else document
    if b"<!" in rest or b"<?" in rest:
        raise ValueError("comments, CDATA, document types and instructions are not taken")
    try:
        rest.decode("utf-8", errors="strict")
        parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False
        )
        return etree.XML(rest, parser)
    except (UnicodeDecodeError, etree.XMLSyntaxError):
        raise ValueError("it is not well-formed UTF-8") from None
