"""A file that is written in place is read when it is whole."""

from pathlib import Path

import pytest

from gateway.adapters.principals_file import PrincipalsFile
from gateway.app.settling import Settling
from tests.support.site import write_principals

NOTHING: tuple[object, ...] = ()


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([NOTHING] * 3, [False] * 3),
        ([("a",), ("a",)], [False, True]),
        ([("a",), ("b",), ("b",)], [False, False, True]),
        ([("a",), NOTHING, ("a",), ("a",)], [False, False, False, True]),
        ([(number,) for number in range(11)], [False] * 9 + [True] * 2),
        ([(1,), (2,), (3,), NOTHING, *[(n,) for n in range(9)]], [False] * 13),
    ],
    ids=[
        "nothing changed",
        "moved into place",
        "written in halves",
        "put back in between",
        "never still",
        "counted anew after a rest",
    ],
)
def test_two_looks_must_agree(looks: list[tuple[object, ...]], expected: list[bool]) -> None:
    """Or the tenth look comes: what never stands still is taken as it is."""
    look = iter(looks)
    settling = Settling(lambda: next(look))
    assert [settling.settled() for _ in looks] == expected


def test_half_a_file_of_principals_drops_nobody(tmp_path: Path) -> None:
    """It reads like a whole file with fewer of them, which is what makes it dangerous."""
    path = tmp_path / "principals.yaml"
    write_principals(path)
    store = PrincipalsFile.load(path, {})
    settling, names = Settling(store.changed), [known.name for known in store.principals]
    text = path.read_text()
    half = text[: text.index("  - name", text.index("  - name") + 1)]
    path.write_text(half)
    assert not settling.settled()
    with path.open("a") as file:
        file.write(text[len(half) :])
    assert not settling.settled()
    assert settling.settled()
    store.reload()
    assert [known.name for known in store.principals] == names
    assert not settling.settled()


def test_a_file_that_is_moved_into_place_waits_for_one_look(tmp_path: Path) -> None:
    """As long as a poll."""
    path, draft = tmp_path / "principals.yaml", tmp_path / "draft"
    write_principals(path)
    settling = Settling(PrincipalsFile.load(path, {}).changed)
    write_principals(draft)
    draft.replace(path)
    assert [settling.settled(), settling.settled()] == [False, True]
