"""The image, built once for a whole run."""

import os

import pytest

from tests.deploy.image import Image, shared


@pytest.fixture
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Whichever worker comes first makes it."""
    base = tmp_path_factory.getbasetemp()
    return shared((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "image")
