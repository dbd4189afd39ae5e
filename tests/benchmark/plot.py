"""The picture of a run: four panels of bars, medians with their spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tests.benchmark.peers import PEERS
from tests.benchmark.results import Results
from tests.benchmark.sample import Cost
from tests.benchmark.scenario import SCENARIOS

# Of middle lightness: they stand out from a white page and from a black one.
_INK, _OURS, _THEIRS = "#7d8590", "#e0702f", "#4f8ac9"
_TLS_ALPHA = 0.5
_BAR = 0.38
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
        scenarios: without TLS and with it.
        of: the figure.
    """

    title: str
    scenarios: Sequence[str]
    of: Cost


_SMALL, _GET, _PUT = (f"{name}" for name in ("get-small", "get-large", "put-large"))
_PANELS = (
    _Panel(
        "GET 1 KiB: CPU µs per request (less is better)",
        (_SMALL, f"{_SMALL}-tls"),
        SCENARIOS[_SMALL].cost,
    ),
    _Panel(
        "GET 1 KiB: requests per second (more is better)",
        (_SMALL, f"{_SMALL}-tls"),
        lambda one: one.per_second,
    ),
    _Panel(
        "GET 64 MiB: CPU ms per GB (less is better)",
        (_GET, f"{_GET}-tls"),
        SCENARIOS[_GET].cost,
    ),
    _Panel(
        "PUT 64 MiB: CPU ms per GB (less is better)",
        (_PUT, f"{_PUT}-tls"),
        SCENARIOS[_PUT].cost,
    ),
)


def draw(results: Results, path: Path) -> None:
    """Write the picture, of the kind that the file's name says."""
    peers = [
        peer for peer in PEERS if any(peer in results.samples.get(key, {}) for key in SCENARIOS)
    ]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 1.5 + 0.62 * max(3, len(peers))), layout="constrained")
        axes = figure.subplots(2, 2, sharey=True)
        for panel, axis in zip(_PANELS, axes.flat, strict=True):
            _panel(axis, panel, results, peers)
        figure.legend(
            handles=[
                Patch(color=_OURS, label="the gateway"),
                Patch(color=_THEIRS, label="others"),
                Patch(color=_INK, label="plain"),
                Patch(color=_INK, alpha=_TLS_ALPHA, label="TLS to the client"),
            ],
            loc="outside lower center",
            ncols=4,
            frameon=False,
        )
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, transparent=True, dpi=150, metadata=metadata)


def _panel(axis: Axes, panel: _Panel, results: Results, peers: Sequence[str]) -> None:
    axis.set_title(panel.title, loc="left", fontsize=10, fontweight="bold")
    axis.set_yticks(range(len(peers)), [PEERS[peer].name for peer in peers])
    axis.invert_yaxis() if not axis.yaxis_inverted() else None
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.tick_params(left=False, bottom=False, labelbottom=False)
    longest = 0.0
    for row, peer in enumerate(peers):
        for shift, key in zip((-_BAR / 2, _BAR / 2), panel.scenarios, strict=True):
            found = results.figure(key, peer, panel.of)
            if found is None:
                continue
            color = _OURS if peer.startswith("gateway") else _THEIRS
            axis.barh(
                row + shift,
                found.median,
                _BAR,
                color=color,
                alpha=_TLS_ALPHA if SCENARIOS[key].tls else 1.0,
                xerr=[[found.median - found.least], [found.most - found.median]],
                error_kw={"ecolor": _INK, "elinewidth": 1, "capsize": 2},
            )
            axis.annotate(
                f"{found.median:,.0f}",
                (found.most, row + shift),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
            longest = max(longest, found.most)
    axis.set_xlim(0, longest * 1.15 or 1)
