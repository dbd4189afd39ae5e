"""The address of the database."""

import pytest

from gateway.adapters.journal.database_url import check_url, is_local


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://h/d", "must begin with postgresql://"),
        ("journal.db", "must begin with postgresql://"),
        ("postgresql://user:hunter2@h/d", "holds a password"),
        ("postgresql://h/d?password=hunter2", "holds a password"),
    ],
)
def test_wrong_one_is_refused_without_quoting_it(url: str, words: str):
    """A password belongs in a file."""
    with pytest.raises(ValueError, match=words) as caught:
        check_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql:///d", True),
        ("postgresql://u@localhost/d", True),
        ("postgresql://u@127.0.0.1:5432/d", True),
        ("postgresql://u@[::1]:5432/d", True),
        ("postgresql://u@[::1]/d", True),
        ("postgresql://u@/d?host=/run/postgresql", True),
        ("postgresql://u@%2Frun%2Fpostgresql/d", True),
        ("postgresql://u@db.example.org/d", False),
        ("postgresql://u@127.0.0.1.example.org/d", False),
        ("postgresql://u@localhost,db.example.org:5432/d", False),
        ("postgresql:///d?host=db.example.org", False),
        ("postgresql://localhost/d?host=db.example.org", False),
        ("postgresql://[2001:db8::1]/d", False),
    ],
)
def test_local_is_what_stays_on_this_machine(url: str, local: bool):
    """Anything else is spoken to over TLS that is verified."""
    assert check_url(url) == url
    assert is_local(url) is local
