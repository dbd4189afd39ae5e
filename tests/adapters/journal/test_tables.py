"""What the back ends share, beyond the contract suite."""

from sqlalchemy.exc import OperationalError

from gateway.adapters.journal.tables import words_of


def test_words_are_the_back_ends_own():
    """Without SQLAlchemy's frame, which names statements."""
    fault = OperationalError("SELECT secret", {"x": 1}, Exception("disk is full"))
    assert words_of(fault) == "disk is full"
    assert words_of(OSError("gone")) == "gone"
