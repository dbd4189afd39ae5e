"""The picture of a run: four panels of bars, medians with their spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tests.benchmark.peers import PEERS
from tests.benchmark.results import Results
from tests.benchmark.sample import Cost
from tests.benchmark.scenario import SCENARIOS

# Of middle lightness: they stand out from a white page and from a black one.
_INK, _ON_BAR = "#7d8590", "#1f2328"
#: Plain, and over TLS.
_OURS, _THEIRS, _ANY = ("#e0702f", "#f0ad85"), ("#4f8ac9", "#a3c4e6"), ("#7d8590", "#bcc1c8")
_BAR = 0.37
_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "svg.fonttype": "none",  # text stays text: small, and sharp at any size
    "svg.hashsalt": "benchmark",  # the same figures make the same file
}


@dataclass(frozen=True, slots=True)
class _Panel:
    """One figure of one kind of load.

    Args:
        title: above it.
        scenario: without TLS; with it the name ends in `-tls`.
        of: the figure.
    """

    title: str
    scenario: str
    of: Cost


_PANELS = (
    _Panel(
        "GET 1 KiB: CPU µs per request (less is better)", "get-small", SCENARIOS["get-small"].cost
    ),
    _Panel(
        "GET 1 KiB: requests per second (more is better)", "get-small", lambda one: one.per_second
    ),
    _Panel("GET 64 MiB: CPU ms per GB (less is better)", "get-large", SCENARIOS["get-large"].cost),
    _Panel("PUT 64 MiB: CPU ms per GB (less is better)", "put-large", SCENARIOS["put-large"].cost),
)


def draw(results: Results, path: Path) -> None:
    """Write the picture, of the kind that the file's name says."""
    peers = [
        peer for peer in PEERS if any(peer in results.samples.get(key, {}) for key in SCENARIOS)
    ]
    with mpl.rc_context(_STYLE):
        layout = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.08)
        figure = Figure(figsize=(9.6, 1.6 + 0.74 * max(2, len(peers))), layout=layout)
        axes = figure.subplots(2, 2)
        for number, (panel, axis) in enumerate(zip(_PANELS, axes.flat, strict=True)):
            _panel(axis, panel, results, peers, named=number % 2 == 0)
        figure.legend(
            handles=[
                Patch(color=_OURS[0], label="the gateway"),
                Patch(color=_THEIRS[0], label="others"),
                Patch(color=_ANY[0], label="plain"),
                Patch(color=_ANY[1], label="TLS to the client"),
                Line2D([], [], color=_INK, linewidth=1.2, label="least to most"),
            ],
            loc="outside lower center",
            ncols=5,
            frameon=False,
        )
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, transparent=True, dpi=150, metadata=metadata)


def _panel(
    axis: Axes, panel: _Panel, results: Results, peers: Sequence[str], *, named: bool
) -> None:
    axis.set_title(panel.title, loc="left", fontsize=10, fontweight="bold")
    axis.set_yticks(range(len(peers)), [PEERS[peer].name if named else "" for peer in peers])
    for peer, label in zip(peers, axis.get_yticklabels(), strict=True):
        if _is_ours(peer):
            label.set(color=_OURS[0], fontweight="bold")
    axis.set_ylim(len(peers) - 0.5, -0.5)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.tick_params(left=False, bottom=False, labelbottom=False)
    ends = []
    for row, peer in enumerate(peers):
        for tls, shift in ((False, -_BAR / 2), (True, _BAR / 2)):
            found = results.figure(f"{panel.scenario}{'-tls' if tls else ''}", peer, panel.of)
            if found is None:
                continue
            at, color = row + shift, (_OURS if _is_ours(peer) else _THEIRS)[tls]
            axis.barh(at, found.median, _BAR, color=color)
            axis.hlines(at, found.least, found.median, color=_ON_BAR, linewidth=1.2)
            axis.hlines(at, found.median, found.most, color=_INK, linewidth=1.2)
            axis.annotate(
                f"{found.median:,.0f}",
                (found.most, at),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
            ends.append(found.most)
    axis.set_xlim(0, max(ends, default=1.0) * 1.13)


def _is_ours(peer: str) -> bool:
    return peer.startswith("gateway")
