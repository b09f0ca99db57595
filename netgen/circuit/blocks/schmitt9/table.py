"""Schmitt-trigger cells as measured: threshold, width and gain against their bias currents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator, RegularGridInterpolator

from netgen.arrays import Floats
from netgen.circuit.blocks.bench import Bench, Held
from netgen.errors import SimulationError

if TYPE_CHECKING:
    from netgen.circuit.blocks.port import CellBlock


THRESHOLDS = (0.02, 8.0)
"""Range of characterised threshold and gain currents, in units."""
RATIOS = (0.02, 0.035, 0.06, 0.1, 0.13, 0.16, 0.2, 0.25, 0.32, 0.4, 0.55, 0.7, 0.81, 0.89, 0.94,
          0.98, 1.03, 1.08)  # fmt: skip
"""Characterised ratios of width to threshold current."""
_THRESHOLD_POINTS = 10


@dataclass(frozen=True, eq=False)
class SchmittTable:
    """What cells do for their bias currents."""

    #: Threshold and gain bias currents, A, (biases,), evenly spaced in their logarithm.
    bias: Floats
    ratios: Floats  #: Ratio of width to threshold bias current, (ratios,).
    #: ``rising``, ``falling``: candidate current at which the output rises and falls, over the
    #: threshold bias current, (biases, ratios).
    rising: Floats
    falling: Floats
    gain: Floats  #: Output current over the gain bias current, (biases,).

    def thresholds(self, threshold: Floats, width: Floats) -> tuple[Floats, Floats]:
        """Return β_hi and β_lo in amperes for bias currents in amperes, any shape."""
        at = np.stack([np.log(threshold), width / threshold], axis=-1)
        rising, falling = (surface(at) for surface in self._surfaces)
        return threshold * rising, threshold * falling

    @cached_property
    def _surfaces(self) -> tuple[RegularGridInterpolator, ...]:
        """Splines through the rising and the falling thresholds, made once: that takes longest."""
        axes = (np.log(self.bias), self.ratios)
        return tuple(
            RegularGridInterpolator(axes, table, "cubic", bounds_error=False, fill_value=None)
            for table in (self.rising, self.falling)
        )

    def output(self, gain: Floats) -> Floats:
        """Return α, A, (…,), for gain bias currents, A."""
        measured = PchipInterpolator(np.log(self.bias), self.gain, extrapolate=True)
        current: Floats = gain * measured(np.log(gain))
        return current

    def biases(self, wanted: Floats) -> Floats:
        """Return the bias currents, (3, units), that give wanted β_hi, β_hi − β_lo and α (A)."""
        threshold, width, gain = wanted
        t, w, g = threshold.copy(), width.copy(), gain.copy()
        for _ in range(30):  # the map is close to the identity: each pass gains a digit or more
            rising, falling = self.thresholds(t, w)
            t = t * threshold / rising
            # the width is corrected by difference: near a ratio of 1 its share would run away
            w = np.clip(w + width - (rising - falling), 0.3 * width, self.ratios[-1] * t)
            g = g * gain / self.output(g)
        return np.array([t, w, g])

    def figures(self, bias: Floats) -> Floats:
        """Return β_hi, β_hi − β_lo and α, A, (3, units), of bias currents of that shape."""
        rising, falling = self.thresholds(bias[0], bias[1])
        return np.array([rising, rising - falling, self.output(bias[2])])

    def switching(self, bias: Floats) -> tuple[Floats, Floats, Floats]:
        """Return β_hi, β_lo and α, A, (cells,), of bias currents, A, (3, cells), of any size.

        A width above the largest characterised one holds a cell at any candidate, as that one does.
        """
        threshold, width, gain = bias
        inside = np.clip(threshold, self.bias[0], self.bias[-1])
        ratio = np.clip(width / threshold, self.ratios[0], self.ratios[-1])
        rising, falling = self.thresholds(inside, ratio * inside)
        beyond = threshold / inside
        return rising * beyond, falling * beyond, self.output(gain)


def hysteresis_curve(held: Held) -> tuple[Floats, Floats]:
    """Return candidate and output, A, (points,), of a held cell along a slow ramp up and down."""
    candidate, output = held.candidate[0], held.output[0]
    top, bottom = _turns(candidate)
    points = np.arange(len(candidate))
    limit = points[(points > bottom) & (candidate > 1.3 * candidate[top])]
    last = limit[0] if len(limit) else points[-1]
    high = points[bottom : last + 1]
    low = points[: top + 1]
    up = np.concatenate([low, high[candidate[high] > candidate[top]]])
    down = np.concatenate([high[::-1], low[candidate[low] < candidate[bottom]][::-1]])
    path = np.concatenate([up, down])
    return candidate[path], output[path]


def _turns(candidate: Floats) -> tuple[int, int]:
    """Return where the candidate has its maximum and the minimum after it; 0, 0 without them."""
    inner = candidate[1:-1]
    top = 1 + int(np.argmax((inner > candidate[:-2]) & (inner >= candidate[2:])))
    bottom = top + 1 + int(np.argmax(candidate[top + 1 : -1] < candidate[top + 2 :]))
    return (top, bottom) if 1 < top < bottom < len(candidate) - 1 else (0, 0)


def read_thresholds(sweep: Held) -> Floats:
    """Return β_hi, β_lo and α of each held cell in amperes, (cells, 3).

    The candidate that holds a cell rises with its storage node to a maximum, falls to a minimum
    and rises again; between the two no state is stable, so they are where the cell jumps. A cell
    without them has no hysteresis: its β_hi and β_lo are NaN.
    """
    measured = []
    for candidate, output in zip(sweep.candidate, sweep.output, strict=True):
        top, bottom = _turns(candidate)
        jumps = [_extremum(candidate, top), _extremum(candidate, bottom)] if top else [np.nan] * 2
        measured.append([*jumps, output[-1]])
    return np.array(measured)


def extrapolated(ratios: Floats, jumps: Floats) -> Floats:
    """Continue jumps, (biases, ratios, 2), to the small ratios where a cell has no hysteresis.

    Along a straight line through the smallest ratios with hysteresis: there the width comes to
    nothing, and the table stays smooth where an interpolation looks over that edge.

    Raises
    ------
    SimulationError
        Cells hold no state at any ratio.
    """
    whole: Floats = jumps.copy()
    for row in whole:
        held = np.flatnonzero(np.isfinite(row[:, 0]))
        if len(held) < 3 or held[-1] - held[0] + 1 != len(held) or held[-1] + 1 != len(ratios):
            raise SimulationError("no_hysteresis", "cells of this technology hold no state")
        first, second = held[:2]
        slope = (row[second] - row[first]) / (ratios[second] - ratios[first])
        row[:first] = row[first] + np.outer(ratios[:first] - ratios[first], slope)
    return whole


def _extremum(values: Floats, index: int) -> float:
    """Return the extremum of the parabola through a point and its neighbours."""
    before, here, after = values[index - 1 : index + 2]
    slope, curvature = (after - before) / 2, after - 2 * here + before
    return float(here if curvature == 0 else here - slope**2 / (2 * curvature))


def measured_table(bench: Bench, block: CellBlock) -> SchmittTable:
    """Measure cells over a grid of bias currents."""
    low, high = (limit * bench.unit_current for limit in THRESHOLDS)
    bias = np.geomspace(low, high, _THRESHOLD_POINTS)
    cells = [block.biased(t, t * ratio, t) for t in bias for ratio in RATIOS]

    def measure() -> dict[str, Floats]:
        return {"cells": read_thresholds(bench.held(cells))}

    identity = tuple(cell.currents for cell in cells)
    measured = bench.kept(f"{block.name} cells", identity, measure)["cells"]
    measured = measured.reshape(len(bias), len(RATIOS), 3) / bias[:, np.newaxis, np.newaxis]
    gain = measured[:, :, 2].mean(axis=1)
    ratios = np.array(RATIOS)
    jumps = extrapolated(ratios, measured[:, :, :2])
    return SchmittTable(bias, ratios, jumps[:, :, 0], jumps[:, :, 1], gain)
