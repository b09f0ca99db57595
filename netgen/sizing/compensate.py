"""Let the mirrors of a row make up together for what none of them can help alone.

A mirror's gain falls with its signal's current and moves with the voltage of the row, which moves
with the row's own sum. One geometry fits one operating point. Over all operating points the error
of a row is a smooth function of its signals, and most of it is a linear one: the mirrors' own
weights can take it out. The characterisation predicts the error, least squares shares it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netgen.characterise.mirrors import MirrorTable, MirrorTables
from netgen.circuit import Mirrors
from netgen.circuit.rows import Floats

STIFFNESS = 1e-4
"""What a relative change of a weight costs against an error in units, both squared: changes stay
within a few per cent."""


@dataclass(frozen=True, eq=False)
class Gains:
    """How the drawn devices of one matrix of mirrors behave.

    Attributes
    ----------
    tables
        For sinking and for sourcing mirrors.
    point
        Nearest characterised geometry of each device, (rows, units).
    design
        Gain of that geometry where the device was sized, (rows, units).
    """

    tables: Mapping[bool, MirrorTable]
    point: NDArray[np.int64]
    design: Floats


@dataclass(frozen=True, eq=False)
class Operation:
    """Frames of calibration inputs in which rows are judged.

    Attributes
    ----------
    signals
        Current of every node with lines of its own, A, (frames, units).
    sums
        What each row ought to sum up to, A, (frames, rows), by the layer's node.
    """

    signals: Mapping[str, Floats]
    sums: Mapping[str, Floats]


def compensated(
    mirrors: Sequence[Mirrors],
    gains: Sequence[Gains],
    row: int,
    operation: Operation,
    wanted: Floats,
    volts: Floats,
    tables: MirrorTables,
    unit: float,
) -> list[Floats]:
    """Return the weights to draw in one row, one array (units,) for each matrix of mirrors.

    Parameters
    ----------
    wanted
        The row's sum in each frame, A, (frames,).
    volts
        The row's voltage in each frame, V, (frames,).
    unit
        The unit current, A.
    """
    drawn = [np.flatnonzero(each.drawn.multiplicity[row]) for each in mirrors if each.drawn]
    signals = [
        operation.signals[m.source][:, c] / unit for m, c in zip(mirrors, drawn, strict=True)
    ]
    weights = [m.weight[row] for m in mirrors]
    flows = np.concatenate(signals, axis=1)
    before = np.concatenate([w[c] for w, c in zip(weights, drawn, strict=True)])
    if not before.size or not len(wanted):
        return weights
    factor = [
        _relative(each, row, columns, w[columns] > 0, s * unit, volts, tables)
        for each, columns, w, s in zip(gains, drawn, weights, signals, strict=True)
    ]
    actual = (flows * np.concatenate(factor, axis=1)) @ before
    error = actual - wanted / unit
    # in relative changes of the weights, so that small ones stay small
    effect = flows * before
    count = len(error)
    normal = effect.T @ effect / count + STIFFNESS * np.eye(before.size)
    change = np.linalg.solve(normal, -effect.T @ error / count)
    after = before * (1 + np.clip(change, -0.2, 0.2))
    result = [w.copy() for w in weights]
    for values, columns, part in zip(
        result, drawn, np.split(after, np.cumsum([len(c) for c in drawn])[:-1]), strict=True
    ):
        values[columns] = part
    return result


def _relative(
    gains: Gains,
    row: int,
    columns: NDArray[np.int64],
    sourcing: NDArray[np.bool_],
    amperes: Floats,
    volts: Floats,
    tables: MirrorTables,
) -> Floats:
    """Return each device's gain over the one it was sized for, (frames, columns)."""
    logs = np.log(tables.currents)
    inside = np.log(np.clip(amperes, tables.currents[0], tables.currents[-1]))
    current, of_current = between(inside, logs)
    drain, of_drain = between(np.clip(volts, 0, tables.drains[-1]), tables.drains)
    drain, of_drain = drain[:, np.newaxis], of_drain[:, np.newaxis]
    relative = np.empty_like(inside)
    for kind in (False, True):
        own = np.flatnonzero(sourcing == kind)
        if not len(own):
            continue
        table, point = gains.tables[kind].gain, gains.point[row, columns[own]]
        c, share = current[:, own], of_current[:, own]
        low = table[point, c, drain] * (1 - share) + table[point, c + 1, drain] * share
        high = table[point, c, drain + 1] * (1 - share) + table[point, c + 1, drain + 1] * share
        gain = low * (1 - of_drain) + high * of_drain
        relative[:, own] = gain / gains.design[row, columns[own]]
    return relative


def between(values: Floats, grid: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the grid point below each value, and how far it is towards the next."""
    position = (values - grid[0]) / (grid[1] - grid[0])
    lower = np.clip(position.astype(np.int64), 0, len(grid) - 2)
    return lower, np.clip(position - lower, 0.0, 1.0)
