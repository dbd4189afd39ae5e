"""An upstream in this process, and gateways in front of it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.endurance.traffic import until
from tests.support.scripted_upstream import ScriptedUpstream


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedUpstream]:
    """Ends after the gateway: then nobody is connected any more."""
    async with ScriptedUpstream() as upstream:
        yield upstream
        await until(lambda: not upstream._serving)


@pytest.fixture(autouse=True)
def _show(request: pytest.FixtureRequest, record_property) -> Iterator[None]:  # noqa: ARG001
    """Figures belong on the screen: a limit that holds by a hair is news."""
    yield
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:  # a worker of xdist has none
        for name, value in request.node.user_properties:
            reporter.write_line(f"  {name}: {value}")
