"""An upstream in this process, and gateways in front of it."""

import time
from collections.abc import AsyncIterator, Callable

import pytest

from tests.endurance.traffic import until
from tests.support.scripted_upstream import ScriptedUpstream

#: Of progress, where it is not written over.
_LINES = 10


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedUpstream]:
    """Ends after the gateway: then nobody is connected any more."""
    async with ScriptedUpstream() as upstream:
        yield upstream
        await until(lambda: not upstream._serving)


Progress = Callable[[int, int], None]


@pytest.fixture
def progress(request: pytest.FixtureRequest) -> Progress:
    """Says how much of how much is done: in one line on a terminal, else now and then."""
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    began = time.monotonic()

    def say(done: int, total: int) -> None:
        if reporter is None or capture is None:  # a worker of xdist has none
            return
        seconds = time.monotonic() - began
        left = seconds / done * (total - done)
        words = f"  {request.node.name}: {done} of {total}, {seconds:.0f} s, {left:.0f} s to go"
        with capture.global_and_fixture_disabled():
            if reporter.isatty:
                reporter.rewrite(words, erase=True)
            elif done * _LINES // total > (done - 1) * _LINES // total:
                reporter.write_line(words)

    return say
