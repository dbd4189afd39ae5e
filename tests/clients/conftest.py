"""One gateway for all tests of a worker, and each client in front of it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.core.sigv4.credential import Credential
from tests.clients.aws_cli import AwsCli
from tests.clients.botocore_clients import Aiobotocore, Boto3, IbmBoto3
from tests.clients.client import InventoryClient, MissingClient
from tests.clients.curl import Curl
from tests.clients.javascript_sdk import JavaScriptSdk
from tests.clients.paws import Paws
from tests.clients.stage import Stage, playing

_T = TypeVar("_T")
CLIENTS: Mapping[str, Callable[[str, Credential, Path], InventoryClient]] = {
    "boto3": lambda url, key, _: Boto3(url, key),
    "aiobotocore": lambda url, key, _: Aiobotocore(url, key),
    "ibm-cos-sdk": lambda url, key, _: IbmBoto3(url, key),
    "aws-cli": AwsCli,
    "javascript": lambda url, key, _: JavaScriptSdk(url, key),
    "curl": lambda url, key, folder: Curl(url, key, folder, declares_hash=False),
    "curl-with-hash": lambda url, key, folder: Curl(url, key, folder, declares_hash=True),
    "paws": lambda url, key, _: Paws(url, key),
}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return a gateway in front of an emulator."""
    with playing(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="session", params=CLIENTS)
def client(
    request: pytest.FixtureRequest, stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InventoryClient]:
    """Return each client in turn; where it is not installed, skip, but fail in CI."""
    folder = tmp_path_factory.mktemp(request.param)
    with closing(_or_skip(lambda: CLIENTS[request.param](stage.url, stage.key, folder))) as made:
        yield made


@pytest.fixture(scope="session")
def or_skip() -> Callable[[Callable[[], _T]], _T]:
    """Return a function that makes a client or skips the test; in CI, the test fails."""
    return _or_skip


def _or_skip(make: Callable[[], _T]) -> _T:
    try:
        return make()
    except MissingClient as fault:
        if os.environ.get("CI") == "true":
            pytest.fail(str(fault))
        pytest.skip(str(fault))


@pytest.fixture(scope="session")
def boto3_client(stage: Stage) -> Iterator[Boto3]:
    """Return boto3, to prepare and to check what other clients do."""
    with closing(Boto3(stage.url, stage.key)) as made:
        yield made
