"""`make bench`: all peers in one run, in turn, medians and spread, as Markdown and JSON."""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.progress import Progress

from tests.benchmark import load, peers
from tests.benchmark.load import Sample
from tests.benchmark.process import Server, free_port, started

_ARTIFACTS = Path("artifacts/benchmark")
_SMALL, _LARGE = 1024, 64 << 20
_PEERS = (
    peers.nginx,
    peers.haproxy,
    peers.envoy("signing"),
    peers.envoy("ext_authz", "signing"),
    peers.gateway,
)
_REFERENCE = "Envoy, signing + ext_authz"
Results = dict[str, dict[str, list[Sample]]]


def main() -> None:
    """Measure, print, and keep the figures in `artifacts/benchmark`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="every peer is measured so often")
    parser.add_argument("--seconds", type=float, default=3, help="of load per measurement")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ExitStack() as stack:
            servers, missing = _start(folder, stack)
            results = _measure(servers, options.rounds, options.seconds)
        with _gated(folder) as gated:
            samples = [load.gated_put(gated, 220) for _ in range(options.rounds)]
    text = _report(results, samples, missing, options.rounds)
    _ARTIFACTS.mkdir(parents=True, exist_ok=True)
    (_ARTIFACTS / "benchmark.md").write_text(text)
    figures = {
        scenario: {peer: [asdict(sample) for sample in found] for peer, found in by_peer.items()}
        for scenario, by_peer in {**results, "gated PUT": {"gateway": samples}}.items()
    }
    (_ARTIFACTS / "benchmark.json").write_text(json.dumps(figures, indent=1))
    sys.stdout.write(text)


def _start(folder: Path, stack: ExitStack) -> tuple[list[Server], list[str]]:
    servers, missing = [], []
    upstream = stack.enter_context(peers.upstream(folder))
    for peer in _PEERS:
        try:
            servers.append(stack.enter_context(peer(folder, upstream.port)))
        except peers.Missing as reason:
            missing.append(str(reason))
    return servers, missing


@contextmanager
def _gated(folder: Path) -> Iterator[Server]:
    """A gateway in front of the emulator, so that facts, journal and S3's answer are real."""
    port = free_port()
    command = [
        *(str(Path(sys.executable).parent / "inventory-gateway"), "emulator"),
        *("--port", str(port), "--bucket", "bench-source:us-east-1:111122223333"),
        *("--bucket", "bench-destination:us-east-1:111122223333"),
    ]
    with (
        started("emulator", command, port, folder / "emulator.log", peers.UPSTREAM),
        peers.gateway(folder, port) as server,
    ):
        yield server


def _measure(servers: Sequence[Server], rounds: int, seconds: float) -> Results:
    scenarios: Mapping[str, Callable[[Server], Sample]] = {
        "GET 1 KiB, 32 connections": lambda peer: load.get(peer, "1k", _SMALL, 32, seconds),
        "GET 64 MiB, 4 connections": lambda peer: load.get(peer, "64m", _LARGE, 4, seconds),
        "PUT 64 MiB, 1 connection": lambda peer: load.put(peer, _LARGE, max(3, int(seconds * 2))),
    }
    results: Results = {name: {peer.name: [] for peer in servers} for name in scenarios}
    with Progress(transient=True) as progress:
        task = progress.add_task("measuring", total=len(scenarios) * len(servers) * (rounds + 1))
        for name, scenario in scenarios.items():
            for number in range(rounds + 1):  # the first warms up
                for peer in servers:
                    sample = scenario(peer)
                    if number:
                        results[name][peer.name].append(sample)
                    progress.advance(task)
    return results


def _report(results: Results, gated: Sequence[Sample], missing: Sequence[str], rounds: int) -> str:
    lines = [
        (
            f"{os.cpu_count()} cores, Python {platform.python_version()}, {rounds} rounds in turn: "
            "median (least to most). CPU is the proxy's own; ext_authz's server is not counted. "
            f"Relative: CPU against {_REFERENCE}, paired within each round."
        ),
    ]
    for scenario, by_peer in results.items():
        bulk = "64 MiB" in scenario
        unit = "CPU ms/GB" if bulk else "CPU µs/request"
        lines += ["", f"**{scenario}**", ""]
        lines += [f"| | {unit} | relative | requests/s | p50 ms | p99 ms | RSS MiB |"]
        lines += ["|---|---|---|---|---|---|---|"]
        for peer, samples in by_peer.items():
            cpu = [one.cpu_ms_per_gb if bulk else one.cpu_us for one in samples]
            ratio = _ratio(samples, by_peer.get(_REFERENCE), bulk=bulk)
            cells = [
                peer,
                _spread(cpu, 0),
                ratio,
                _spread([one.per_second for one in samples], 1 if bulk else 0),
                _spread([one.p50_ms for one in samples], 2),
                _spread([one.p99_ms for one in samples], 2),
                f"{max(one.rss_mib for one in samples):.0f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "**Gated PUT, allowed, facts cached, one at a time, fsync of the journal included**",
        "",
        "| p50 ms | p99 ms | CPU µs/request |",
        "|---|---|---|",
        (
            f"| {_spread([one.p50_ms for one in gated], 2)} "
            f"| {_spread([one.p99_ms for one in gated], 2)} "
            f"| {_spread([one.cpu_us for one in gated], 0)} |"
        ),
        *(["", "Not measured: " + "; ".join(missing)] if missing else []),
    ]
    return "\n".join(lines) + "\n"


def _ratio(samples: Sequence[Sample], reference: Sequence[Sample] | None, *, bulk: bool) -> str:
    """Paired within each round, so that the machine's drift cancels out."""
    if not reference:
        return ""

    def cost(sample: Sample) -> float:
        return sample.cpu_ms_per_gb if bulk else sample.cpu_us

    return _spread(
        [cost(one) / cost(other) for one, other in zip(samples, reference, strict=True)], 2
    )


def _spread(values: Sequence[float], digits: int) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


main()
