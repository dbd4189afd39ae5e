"""IAM's wildcards, against a plain definition of them."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.iam.wildcard import covers, matches

PATTERNS = st.text("ab*?", max_size=8)
TEXTS = st.text("ab", max_size=8)
#: What may follow a beginning of at most eight characters, as far as short patterns can tell.
ENDINGS = ["".join(tail) for tail in ("a", "b", "aa", "ab", "ba", "bb", "aabb", "bbaa", "abab" * 3)]


def plain(pattern: str) -> re.Pattern[str]:
    """The definition, as a regular expression."""
    return re.compile("".join({"*": ".*", "?": "."}.get(char, char) for char in pattern))


@given(PATTERNS, TEXTS)
def test_pattern_matches_as_defined(pattern: str, text: str):
    """For short patterns the definition is quick enough."""
    assert matches(pattern, text) == (plain(pattern).fullmatch(text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("*ab?c*", "abxd-abyc-", True, id="later"),
        pytest.param("*ab?c*", "abxd-abyd-", False, id="nowhere"),
        pytest.param("*?ab*", "ab-ab", True, id="begins-with-any"),
        pytest.param("*?ab*", "ab", False, id="no-room-before"),
        pytest.param("*ab?*", "xab", False, id="no-room-behind"),
        pytest.param("*a?bb?a*", "abba-axbbya", True, id="longest-run-within"),
    ],
)
def test_a_piece_is_found_by_its_longest_run(pattern: str, text: str, *, expected: bool):
    """Also where the run stands earlier, and the rest of the piece does not fit there."""
    assert matches(pattern, text) is expected


@given(PATTERNS, TEXTS)
def test_cover_is_never_wrong(pattern: str, beginning: str):
    """All means all, none means none; some may be said of anything."""
    found = [plain(pattern).fullmatch(beginning + ending) is not None for ending in ENDINGS]
    if covers(pattern, beginning) is True:
        assert all(found)
    if covers(pattern, beginning) is False:
        assert not any(found)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("*", True, id="everything"),
        pytest.param("arn:aws:s3:::b/*", True, id="bucket"),
        pytest.param("arn:aws:s3:::b/p/*", True, id="exactly"),
        pytest.param("arn:aws:s3:::*/p/*", True, id="any-bucket"),
        pytest.param("arn:aws:s3:::?/?/*", True, id="question-marks"),
        pytest.param("arn:aws:s3:::b/p*", True, id="without-a-slash"),
        pytest.param("arn:*/?/*", True, id="question-mark-within"),
        pytest.param("arn:aws:s3:::b/p/*/data/*", None, id="part-of-it"),
        pytest.param("arn:aws:s3:::b/p/daily/*", None, id="further-down"),
        pytest.param("arn:aws:s3:::b/*.csv.gz", None, id="by-suffix"),
        pytest.param("arn:aws:s3:::b/p/x", None, id="one-key"),
        pytest.param("arn:aws:s3:::b/?/x", None, id="one-key-with-question-mark"),
        pytest.param("arn:aws:s3:::b/*x*", None, id="perhaps-later"),
        pytest.param("arn:aws:s3:::b", False, id="bucket-alone"),
        pytest.param("arn:aws:s3:::b/p/", False, id="folder-alone"),
        pytest.param("arn:aws:s3:::c/*", False, id="other-bucket"),
        pytest.param("arn:aws:s3:::b/q/*", False, id="other-prefix"),
        pytest.param("arn:aws:s3:::b/q", False, id="other-key"),
        pytest.param("arn:aws:s3:::B/*", False, id="case"),
        pytest.param("", False, id="empty"),
    ],
)
def test_cover_is_told(pattern: str, expected: bool | None):
    """Of what is written below one prefix."""
    assert covers(pattern, "arn:aws:s3:::b/p/") is expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("*a" * 1000 + "b", "a" * 1100, id="stars"),
        pytest.param("*a?" * 680 + "b", "a" * 1100, id="stars-and-question-marks"),
        pytest.param("*" * 2000 + "b", "a" * 1100, id="only-stars"),
        pytest.param("*" + "?" * 1500 + "b*", "a" * 1100, id="only-question-marks"),
    ],
)
def test_hostile_pattern_costs_little(pattern: str, text: str):
    """A backtracking engine would need longer than the universe is old."""
    started = time.process_time()
    assert not matches(pattern, text)
    assert covers(pattern, text) is not True
    assert time.process_time() - started < 5
