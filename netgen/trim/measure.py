"""Trim by measurement: each cell's thresholds and output are read, its currents set.

On a bench a current is forced into the diode of a cell's candidate, swept up and down, and the
cell's output is read. So the errors of the candidate's way, of the cell and of its bias currents
are measured as one, and three factors on the bias currents take them back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from netgen.behavioural.settings import ChipSettings
from netgen.circuit import CellLayer, Circuit
from netgen.circuit.codes import CodeRange
from netgen.model.graph import Floats, Integers
from netgen.trim.codes import Codes, nominal_codes

ROUNDS = 3
"""Measurements of each cell: one that never falls shows its width only after the first."""
_SMALL = 1e-6
"""Share of a wanted figure below which a measured one says nothing more."""


@dataclass(frozen=True, eq=False)
class CellFigures:
    """Measured cells of a node, in units, each (chips, units).

    Attributes
    ----------
    rising, falling
        Currents into the candidate's diode at which the cell rises and falls; ``falling`` is 0 or
        less where it never does.
    output
        Its output current while high.
    """

    rising: Floats
    falling: Floats
    output: Floats


Measure: TypeAlias = Callable[[ChipSettings], Mapping[str, CellFigures]]
"""Measures the cells of all chips, with their currents set."""


@dataclass(frozen=True, eq=False)
class MeasuredTrim:
    """Codes from measurements.

    Attributes
    ----------
    beyond
        Currents that should be set further than any code reaches.
    """

    codes: Codes
    beyond: int


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

    Parameters
    ----------
    error
        Standard deviation of ln of every measured current.
    seed
        Of the errors of measurement.
    rounds
        How often cells are measured and set.
    """
    rng = np.random.default_rng(seed)
    codes, beyond = nominal_codes(circuit, span, chips), 0
    for _ in range(rounds):
        found = measure(codes.settings)
        biases: dict[str, Integers] = {}
        beyond = 0
        for layer in circuit.cells:
            aim = layer.wanted / circuit.model.unit_current
            errors = log_errors(layer, aim, _misread(found[layer.node], error, rng))
            logs = span.logs(codes.biases[layer.node]) - errors
            biases[layer.node] = span.nearest(logs)
            beyond += span.beyond(logs)
        codes = Codes(span, biases)
    return MeasuredTrim(codes, beyond)


def log_errors(layer: CellLayer, aim: Floats, found: CellFigures) -> Floats:
    """Return ln of measured figures over the wanted ones, (chips, biases, units).

    A cell that never falls counts as one that falls at no current.

    Parameters
    ----------
    aim
        What each bias should give, units, (biases, units).
    """
    falling = np.maximum(found.falling, 0.0)
    own = np.moveaxis(layer.block.figures(found.rising, falling, found.output), 0, 1)
    logs: Floats = np.log(np.maximum(own / aim, _SMALL))
    return logs


def _misread(found: CellFigures, error: float, rng: np.random.Generator) -> CellFigures:
    if not error:
        return found
    return CellFigures(
        *(
            each * np.exp(error * rng.standard_normal(each.shape))
            for each in (found.rising, found.falling, found.output)
        )
    )
