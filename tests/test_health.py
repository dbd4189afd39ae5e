"""The health check: what an admin listener may answer, and when there is none."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from gateway.health import trouble


class _Listener(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """A listener."""
    with HTTPServer(("127.0.0.1", 0), _Listener) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "words"),
    [("/200", ""), ("/503", "/503: 503 Service Unavailable"), ("/204", "/204: 204 No Content")],
)
def test_only_200_is_well(url: str, path: str, words: str) -> None:
    """A readiness page says 503 while it drains."""
    assert trouble(url + path).removeprefix(url) == words


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:1/livez", "refused"),
        ("https://127.0.0.1/livez", "is no http:// address"),
        ("127.0.0.1:9001", "is no http:// address"),
        ("http://127.0.0.1:99999/livez", "out of range"),
        ("http://[/livez", "Invalid IPv6"),
    ],
    ids=["nobody listens", "https", "no scheme", "no such port", "a bracket alone"],
)
def test_what_keeps_it_from_asking_is_told(address: str, words: str) -> None:
    """In one line, with the address."""
    assert address in trouble(address)
    assert words in trouble(address)


def test_a_listener_that_says_nothing_is_not_waited_for() -> None:
    """Whoever runs the check has a time of its own, which must not be what ends it."""
    with HTTPServer(("127.0.0.1", 0), _Listener) as silent:
        assert "timed out" in trouble(f"http://127.0.0.1:{silent.server_port}/200", 0.05)


def test_it_imports_next_to_nothing() -> None:
    """It runs every few seconds beside the gateway: third parties' packages would weigh on it."""
    script = (
        "import sys; before = set(sys.modules); import gateway.__main__; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}"
        " - sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["gateway"]
