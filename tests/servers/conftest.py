"""Servers, gateways in front of them, and both ways to each."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.clients.client import MissingClient
from tests.servers.compare import differences
from tests.servers.server import Server, find_versitygw, moto, versitygw
from tests.servers.stage import Route, Side, routed
from tests.support.certificate import make_pair

_T = TypeVar("_T")


class Routes:
    """Servers and gateways, started when a test first asks; they stay for the worker's tests.

    Names: `http` and `https` are versitygw, as clients speak to either side; `tls` is `https`
    where the gateway speaks it to the server, too. `moto` and `emulator` are plain text.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._pair = make_pair(folder, "server")
        self._versity: Server | None = None
        self._routes: dict[str, Route] = {}

    def __getitem__(self, name: str) -> Route:
        """Return a route, started.

        Raises:
            MissingClient: the server is not installed.
        """
        if name not in self._routes:
            self._routes[name] = self._start(name)
        return self._routes[name]

    def _start(self, name: str) -> Route:
        folder = self._folder / name
        folder.mkdir()
        server = self._server(name)
        pair = self._pair if name in {"https", "tls"} else None
        return self._stack.enter_context(
            routed(server, folder, pair, secure_upstream=name == "tls")
        )

    def _server(self, name: str) -> Server | None:
        match name:
            case "emulator":
                return None  # it runs on the gateway's loop
            case "moto":
                return self._stack.enter_context(moto())
            case _:
                if self._versity is None:
                    find_versitygw()
                    self._versity = self._stack.enter_context(versitygw(*self._pair))
                return self._versity


@pytest.fixture(scope="session")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Routes]:
    """Return the routes."""
    with ExitStack() as stack:
        yield Routes(tmp_path_factory.mktemp("servers"), stack)


@contextmanager
def skipping() -> Iterator[None]:
    """Skip the test where something is not installed; in CI, it fails."""
    try:
        yield
    except MissingClient as fault:
        if os.environ.get("CI") == "true":
            pytest.fail(str(fault))
        pytest.skip(str(fault))


Compare = Callable[..., object]


@pytest.fixture
def same(routes: Routes, tmp_path: Path) -> Compare:
    """Return a function that runs a script on both sides of a route, at once, and compares.

    It returns what the server itself answered: what the script is about must have worked there.
    """

    def compare(name: str, script: Callable[[Side], _T]) -> _T:
        with skipping(), routes[name].sides(tmp_path) as sides, ThreadPoolExecutor(2) as pool:
            expected, found = pool.map(script, sides)
        unlike = differences(expected, found)
        if unlike:
            pytest.fail("\n".join(unlike), pytrace=False)
        return expected

    return compare
