"""How long a client that has stopped reading may hold what it holds."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from gateway.app.stall import StallWatch, untaken
from tests.support.site import wait_until


class FakeTransport:
    """A transport that says, one after the other, how much still waits in it."""

    def __init__(self, *waiting: int, endpoint: socket.socket | None = None) -> None:
        self.waiting = list(waiting)
        self.endpoint = endpoint or socket.socket()
        self.aborted = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        """The next of the sizes; the last one again and again."""
        return self.waiting.pop(0) if len(self.waiting) > 1 else self.waiting[0]

    def get_extra_info(self, _: str) -> socket.socket:
        """The socket."""
        return self.endpoint

    def abort(self) -> None:
        """Broken off."""
        self.aborted.set()


def as_transport(fake: FakeTransport) -> asyncio.Transport:
    """What the type checker wants."""
    return cast("asyncio.Transport", fake)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        yield near, far


async def test_a_client_that_takes_nothing_is_broken_off() -> None:
    """I25: after one silent stretch, or after as many as it has taken something in."""
    for waiting in ([9], [9, 8, 1, 1], [9, 10]):
        fake = FakeTransport(*waiting)
        with fake.endpoint:
            StallWatch(0.01).begin(as_transport(fake))
            await asyncio.wait_for(fake.aborted.wait(), 10)
        assert len(fake.waiting) == 1


async def test_a_client_that_takes_something_is_left_in_peace() -> None:
    """However slowly: a byte in each stretch will do."""
    fake = FakeTransport(*range(1000, 0, -1))
    watch = StallWatch(0.001)
    with fake.endpoint:
        watch.begin(as_transport(fake))
        while len(fake.waiting) > 900:  # noqa: ASYNC110 - the watch has no event for this
            await asyncio.sleep(0.001)
        watch.end()
    assert not fake.aborted.is_set()


async def test_nobody_is_broken_off_once_the_watch_has_ended() -> None:
    """Its window is open, or it has left; ending twice does no harm."""
    fake = FakeTransport(9)
    watch = StallWatch(0.001)
    with fake.endpoint:
        watch.begin(as_transport(fake))
        watch.end()
        watch.end()
        await asyncio.sleep(0.05)
    assert not fake.aborted.is_set()


async def test_what_waits_in_the_kernel_counts(pair: tuple[socket.socket, socket.socket]) -> None:
    """Its send buffer may be megabytes, from which a slow client takes without our noticing."""
    near, far = pair
    near.setblocking(False)  # noqa: FBT003 - the socket's own signature
    sent = 0
    while True:
        try:
            sent += near.send(b"x" * 65536)
        except BlockingIOError:
            break
    fake = FakeTransport(7, endpoint=near)
    full = untaken(as_transport(fake))
    assert 7 < full <= 7 + sent

    def taken() -> bool:
        far.recv(65536)
        return untaken(as_transport(fake)) < full

    wait_until(taken)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "no-socket-of-the-network"])
def test_without_the_kernels_word_the_transport_is_enough(closed: bool) -> None:
    """A socket that has gone, or a descriptor that is none."""
    endpoint: Any = socket.socket()
    fake = FakeTransport.__new__(FakeTransport)
    fake.waiting = [7]
    if closed:
        endpoint.close()
        fake.endpoint = endpoint
        assert untaken(as_transport(fake)) == 7
    else:
        with endpoint, open("/dev/null", "rb") as file:  # noqa: PTH123
            fake.endpoint = cast("socket.socket", file)
            assert untaken(as_transport(fake)) == 7
