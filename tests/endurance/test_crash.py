"""kill -9: S3 never hears of a configuration whose allow is not in the journal.

By default 30 kills under 32 parallel writers, with `ENDURANCE=full` 300. A kill comes after so many
writes have reached S3 and a few milliseconds more, so that a slow machine is killed in the middle
of its work, too.
"""

import asyncio
import os
import random
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.endurance.conftest import Progress
from tests.endurance.inventory_store import inventory_store
from tests.endurance.process import gateway
from tests.endurance.writers import Writers

_FULL = os.environ.get("ENDURANCE") == "full"
_KILLS = 300 if _FULL else 30
_WRITERS = 32
#: Writes that S3 has seen since the start, before the process is killed: one, or some rounds.
_MOST_WRITES = 4 * _WRITERS
#: Seconds of a restart.
_RESTART = 5.0
#: How fast a machine decides is not what is tested.
_PATIENT = {"policy_timeout_seconds": 30}
Record = Callable[[str, object], None]


async def test_what_s3_took_is_on_record_whenever_the_process_is_killed(
    tmp_path: Path, record_property: Record, progress: Progress
) -> None:
    """I11: durable first; nothing that a client was told is lost, and no id has two documents."""
    seed = int.from_bytes(os.urandom(4))
    record_property("seed", seed)
    moments, writers = random.Random(seed), Writers()  # noqa: S311 - no secret
    restarts: list[float] = []
    cpu: list[float] = []
    async with inventory_store() as store:
        for kill in range(_KILLS):
            began = time.monotonic()
            with gateway(tmp_path, store.url, _PATIENT) as process:
                restarts.append(time.monotonic() - began)
                cpu.append(process.cpu_seconds)
                async with asyncio.TaskGroup() as group:
                    for _ in range(_WRITERS):
                        group.create_task(writers.write(process.port))
                    await store.comes_to(store.writes + moments.randint(1, _MOST_WRITES))
                    await asyncio.sleep(moments.uniform(0, 0.01))
                    process.process.kill()
            progress(kill + 1, _KILLS)
    allowed = _allowed(tmp_path / "journal.db")
    taken = {(one, digest) for one, digests in store.taken.items() for digest in digests}
    record_property("kills", _KILLS)
    record_property("PUTs that clients sent", writers.sent)
    record_property("PUTs that the gateway allowed", len(allowed))
    record_property("PUTs that S3 received", store.writes)
    record_property("PUTs that were acknowledged", len(writers.acknowledged))
    for what, seconds in (("restart", restarts), ("restart, CPU", cpu)):
        middle, most = statistics.median(seconds), max(seconds)
        record_property(f"{what}, seconds", f"median {middle:.2f}, most {most:.2f}")
    assert taken <= set(allowed.values())
    assert not writers.unavailable
    assert all(len(set(digests)) == 1 for digests in store.taken.values())
    for inventory_id, decision_id in writers.acknowledged.items():
        assert allowed[decision_id] == (inventory_id, store.taken[inventory_id][0])
    assert len(writers.acknowledged) >= _KILLS
    # What a restart takes by itself; the slowest by the clock is shown, and is the machine's where
    # others work on it as well: 21 seconds were seen, of which 2 were the gateway's.
    assert max(cpu) < _RESTART
    if _FULL:
        assert statistics.median(restarts) < _RESTART


def _allowed(journal: Path) -> dict[str, tuple[str, str]]:
    """By decision: the id and the hash of the document that was allowed."""
    connection = sqlite3.connect(journal)
    try:
        rows = connection.execute(
            "SELECT decision_id, inventory_id, document_sha256 FROM decision WHERE allow = 1"
        )
        return {decision_id: (inventory, digest) for decision_id, inventory, digest in rows}
    finally:
        connection.close()
