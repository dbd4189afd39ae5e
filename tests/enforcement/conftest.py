"""The kit's documents at the values of `deploy/aws`, and what AWS says of its own actions."""

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
with warnings.catch_warnings():  # it leaves a file of its own open
    warnings.simplefilter("ignore", ResourceWarning)
    import parliament


def script(name: str) -> ModuleType:
    """Return a script as a module; scripts are not a package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    """Return `scripts/build_enforcement.py`."""
    return script("build_enforcement")


@pytest.fixture(scope="session")
def iam_actions() -> dict[str, dict[str, Any]]:
    """Return IAM's list: `service:Action` -> access level and resource types."""
    return {
        f"{service['prefix']}:{privilege['privilege']}": privilege
        for service in parliament.iam_definition
        for privilege in service["privileges"]
    }
