"""What the disk alone takes: the yardstick beside everything that must be durable."""

import os
import statistics
import time
from pathlib import Path

_PAGE = b"x" * 4096
_TIMES = 100


def sync_ms(folder: Path) -> float:
    """The median of what it takes to append a page to a file and to sync it, in milliseconds."""
    path, took = folder / "synced", []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(_TIMES):
            os.write(descriptor, _PAGE)
            begin = time.perf_counter()
            os.fsync(descriptor)
            took.append((time.perf_counter() - begin) * 1e3)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(took)
