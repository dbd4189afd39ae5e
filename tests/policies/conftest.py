"""The policy sources, the shipped bundle, and the `opa` binary where there is one."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def policies() -> Path:
    """Return the folder of the Rego sources."""
    return ROOT / "policies"


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    """Return `scripts/build_bundle.py` as a module; scripts are not a package."""
    spec = importlib.util.spec_from_file_location("build_bundle", ROOT / "scripts/build_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def opa(builder: ModuleType) -> str:
    """Return the `opa` binary; without it the test is skipped, except in CI."""
    try:
        found: str = builder.find_opa()
    except builder.BuildError as fault:
        if os.environ.get("CI") == "true":
            pytest.fail(str(fault))
        pytest.skip(str(fault))
    return found
