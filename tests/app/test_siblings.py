"""Workers that tell each other what they counted."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.app import siblings as module
from gateway.app.siblings import SiblingError, Siblings


async def opened(folder: Path, name: str, told: bytes, stack: AsyncExitStack) -> Siblings:
    """A worker that tells this."""

    async def tell() -> bytes:
        return told

    made = Siblings(folder, name)
    await made.open(tell, stack)
    return made


def sockets(folder: Path) -> list[str]:
    """What is left."""
    return [path.name for path in folder.iterdir()]


async def test_each_hears_all_the_others(tmp_path: Path) -> None:
    """And not itself; who has gone is not missed, and leaves no socket."""
    async with AsyncExitStack() as stack:
        one = await opened(tmp_path, "1", b"one", stack)
        assert await one.ask() == []
        async with AsyncExitStack() as short:
            two = await opened(tmp_path, "2", b"2" * 200_000, short)
            three = await opened(tmp_path, "3", b"three", stack)
            assert await one.ask() == [b"2" * 200_000, b"three"]
            assert await two.ask() == [b"one", b"three"]
        assert await three.ask() == [b"one"]
    assert not sockets(tmp_path)


async def test_a_socket_without_a_worker_is_left_out(tmp_path: Path) -> None:
    """It died, and its supervisor is about to end the others."""
    async with AsyncExitStack() as stack:
        one = await opened(tmp_path, "1", b"one", stack)
        two = Siblings(tmp_path, "2")
        server = await asyncio.start_unix_server(lambda *_: None, tmp_path / "2")
        server.close()
        await server.wait_closed()
        assert await one.ask() == []
        assert await two.ask() == [b"one"]


async def test_a_worker_that_is_silent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counters that go down look like a restart: rather no answer than a part."""
    monkeypatch.setattr(module, "_SECONDS", 0.05)
    release = asyncio.Event()

    async def never() -> bytes:
        await release.wait()
        return b""

    async with AsyncExitStack() as stack:
        one = await opened(tmp_path, "1", b"one", stack)
        await Siblings(tmp_path, "2").open(never, stack)
        with pytest.raises(SiblingError, match="worker 2 does not answer in time"):
            await one.ask()
        release.set()
        monkeypatch.setattr(module, "_SECONDS", 5)
        with pytest.raises(SiblingError, match="worker 2 broke off"):
            await one.ask()


async def test_what_is_no_worker_is_told(tmp_path: Path) -> None:
    """A folder that others write to is not ours."""
    (tmp_path / "2").symlink_to(tmp_path / "2")
    async with AsyncExitStack() as stack:
        one = await opened(tmp_path, "1", b"one", stack)
        with pytest.raises(SiblingError, match="worker 2: "):
            await one.ask()
