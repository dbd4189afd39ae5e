"""Network namespaces: one for each pod, joined by a bridge, with nothing else on it."""

import itertools
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

_NUMBERS = itertools.count(2)


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace and its address."""

    name: str
    address: str

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command, run there."""
        return ["/usr/bin/nsenter", f"--net=/run/netns/{self.name}", "--", *command]


@contextmanager
def hosts(*names: str) -> Iterator[dict[str, Host]]:
    """Make them, and remove them; only root may, so that the test is skipped else, except in CI."""
    if os.geteuid() != 0:
        words = "needs root, for network namespaces"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    tag = f"{os.getpid():x}"
    hub = f"gwt-{tag}"
    with ExitStack() as stack:
        _ip("netns", "add", hub)
        stack.callback(_ip, "netns", "delete", hub)
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        found = {}
        for name in names:
            number = next(_NUMBERS)
            host = Host(f"{hub}-{name}", f"10.231.77.{number}")
            _ip("netns", "add", host.name)
            stack.callback(_ip, "netns", "delete", host.name)
            port = f"port{number}"
            _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "eth0", "netns", host.name)
            _ip("-n", hub, "link", "set", port, "master", "bridge", "up")
            _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
            _ip("-n", host.name, "link", "set", "eth0", "up")
            _ip("-n", host.name, "link", "set", "lo", "up")
            found[name] = host
        yield found


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=60)
