"""A small, strict S3 in memory, for the demo and the tests.

It is the independent witness of this project: it verifies signatures with botocore and shares no
line with the gateway it is put behind. Start with `server.py`, which has the order of the checks,
then `operations.py`, the table of what it implements.
"""

from gateway.emulator.bucket import EmulatedBucket, StoredObject
from gateway.emulator.request import ReceivedRequest
from gateway.emulator.server import Emulator

__all__ = ["EmulatedBucket", "Emulator", "ReceivedRequest", "StoredObject"]
