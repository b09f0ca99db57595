"""Noise immunity as files: JSON and plots."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from netgen._version import __version__
from netgen.analysis.noise.network import Draws, Immunity
from netgen.analysis.noise.statistics import Interval
from netgen.report.style import CLASSES, MUTED, figure, plain, tidy
from netgen.schema import head

MEASURES = {
    "decisions": "decisions equal to those without noise",
    "states": "states equal to those without noise",
    "accuracy": "right decisions",
}
"""What is plotted, by the attribute of :class:`Immunity`."""
_DPI = 100


def noise_files(
    results: Sequence[Immunity], draws: Draws, technology: str
) -> dict[str, str | bytes]:
    """Return ``noise.json`` and a PNG for each measure, by name.

    Parameters
    ----------
    technology
        Whose noise the intrinsic one is.
    """
    document = {
        **head("noise"),
        "netgen": __version__,
        "pdk": technology,
        "draws": asdict(draws),
        "results": [asdict(result) for result in results],
    }
    text = json.dumps(document, indent=1, allow_nan=False)
    files: dict[str, str | bytes] = {"noise.json": text + "\n"}
    for measure in MEASURES:
        known = [result for result in results if getattr(result, measure) is not None]
        if known:
            files[f"noise-{measure}.png"] = _curves(known, measure)
    return files


def _curves(results: Sequence[Immunity], measure: str) -> bytes:
    """Draw a measure over the level of noise: a panel for each place, a curve for each network."""
    own = {result.case: result for result in results if result.place == "intrinsic"}
    places = list(dict.fromkeys(r.place for r in results if r.place != "intrinsic"))
    fig = figure(3.6)
    panels = fig.subplots(1, max(len(places), 1), sharey=True, squeeze=False)[0]
    for axes, place in zip(panels, places, strict=False):
        for index, (case, intrinsic) in enumerate(own.items()):
            colour = CLASSES[index % len(CLASSES)]
            chosen = [r for r in results if (r.case, r.place) == (case, place)]
            _curve(axes, chosen, measure, plain(case), colour)
            axes.axvline(100 * intrinsic.level, color=colour, linewidth=0.9, linestyle=":")
        axes.plot([], [], ":", color=MUTED, linewidth=0.9, label="mean of the circuit's own rows")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(f"noise at {place}, % of a unit rms", fontsize=9)
        tidy(axes)
    panels[0].set_ylabel(f"{MEASURES[measure]}, %", fontsize=9)
    panels[0].legend(fontsize=8, frameon=False)
    buffer = io.BytesIO()
    FigureCanvasAgg(fig)
    fig.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _curve(axes: Axes, results: Sequence[Immunity], measure: str, label: str, colour: str) -> None:
    levels = [100 * result.level for result in results]
    found: list[Interval] = [getattr(result, measure) for result in results]
    axes.plot(levels, [100 * f.value for f in found], "o-", color=colour, markersize=3, label=label)
    low, high = [100 * f.low for f in found], [100 * f.high for f in found]
    axes.fill_between(levels, low, high, color=colour, alpha=0.15, linewidth=0)
