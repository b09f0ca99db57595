"""The plots of a population: votes, logit bands, margins and spreads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from netgen.analysis.variability.population import PopulationFigures
from netgen.analysis.variability.proportions import Proportion
from netgen.model import Model
from netgen.model.graph import Floats
from netgen.report import style
from netgen.report.text import sample_name
from netgen.units import engineering

DIFFERS, FAILED, PENDING = style.CIRCUIT, style.SOFTWARE, style.PALE
BANDS = 3
"""At most this many samples are plotted over time."""


def plot_votes(figures: PopulationFigures, what: str, sheet: style.Sheet) -> Figure:
    """What every sample's runs came to, and how many samples every variant gets right."""
    fig, (left, right) = sheet.panels(2, 3.6, ratios=(2.4, 1.0))
    differs = figures.simulated & ~figures.agrees
    pending = ~figures.done
    base = np.zeros(len(figures.samples))
    for runs, colour, label in (
        (figures.agrees, style.AGREES, "as software"),
        (differs, DIFFERS, "otherwise"),
        (figures.failed, FAILED, "simulation failed"),
        (pending, PENDING, "not simulated yet"),
    ):
        count = runs.sum(axis=0).astype(np.float64)
        if count.any():
            left.bar(range(len(base)), count, 0.75, bottom=base, color=colour, label=label)
        base += count
    _sample_ticks(left, figures, 40 if sheet.wide else 12)
    left.set_ylabel(what, fontsize=9)
    left.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    left.legend(
        fontsize=8,
        frameon=False,
        ncols=4 if sheet.wide else 2,
        loc="lower left",
        bbox_to_anchor=(0, 1),
    )
    style.tidy(left)
    left.grid(False, axis="x")
    right_ones = figures.agrees[figures.whole].sum(axis=1)
    counts = np.bincount(right_ones, minlength=len(base) + 1)
    colours = [DIFFERS] * len(base) + [style.AGREES]
    right.bar(range(len(counts)), counts, 0.75, color=colours)
    first = int(right_ones.min()) if right_ones.size else 0
    right.set_xlim(first - 0.6, len(base) + 0.6)
    right.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    right.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    right.set_xlabel(f"samples decided as software does (of {len(base)})", fontsize=9)
    right.set_ylabel(f"{what} with all samples done", fontsize=9)
    style.tidy(right)
    right.grid(False, axis="x")
    return fig


def _sample_ticks(axes: Axes, figures: PopulationFigures, most: int) -> None:
    count = len(figures.samples)
    step = -(-count // most)
    axes.set_xticks(range(0, count, step), [str(s) for s in figures.samples[::step]], fontsize=8)
    axes.set_xlabel("sample", fontsize=9)


def chosen_bands(figures: PopulationFigures) -> list[int]:
    """Return the positions of samples to draw: the most and the least disputed, one between."""
    known = np.flatnonzero(figures.simulated.any(axis=0))
    shares = figures.agrees[:, known].sum(axis=0) / figures.simulated[:, known].sum(axis=0)
    order = known[np.lexsort((known, shares))]
    picked = dict.fromkeys(int(order[at]) for at in (0, len(order) // 2, -1) if len(order))
    return list(picked)[:BANDS]


def plot_bands(figures: PopulationFigures, model: Model, what: str, sheet: style.Sheet) -> Figure:
    """Logits over time: software, and median and 5 … 95 % band of the variants."""
    chosen = chosen_bands(figures)
    fig = sheet.figure(0.9 + 2.3 * len(chosen))
    panels = fig.subplots(len(chosen), 1, sharex=True, squeeze=False)[:, 0]
    for axes, at in zip(panels, chosen, strict=True):
        _band(axes, figures, model, at, sheet)
        style.tidy(axes)
    handles: list[Artist] = [
        Line2D([], [], color=style.CLASSES[k % len(style.CLASSES)], linewidth=2)
        for k in range(len(model.classes))
    ]
    names = [f"{style.plain(name)}: median, 5 … 95 % of {what}" for name in model.classes]
    handles += [
        Line2D([], [], color=style.SOFTWARE, linewidth=1, linestyle=(0, (3, 2))),
        Patch(color=style.WINDOW),
    ]
    names += ["software", f"readout frames ({model.readout.rule.replace('_', ' ')})"]
    fig.legend(
        handles,
        names,
        fontsize=8,
        frameon=False,
        ncols=2 if sheet.wide else 1,
        loc="outside upper left",
    )
    panels[-1].set_xlabel("time (ms)", fontsize=9)
    fig.supylabel("logit (nA)", fontsize=9)
    return fig


def _band(
    axes: Axes, figures: PopulationFigures, model: Model, at: int, sheet: style.Sheet
) -> None:
    band = figures.band(at)
    assert band is not None
    frame, current = style.milliseconds(model), style.nanoamperes(model)
    time = frame * (np.arange(band.shape[1]) + 0.5)
    axes.axvspan(
        frame * model.readout.start, frame * model.readout.stop, color=style.WINDOW, linewidth=0
    )
    for unit in range(band.shape[2]):
        colour = style.CLASSES[unit % len(style.CLASSES)]
        low, middle, high = current * band[:, :, unit]
        axes.fill_between(time, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(time, middle, color=colour, linewidth=1.6)
        software = current * figures.logits_software[at, :, unit]
        axes.plot(time, software, color=style.darker(colour), linewidth=1, linestyle=(0, (3, 2)))
    votes = figures.votes()[at]
    name = style.plain(sample_name(figures.samples[at], figures.ids[at]))
    decided = style.plain(model.classes[figures.software[at]])
    axes.set_title(
        f"{name}:{' ' if sheet.wide else chr(10)}{votes.hits} of {votes.trials} "
        f"decide “{decided}” as software does",
        fontsize=9,
        loc="left",
    )
    axes.set_xlim(0, frame * len(time))


def plot_margins(figures: PopulationFigures, what: str, sheet: style.Sheet) -> Figure:
    """Share of variants that decide like software against software's lead."""
    fig = sheet.figure(3.6)
    axes = fig.subplots()
    known = [(at, vote) for at, vote in enumerate(figures.votes()) if vote.trials]
    lead = figures.lead_software[[at for at, _ in known]] / figures.logit_full_scale
    votes = [vote for _, vote in known]
    if what == "corners":  # chosen, not sampled: their share has no interval
        shares = np.array([vote.share for vote in votes], dtype=np.float64)
        axes.plot(lead, shares, "o", color=style.CIRCUIT, markersize=5)
    else:
        plot_shares(axes, lead, votes, style.CIRCUIT)
    shown: list[tuple[float, float]] = []  # a number over another says nothing
    for place, (at, vote) in zip(lead, known, strict=True):
        assert vote.share is not None
        if any(
            abs(place - x) < 0.03 * np.ptp(lead) and abs(vote.share - y) < 0.05 for x, y in shown
        ):
            continue
        shown.append((float(place), vote.share))
        axes.annotate(
            str(figures.samples[at]),
            (place, vote.share),
            xytext=(4, -9),
            textcoords="offset points",
            fontsize=8,
            color=style.MUTED,
        )
    axes.axvline(0, color=style.MUTED, linewidth=0.6)
    ends = [end for vote in votes for end in vote.wilson or () if what != "corners"]
    style.share_axis(axes, [*ends, *(vote.share for vote in votes if vote.share is not None)])
    axes.set_xlabel("lead of software's class, share of full scale", fontsize=9)
    axes.set_ylabel(f"{what} that decide like software", fontsize=9)
    style.tidy(axes)
    return fig


def plot_shares(
    axes: Axes,
    x: Floats | Sequence[int],
    proportions: Sequence[Proportion],
    colour: str,
    label: str | None = None,
) -> None:
    """Draw shares with Wilson's intervals at places ``x``, (points,)."""
    shares = np.array([entry.share for entry in proportions], dtype=np.float64)
    ends = np.array([entry.wilson for entry in proportions], dtype=np.float64).reshape(-1, 2).T
    # rounding may put an interval's end on the wrong side of a share of 0 or 1
    reach = np.maximum([shares - ends[0], ends[1] - shares], 0)
    axes.errorbar(
        x, shares, reach, fmt="o", color=colour, markersize=5, elinewidth=1, capsize=2, label=label
    )


def plot_spreads(figures: PopulationFigures, what: str, sheet: style.Sheet) -> Figure:
    """Distributions over variants (mean over their samples) of power, errors and agreement."""
    entries = [
        ("supply power", figures.power_w),
        ("logit RMSE, same states", figures.logit_rmse_same_state_fs),
        ("logit RMSE, free-running", figures.logit_rmse_fs),
        ("states equal", figures.state_agreement),
    ]
    entries = [entry for entry in entries if not np.isnan(entry[1]).all()]
    fig, panels = sheet.panels(len(entries), 2.7)
    for axes, (label, values) in zip(panels, entries, strict=True):
        means = variant_means(values)
        means = means[~np.isnan(means)]
        power = label == "supply power"
        # at least 2 % of the middle wide, and shares within 0 … 100 %
        middle = float(np.median(means))
        low, high = float(means.min()), float(means.max())
        room = max(0.02 * abs(middle) - (high - low), 0.02 * (high - low), 1e-12) / 2
        low, high = low - room, high + room
        low, high = max(0.0, low), high if power else min(1.0, high)
        bins = np.linspace(low, high, min(30, max(5, len(means) // 4)) + 1).tolist()
        axes.hist(means, bins=bins, color=style.CIRCUIT, alpha=0.75)
        axes.axvline(middle, color=style.SOFTWARE, linewidth=1)
        median = engineering(middle, "W") if power else f"{100 * middle:.3g} %"
        axes.set_title(f"{label}\nmedian of {what} {median}", fontsize=9, loc="left")
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_formatter(
            (lambda v, _: engineering(v, "W", 4)) if power else (lambda v, _: f"{100 * v:.4g} %")
        )
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        style.tidy(axes)
    panels[0].set_ylabel(what, fontsize=9)
    return fig


def variant_means(values: Floats) -> Floats:
    """Return means over simulated samples, (variants, samples) to (variants,); NaN of none."""
    means = np.full(len(values), np.nan)
    known = ~np.isnan(values).all(axis=1)
    means[known] = np.nanmean(values[known], axis=1)
    return means
