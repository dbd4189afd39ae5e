"""The yardstick of durability."""

from pathlib import Path

from tests.benchmark.disk import sync_ms


def test_a_sync_takes_time_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """It is measured on the disk that the journal is on."""
    assert sync_ms(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []
