"""The other workers of this gateway: each tells the others what it has counted.

Workers share a port, so that any of them may be asked; what it answers is to be of all. Each has a
Unix socket in a folder that only this gateway's user may enter.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

_SECONDS: Final = 2.0


class SiblingError(Exception):
    """A worker does not answer: a sum without it would look like a restart."""


class Siblings:
    """The workers that have a socket in a folder.

    Args:
        folder: of mode 0700, made before the workers were.
        name: of this one's socket.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._own = folder / name

    async def open(self, tell: Callable[[], Awaitable[bytes]], stack: AsyncExitStack) -> None:
        """Answer the others until the stack is closed.

        Args:
            tell: makes the answer.
            stack: owns the socket.
        """

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                writer.write(await tell())
                await writer.drain()
            finally:
                writer.close()

        server = await asyncio.start_unix_server(answer, self._own)
        stack.callback(self._own.unlink, missing_ok=True)
        stack.callback(server.close)

    async def ask(self) -> list[bytes]:
        """What all the others tell; those that have gone meanwhile are left out.

        Raises:
            SiblingError: one is there, and silent.
        """
        others = sorted(path for path in self._folder.iterdir() if path != self._own)
        answers = await asyncio.gather(*map(self._ask, others))
        return [answer for answer in answers if answer]

    async def _ask(self, path: Path) -> bytes:
        try:
            async with asyncio.timeout(_SECONDS):
                reader, writer = await asyncio.open_unix_connection(path)
                try:
                    told = await reader.read()
                finally:
                    writer.close()
        except (FileNotFoundError, ConnectionRefusedError):
            return b""
        except TimeoutError as fault:
            raise SiblingError(f"worker {path.name} does not answer in time") from fault
        except OSError as fault:
            raise SiblingError(f"worker {path.name}: {fault}") from fault
        if not told:
            raise SiblingError(f"worker {path.name} broke off")
        return told
