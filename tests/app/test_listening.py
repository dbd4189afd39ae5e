"""Opening a listener."""

import asyncio

import pytest

from gateway.app.listening import listening


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "address already in use; end what listens there, or name another port"),
        ("203.0.113.9", "; name an address of this machine"),
        ("nowhere.invalid", ""),
    ],
    ids=["taken", "of another machine", "no address"],
)
async def test_where_it_cannot_the_settings_are_named(host: str, words: str) -> None:
    """With what is wrong, and what to do where that is known."""
    taken = await listening(asyncio.Protocol, "127.0.0.1", 0, "a, b", shared_port=False)
    port = taken.sockets[0].getsockname()[1]
    async with taken:
        with pytest.raises(OSError, match=f"a, b: .*{words}"):
            await listening(asyncio.Protocol, host, port, "a, b", shared_port=False)


async def test_it_listens() -> None:
    """And several may share a port where they say so."""
    one = await listening(asyncio.Protocol, "127.0.0.1", 0, "", shared_port=True)
    port = one.sockets[0].getsockname()[1]
    two = await listening(asyncio.Protocol, "127.0.0.1", port, "", shared_port=True)
    async with one, two:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
