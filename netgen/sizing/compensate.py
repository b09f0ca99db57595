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

from netgen.arrays import Bools, Floats
from netgen.circuit import Mirrors

STIFFNESS = 1e-4
"""What a relative change of a weight costs against an error in units, both squared: changes stay
within a few per cent."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Frames of calibration inputs in which rows are judged."""

    #: Current of every node with gate nets, A, (frames, units).
    signals: Mapping[str, Floats]
    #: What each row ought to sum up to, A, (frames, rows), by the layer's node and kind: a readout
    #: of ReLUs has their node.
    sums: Mapping[tuple[str, str], Floats]


@dataclass(frozen=True, eq=False)
class GainSurfaces:
    """How the sized devices of one matrix of mirrors behave."""

    surfaces: Floats  #: Their gains at all known points, (rows, units, currents, drains).
    shares: Floats  #: Weights of the known currents in each frame, (units, currents, frames).

    def gain(self, row: int, sourcing: Bools, by_drain: Sequence[Floats]) -> Floats:
        """Return the gains of a row's mirrors in each frame, (units, frames).

        Parameters
        ----------
        sourcing
            Which are PMOS, (units,).
        by_drain
            Weights of the known drain voltages in each frame, (drains, frames), of NMOS and PMOS.
        """
        gains = np.empty((len(sourcing), self.shares.shape[2]))
        for weights, signs in zip(by_drain, (~sourcing, sourcing), strict=True):
            units = np.flatnonzero(signs)
            by_drain_voltage = self.surfaces[row, units].transpose(0, 2, 1) @ self.shares[units]
            gains[units] = (by_drain_voltage * weights).sum(axis=1)
        return gains


def compensated(
    mirrors: Sequence[Mirrors],
    known: Sequence[GainSurfaces],
    row: int,
    operation: Calibration,
    wanted: Floats,
    by_drain: Sequence[Floats],
    flows: Bools,
    unit: float,
) -> list[Floats]:
    """Return the weights to draw in one row, one array (units,) for each matrix of mirrors.

    Parameters
    ----------
    wanted
        The row's sum in each frame, A, (frames,).
    by_drain
        See :meth:`Known.gain`, at the row's voltage.
    flows
        The frames that count, (frames,).
    unit
        The unit current, A.
    """
    weights = [m.weight[row] for m in mirrors]
    geometries = [each.geometry for each in mirrors if each.geometry]
    there = np.concatenate([each.multiplicity[row] > 0 for each in geometries])
    if not there.any() or not flows.any():
        return weights
    before = np.concatenate(weights)
    signals = np.concatenate([operation.signals[m.source] for m in mirrors], axis=1) / unit
    gain = np.concatenate(
        [k.gain(row, w > 0, by_drain) for k, w in zip(known, weights, strict=True)]
    )
    realised = np.concatenate([each.realised[row] for each in geometries])
    relative = gain[there].T / np.abs(realised[there])
    # in relative changes of the weights, so that small ones stay small
    effect = signals[:, there] * before[there] * flows[:, np.newaxis]
    error = (effect * relative).sum(axis=1) - wanted * flows / unit
    count = flows.sum()
    normal = effect.T @ effect / count + STIFFNESS * np.eye(effect.shape[1])
    change = np.linalg.solve(normal, -effect.T @ error / count)
    after = before.copy()
    after[there] *= 1 + np.clip(change, -0.2, 0.2)
    return np.split(after, np.cumsum([len(w) for w in weights])[:-1])
