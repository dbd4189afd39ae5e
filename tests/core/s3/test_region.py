"""Names of Regions."""

import pytest

from gateway.core.s3.region import is_region


@pytest.mark.parametrize(
    ("name", "globs", "expected"),
    [
        pytest.param("eu-central-1", ("*",), True, id="plain"),
        pytest.param("us-gov-west-1", ("us-*",), True, id="four-parts"),
        pytest.param("eusc-de-east-1", ("a*", "eusc-*"), True, id="second-glob"),
        pytest.param("eu-central-1", ("us-*",), False, id="no-glob-fits"),
        pytest.param("eu-central-1", (), False, id="no-glob"),
        pytest.param("", ("*",), False, id="empty"),
        pytest.param("eu-central-1.evil.example", ("*",), False, id="dots"),
        pytest.param("evil/eu-central-1", ("*",), False, id="slash"),
        pytest.param("eu-central-1\n", ("*",), False, id="line-feed"),
        pytest.param("eu-central-\u0661", ("*",), False, id="digit-of-another-script"),
        pytest.param("e" * 39 + "-1", ("*",), False, id="long"),
        pytest.param("-eu-central-1", ("*",), False, id="leading-hyphen"),
    ],
)
def test_a_region_is_a_name_that_fits(name: str, globs: tuple[str, ...], *, expected: bool) -> None:
    """I8: what is filled into an authority holds nothing that could end it."""
    assert is_region(name, globs) == expected
