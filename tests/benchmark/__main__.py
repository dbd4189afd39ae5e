"""`make bench`: the gateway and its peers in one run, as Markdown, JSON and a picture."""

import argparse
import json
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import Progress

from tests.benchmark import plot, report
from tests.benchmark.machine import machine
from tests.benchmark.program import ROOT, Missing, find
from tests.benchmark.publish import publish
from tests.benchmark.results import Results
from tests.benchmark.run import Run, footprint_peers, footprint_rounds
from tests.benchmark.scenario import SCENARIOS
from tests.benchmark.selection import NAMES, Selection

_ARTIFACTS = ROOT / "artifacts" / "benchmark"
_FIGURES = _ARTIFACTS / "benchmark.json"
_README, _PICTURE = ROOT / "README.md", Path("docs/benchmark.svg")
#: Rounds, and seconds of load per measurement; a quick run is a look, not a result.
_USUAL, _QUICK = (5, 2.0), (2, 1.0)


def main() -> None:
    """Measure, print, and keep everything in artifacts/benchmark."""
    options = _options()
    if options.again:
        if not _FIGURES.exists():
            raise SystemExit(f"benchmark: there is no earlier run in {_ARTIFACTS}")
        results = Results.from_json(json.loads(_FIGURES.read_text()))
    else:
        rounds, seconds = _QUICK if options.quick else _USUAL
        try:
            selection = Selection.of(options.only, quick=options.quick)
            # killed politely, it stops what it has started as well
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            results = _measured(selection, options.rounds or rounds, options.seconds or seconds)
        except KeyboardInterrupt as fault:
            raise SystemExit("benchmark: interrupted, nothing was kept") from fault
        except (Missing, ValueError) as fault:
            raise SystemExit(f"benchmark: {fault}") from fault
    if options.publish and not results.whole:
        raise SystemExit("benchmark: only a whole run is published")
    text = report.full(results)
    _ARTIFACTS.mkdir(parents=True, exist_ok=True)
    _FIGURES.write_text(json.dumps(results.to_json(), indent=1) + "\n")
    (_ARTIFACTS / "benchmark.md").write_text(text)
    for kind in ("svg", "png"):
        plot.draw(results, _ARTIFACTS / f"benchmark.{kind}")
    if options.publish:
        block = report.short(results, _PICTURE)
        publish(_README, block, ROOT / _PICTURE, _ARTIFACTS / "benchmark.svg")
    sys.stdout.write(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a look in a minute: two short rounds, fewer peers"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help=f"measure this peer or scenario; may be repeated: {', '.join(NAMES)}",
    )
    parser.add_argument("--rounds", type=int, help="every peer is measured so often")
    parser.add_argument("--seconds", type=float, help="of load per measurement")
    parser.add_argument(
        "--again", action="store_true", help="measure nothing: take the latest run's figures"
    )
    parser.add_argument(
        "--publish", action="store_true", help="replace the README's figures and docs/benchmark.svg"
    )
    options = parser.parse_args()
    if options.publish and (options.quick or options.only):
        parser.error("only a whole run is published")
    return options


def _measured(selection: Selection, rounds: int, seconds: float) -> Results:
    """Run it.

    Raises:
        Missing: what no run can do without is not here.
    """
    find("nginx", "the system's package nginx-light; it plays S3")
    find("wrk", "the system's package wrk")
    results = Results(machine(datetime.now(UTC)), rounds)
    chosen = [key for key in SCENARIOS if key in selection.scenarios]
    steps = len(chosen) * len(selection.peers) * rounds
    steps += (selection.gated + selection.beside) * rounds
    if selection.footprints:
        steps += footprint_rounds(rounds) * len(footprint_peers(selection.peers))
    with tempfile.TemporaryDirectory() as name, Progress(transient=True) as progress:
        task = progress.add_task("starting", total=steps)

        def step(words: str) -> None:
            progress.update(task, description=words, advance=1)

        run = Run(Path(name), results, selection.peers, seconds, step)
        run.scenarios(chosen)
        if selection.gated:
            run.gated()
        if selection.beside:
            run.beside()
        if selection.footprints:
            run.footprints()
    return results


if __name__ == "__main__":
    main()
