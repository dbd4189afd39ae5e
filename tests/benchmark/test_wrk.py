"""What wrk prints."""

import pytest

from tests.benchmark.wrk import Load, parse, script

_TEXT = """Running 2s test @ http://127.0.0.1:1/bench-source/small
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    12.05ms    3.86ms 108.84ms   98.43%
    Req/Sec     2.69k   151.60     2.97k    75.00%
  Latency Distribution
     50%   11.47ms
     75%   12.18ms
     90%   13.15ms
     99%   18.71ms
  5352 requests in 2.00s, 6.72MB read
Requests/sec:   2673.35
Transfer/sec:      3.36MB
"""
_UNITS = """  Latency Distribution
     50%  812.00us
     99%    1.25s
  7 requests in 1.01m, 1.50GB read
"""
_NONE = "  4 connections\n  0 requests in 1.00s, 512.00B read\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(_TEXT, Load(5352, 2.0, round(6.72 * 2**20), 11.47, 18.71), id="small"),
        pytest.param(_UNITS, Load(7, 60.6, round(1.5 * 2**30), 0.812, 1250.0), id="other units"),
        pytest.param(_NONE, Load(0, 1.0, 512, 0.0, 0.0), id="nothing finished"),
    ],
)
def test_figures_are_read_with_their_units(text: str, expected: Load) -> None:
    """Bytes are binary, latencies become milliseconds."""
    found = parse(text)
    assert (found.requests, found.received) == (expected.requests, expected.received)
    assert (found.seconds, found.p50_ms, found.p99_ms) == pytest.approx(
        (expected.seconds, expected.p50_ms, expected.p99_ms)
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_TEXT + "  Non-2xx or 3xx responses: 5352\n", id="error answers"),
        pytest.param(
            _TEXT + "  Socket errors: connect 0, read 3, write 0, timeout 0\n", id="broken"
        ),
        pytest.param("unable to connect to 127.0.0.1:1 Connection refused\n", id="no server"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_run_with_errors_is_none(text: str) -> None:
    """An error is answered fast: it must not pass for speed."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_requests_are_sent_as_they_are() -> None:
    """Line ends and quotes are escaped as Lua reads them."""
    lines = script([b'GET /a HTTP/1.1\r\nx: "1"\r\n\r\n', b"GET /b"]).splitlines()
    assert lines[:4] == [
        "local requests = {",
        r'"GET /a HTTP/1.1\r\nx: \"1\"\r\n\r\n",',
        '"GET /b"',
        "}",
    ]
