"""A client that has stopped reading: how long it may hold what it holds.

The time-out is for silence, as with bodies: a reader may be as slow as it likes, if only it takes
something within the time. What it has not taken waits in the transport and in the kernel, whose
send buffer can hide the progress of minutes; both are counted.
"""

import asyncio
import fcntl
import struct
import termios
from typing import Final

_INT: Final = struct.Struct("i")


class StallWatch:
    """Breaks a connection whose client takes nothing. Costs nothing while its window is open.

    Args:
        seconds: the longest silence; it is noticed within twice of it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """The client takes no more for now."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._look, transport, untaken(transport))

    def end(self) -> None:
        """It does again, or has left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, transport: asyncio.Transport, before: int) -> None:
        if untaken(transport) < before:
            self.begin(transport)
        else:
            transport.abort()  # not close(): nobody would take what it still has to send


def untaken(transport: asyncio.Transport) -> int:
    """Bytes that wait for the client, here and in the kernel's send buffer (`SIOCOUTQ`, tcp(7))."""
    waiting = transport.get_write_buffer_size()
    try:
        descriptor = transport.get_extra_info("socket").fileno()
        (queued,) = _INT.unpack(fcntl.ioctl(descriptor, termios.TIOCOUTQ, _INT.pack(0)))
    except (OSError, ValueError):  # not a system that tells, or the socket is closed
        return waiting
    return waiting + int(queued)
