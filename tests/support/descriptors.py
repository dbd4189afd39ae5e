"""Whether something was left open."""

import os


def next_descriptor() -> int:
    """The lowest number that is free; it rises where a descriptor was left open."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor
