"""The pipeline on fakes."""

import pytest

from tests.support.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """All ports as fakes; each property makes a part of the pipeline between them."""
    return Stage()
