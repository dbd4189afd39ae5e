"""The figures as Markdown: all of them, and the short form for the README."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmark.beside import PUTS_PER_SECOND
from tests.benchmark.goals import GOALS, lost
from tests.benchmark.peers import AUTHORIZED, GATEWAY, PEERS, SIGNING, SIGV4_PROXY
from tests.benchmark.results import Results
from tests.benchmark.sample import TIMES, Spread, spread
from tests.benchmark.scenario import SCENARIOS
from tests.benchmark.streams import STREAMS

_REFERENCES = (AUTHORIZED, SIGNING, SIGV4_PROXY)
_COMPARED = (AUTHORIZED, GATEWAY)
_NOTE = (
    "Median (least to most). CPU is the proxy's own; that of the server that answers "
    "ext_authz is not counted. A multiple is of CPU, paired within each round. The leg to the "
    "stub of S3 is plain HTTP."
)


def full(results: Results) -> str:
    """Every scenario with all that was measured."""
    lines = [_run(results), "", _NOTE]
    for key, scenario in SCENARIOS.items():
        if results.samples.get(key):
            lines += ["", f"**{scenario.title}**", "", *_scenario(results, key)]
    lines += [*_gated(results), *_beside(results), *_footprints(results)]
    lines += ["", "**Goals**", "", *_goals(results), *_losses(results), *_missing(results)]
    return "\n".join(lines) + "\n"


def short(results: Results, picture: Path) -> str:
    """For the README: what a request and what a byte costs, the goals, and where we lose."""
    head = ["", *(f"{one.name}, {one.unit}" for one in SCENARIOS.values()), "peak RSS MiB"]
    rows = []
    for peer, named in PEERS.items():
        cells = [_shown(results.cost(key, peer), 0) for key in SCENARIOS]
        if any(cells):
            name = f"**{named.name}**" if peer == GATEWAY else named.name
            rows.append([name, *cells, f"{results.peak_mib(peer):.0f}"])
    lines = [f"![What a request and what a byte costs]({picture.as_posix()})", ""]
    lines += [_run(results), "", _NOTE, "", *_table(head, rows)]
    lines += ["", *_goals(results), *_losses(results)]
    if results.gated:
        p50 = spread(one.p50_ms for one in results.gated).shown(1)
        p99 = spread(one.p99_ms for one in results.gated).shown(1)
        lines += [
            "",
            (
                f"An allowed inventory PUT took {p50} ms (p50) and {p99} ms (p99), one at a time, "
                "facts cached, fsync of the journal included; an fsync alone took "
                f"{spread(results.syncs_ms).shown(1)} ms on that disk."
            ),
        ]
    return "\n".join([*lines, *_missing(results)])


def _run(results: Results) -> str:
    machine = ", ".join(text for text in results.machine.values() if text)
    times = "round" if results.rounds == 1 else "rounds"
    return f"{machine}; {results.rounds} {times}, all in turn."


def _scenario(results: Results, key: str) -> Iterator[str]:
    scenario = SCENARIOS[key]
    references = [one for one in _REFERENCES if one in results.samples[key]]
    head = ["", scenario.unit, *(f"{TIMES} {PEERS[one].name}" for one in references)]
    head += ["MB/s" if scenario.bulk else "requests/s", "p50 ms", "p99 ms", "peak RSS MiB"]
    rows = []
    for peer in PEERS:
        if peer not in results.samples[key]:
            continue
        rows.append(
            [
                PEERS[peer].name,
                _shown(results.cost(key, peer), 0),
                *(_shown(results.ratio(key, one, peer), 2) for one in references),
                _shown(
                    results.figure(
                        key,
                        peer,
                        lambda one: one.mb_per_second if scenario.bulk else one.per_second,
                    ),
                    0,
                ),
                _shown(results.latency(key, peer, lambda one: one.p50_ms), 2),
                _shown(results.latency(key, peer, lambda one: one.p99_ms), 2),
                _shown(results.figure(key, peer, lambda one: one.rss_mib), 0),
            ]
        )
    yield from _table(head, rows)


def _gated(results: Results) -> Iterator[str]:
    if not results.gated:
        return
    yield from ("", "**Inventory PUT, allowed, facts cached, one at a time, with its fsync**", "")
    row = [
        spread(one.p50_ms for one in results.gated).shown(2),
        spread(one.p99_ms for one in results.gated).shown(2),
        spread(one.cpu_us for one in results.gated).shown(0),
        spread(results.syncs_ms).shown(2),
    ]
    yield from _table(["p50 ms", "p99 ms", "CPU µs/request", "one fsync alone, ms"], [row])


def _beside(results: Results) -> Iterator[str]:
    if not results.beside:
        return
    load = f"{PUTS_PER_SECOND} inventory PUTs a second, each judged anew"
    yield from ("", f"**GET 1 KiB, one at a time, alone and beside {load}**", "")
    rows = [
        [
            name,
            spread(one.p50_ms for one in found).shown(2),
            spread(one.p99_ms for one in found).shown(2),
        ]
        for name, found in {
            "alone": [one.alone for one in results.beside],
            "beside": [one.beside for one in results.beside],
        }.items()
    ]
    yield from _table(["", "p50 ms", "p99 ms"], rows)


def _footprints(results: Results) -> Iterator[str]:
    if not results.footprints:
        return
    yield from ("", f"**Memory: {STREAMS} downloads whose clients do not read on**", "")
    rows = [
        [
            PEERS[peer].name,
            spread(one.idle_mib for one in found).shown(0),
            spread(one.mib_per_stream for one in found).shown(2),
        ]
        for peer, found in results.footprints.items()
    ]
    yield from _table(["", "idle MiB", "MiB per stream"], rows)


def _goals(results: Results) -> Iterator[str]:
    head = ["goal of the gateway, one worker", "limit", "measured", ""]
    yield from _table(head, [goal.row(results) for goal in GOALS])


def _losses(results: Results) -> Iterator[str]:
    if not all(peer in results.samples.get(key, {}) for key in SCENARIOS for peer in _COMPARED):
        return
    found = [f"{title} ({ratio.median:.2f} {TIMES})" for title, ratio in lost(results)]
    name = PEERS[AUTHORIZED].name
    yield ""
    yield (
        f"Where the gateway costs more CPU than {name}: {'; '.join(found)}."
        if found
        else f"Nowhere does the gateway cost more CPU than {name}."
    )


def _missing(results: Results) -> Iterator[str]:
    if results.missing:
        yield from ("", f"Not measured: {'; '.join(results.missing)}.")


def _shown(found: Spread | None, digits: int) -> str:
    return found.shown(digits) if found else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"
