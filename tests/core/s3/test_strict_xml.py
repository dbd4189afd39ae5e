"""XML on which all readers agree."""

import pytest

from gateway.core.s3.strict_xml import read_tree


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"<a>b</a>", id="bare"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-8"?>\n<a>b</a>', id="as-s3-writes-it"),
        pytest.param(b"<?xml version='1.0' encoding='utf-8'?>\n<a>b</a>", id="single-quotes"),
        pytest.param(b'<?xml version="1.0" standalone="yes" ?><a>b</a>', id="standalone"),
        pytest.param(b"  <a>b</a>\n", id="space-around"),
        pytest.param(b"\xef\xbb\xbf<a>b</a>", id="byte-order-mark"),
        pytest.param(b"<?xml version = '1.0' encoding = 'utf8'?><a>b</a>", id="loose-declaration"),
    ],
)
def test_a_plain_document_is_read(document: bytes) -> None:
    """With and without a declaration."""
    assert read_tree(document).text == "b"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<a>", id="not-closed"),
        pytest.param(b"<a/><a/>", id="two-roots"),
        pytest.param(b"<a><!-- --></a>", id="comment"),
        pytest.param(b"<a><![CDATA[b]]></a>", id="cdata"),
        pytest.param(b"<!DOCTYPE a><a/>", id="doctype"),
        pytest.param(b"<a><?x?></a>", id="instruction"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-16"?><a/>', id="another-encoding"),
        pytest.param(b'<?xml version="1.1"?><a/>', id="another-version"),
        pytest.param(b"<a>\xff</a>", id="not-utf-8"),
        pytest.param(b"<a>&b;</a>", id="entity"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbf<a/>", id="two byte order marks"),
        pytest.param(b"<?xml version='1.0'?>\xef\xbb\xbf<a/>", id="late byte order mark"),
    ],
)
def test_what_readers_disagree_on_is_refused(document: bytes) -> None:
    """Or what is not well-formed at all."""
    with pytest.raises(ValueError, match="not"):
        read_tree(document)
