"""Trim by measurement: each cell's thresholds and output are read, its currents set.

On a bench a current is forced into the diode of a cell's candidate, swept up and down, and the
cell's output is read. So the errors of the candidate's way, of the cell and of its bias currents
are measured as one, and three factors on the bias currents take them back.

What an input's gate nets are off shows in the candidates' currents when the input is moved a
little. A digital gain in front of each input takes it back as far as one factor can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from netgen.behavioural.settings import ChipSettings
from netgen.circuit import CellLayer, Circuit
from netgen.circuit.codes import CodeRange
from netgen.model.graph import Floats, Integers
from netgen.trim.codes import Codes, nominal_codes

ROUNDS = 3
"""Measurements of each cell: one that never falls shows its width only after the first."""
INPUT_ROUNDS, STEP = 2, 0.05
"""Measurements of the inputs, and by how many units each is moved up and down."""
_SMALL = 1e-6
"""Share of a wanted figure below which a measured one says nothing more."""


@dataclass(frozen=True, eq=False)
class CellFigures:
    """Measured cells of a node, in units, each (chips, units)."""

    #: ``rising``, ``falling``: currents into the candidate's diode at which the cell rises and
    #: falls; ``falling`` is 0 or less where it never does.
    rising: Floats
    falling: Floats
    output: Floats  #: Its output current while high.


Measure: TypeAlias = Callable[[ChipSettings], Mapping[str, CellFigures]]
"""Measures the cells of all chips, with their currents set."""


@dataclass(frozen=True, eq=False)
class MeasuredTrim:
    """Codes from measurements."""

    codes: Codes
    beyond: int  #: Currents that should be set further than any code reaches.


def trim_measured(
    circuit: Circuit,
    measure: Measure,
    span: CodeRange,
    chips: int,
    error: float = 0.0,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> MeasuredTrim:
    """Return the codes that bring measured cells closest to their learned parameters.

    Cells are measured and set ``rounds`` times. ``error`` is the standard deviation of ln of every
    measured current, ``seed`` that of these errors.
    """
    rng = np.random.default_rng(seed)
    codes, beyond = nominal_codes(circuit, span, chips), 0
    for _ in range(rounds):
        figures = measure(codes.settings)
        biases: dict[str, Integers] = {}
        beyond = 0
        for layer in circuit.cells:
            aim = layer.wanted / circuit.model.unit_current
            errors = log_errors(layer, aim, _misread(figures[layer.node], error, rng))
            logs = span.logs(codes.biases[layer.node]) - errors
            biases[layer.node] = span.nearest(logs)
            beyond += span.beyond(logs)
        codes = Codes(span, biases)
    return MeasuredTrim(codes, beyond)


def log_errors(layer: CellLayer, aim: Floats, figures: CellFigures) -> Floats:
    """Return ln of measured figures over the wanted ones, (chips, biases, units).

    A cell that never falls counts as one that falls at no current.

    Parameters
    ----------
    aim
        What each bias should give, units, (biases, units).
    """
    falling = np.maximum(figures.falling, 0.0)
    measured = np.moveaxis(layer.block.figures(figures.rising, falling, figures.output), 0, 1)
    logs: Floats = np.log(np.maximum(measured / aim, _SMALL))
    return logs


def _misread(figures: CellFigures, error: float, rng: np.random.Generator) -> CellFigures:
    if not error:
        return figures
    return CellFigures(
        *(
            each * np.exp(error * rng.standard_normal(each.shape))
            for each in (figures.rising, figures.falling, figures.output)
        )
    )


Candidates: TypeAlias = Callable[[Floats, ChipSettings | None], Floats]
"""Takes single frames through all chips: candidate currents, (chips or 1, samples, frames,
cells)."""


def trim_inputs(
    codes: Codes,
    points: Floats,
    measured: Candidates,
    software: Candidates,
    error: float,
    seed: int,
) -> Codes:
    """Return codes with those of input gains.

    At each operating point each input is moved up and down. The ratio of each candidate's change
    to software's is one measurement. The gain takes back their median, each weighted by how far
    software's candidate moves. A cell or ReLU that switches on the way changes a candidate more
    than the input itself does, and on a chip it switches elsewhere. So a change counts where
    software's candidate is linear in the input, and where a code can take its ratio back.

    Parameters
    ----------
    points
        Inputs of single frames, (points, channels), software units.
    error
        Standard deviation of ln of every measured current.
    """
    rng = np.random.default_rng((seed, 1))
    span, points = codes.span, np.maximum(points, STEP)
    channels = points.shape[1]
    chips = len(next(iter(codes.biases.values())))
    moves = STEP * np.concatenate([np.eye(channels), -np.eye(channels)])
    x = (points[:, np.newaxis] + moves).reshape(-1, 1, channels)

    def ends(run: Candidates, settings: ChipSettings | None, error: float) -> Floats:
        currents = run(x, settings)[:, :, 0]
        if error:
            currents = currents * np.exp(error * rng.standard_normal(currents.shape))
        # (up or down, chips, points, channels, cells)
        return np.moveaxis(currents.reshape(len(currents), len(points), 2, channels, -1), 2, 0)

    (up,), (down,) = ends(software, None, 0.0)
    wanted = up - down
    middle = software(points[:, np.newaxis], None)[0]  # (points, 1, cells)
    linear = (np.abs(up + down - 2 * middle) < _SMALL) & (np.abs(wanted) > _SMALL)
    codes = replace(codes, inputs=np.tile(span.nearest(np.zeros(channels)), (chips, 1)))
    for _ in range(INPUT_ROUNDS):
        assert codes.inputs is not None
        up, down = ends(measured, codes.settings, error)
        ratios = np.divide(up - down, wanted, out=np.zeros_like(up), where=linear)
        logs = span.logs(codes.inputs)
        for at in range(channels):
            weights = np.abs(wanted[:, at])
            logs[:, at] = _median_log(logs[:, [at]], ratios[:, :, at], weights, span)
        codes = replace(codes, inputs=span.nearest(logs))
    return codes


def _median_log(now: Floats, ratios: Floats, weights: Floats, span: CodeRange) -> Floats:
    """Return ln of the gain that takes back the median ratio of an input's changes, (chips,).

    Ratios that no code takes back do not count; a gain stays where none is left.

    Parameters
    ----------
    now
        ln of the gains that are set, (chips, 1).
    ratios, weights
        (chips, points, cells) and (points, cells).
    """
    flat = ratios.reshape(len(ratios), -1)
    logs = now - np.log(np.maximum(flat, _SMALL))
    first, last = span.logs(np.array([0, span.last]))
    reached = (logs >= first) & (logs <= last)
    counted = np.where(reached, np.broadcast_to(weights.ravel(), flat.shape), 0.0)
    logs = np.concatenate([logs, now], axis=1)
    counted = np.concatenate([counted, np.full_like(now, _SMALL)], axis=1)
    return np.asarray(np.quantile(logs, 0.5, axis=1, weights=counted, method="inverted_cdf"))
