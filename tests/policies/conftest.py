"""The policy sources, the shipped bundle, and the `opa` binary where there is one."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def policies() -> Path:
    """Return the folder of the Rego sources."""
    return ROOT / "policies"


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
    """Return `scripts/build_bundle.py`."""
    return script("build_bundle")


@pytest.fixture(scope="session")
def writer() -> ModuleType:
    """Return `scripts/build_rules.py`."""
    return script("build_rules")


@pytest.fixture(scope="session")
def catalog(policies: Path) -> dict[str, Any]:
    """Return the catalogue as written."""
    files = sorted(policies.glob("inventory/catalog/*/data.yaml"))
    return {path.parent.name: yaml.safe_load(path.read_text()) for path in files}


@pytest.fixture(scope="session")
def opa(builder: ModuleType) -> str:
    """Return the `opa` binary; without it the test is skipped, except in CI."""
    try:
        found: str = builder.find_opa().program
    except builder.OpaCommandError as fault:
        if os.environ.get("CI") == "true":
            pytest.fail(str(fault))
        pytest.skip(str(fault))
    return found
