"""DACs of bias currents in the twin: what their branches that are on give together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.behavioural.devices import Deviations, MirrorCopies, mirror_copies, through
from netgen.behavioural.plan import Plan
from netgen.characterise.diodes import DiodeTable
from netgen.circuit import CellLayer
from netgen.circuit.blocks.dac import COPIED, DIODE, DacRange
from netgen.circuit.blocks.kit import series_names


@dataclass(frozen=True, eq=False)
class TwinDacs:
    """The DACs of a layer of cells."""

    span: DacRange
    codes: Integers  #: Where nothing else is set, (biases, units).
    #: The way from the diode to each branch, by bias and branch.
    branches: tuple[tuple[MirrorCopies, ...], ...]
    unit: Floats  #: ln of the current of one of the diode's units, A, (biases, units).

    def factors(self, errors: Floats, settings: Floats | None) -> Floats:
        """Return ln of currents over the nominal ones, (chips, biases, units).

        Parameters
        ----------
        errors
            ln of each branch's current over the nominal one, (chips, biases, branches, units).
        settings
            Logarithms of the factors that are set, (chips, biases, units); the nearest codes count.
        """
        codes = self.codes[np.newaxis] if settings is None else self.span.nearest(settings)
        steps = np.array([parallel / series for _, parallel, series in self.span.branches])
        weights = self.span.unit * steps[:, np.newaxis]
        on = np.moveaxis(self.span.on(codes), 0, 2)
        factors: Floats = np.log((on * weights * np.exp(errors)).sum(axis=2) / self.span.steps)
        return factors

    def errors(self, deviations: Deviations, diodes: DiodeTable) -> Floats:
        """Return what deviations do to the branches, (chips, biases, branches, units)."""
        errors = []
        for branches, logs in zip(self.branches, self.unit[:, np.newaxis], strict=True):
            seen = [through((branch,), logs, deviations, diodes) for branch in branches]
            errors.append(np.stack(seen, axis=1) - logs[:, np.newaxis])
        return np.stack(errors, axis=1)


def twin_dacs(plan: Plan, layer: CellLayer, currents: Floats) -> TwinDacs | None:
    """Read the DACs of a layer; None where it has none.

    Parameters
    ----------
    currents
        Nominal bias currents, A, (biases, units).
    """
    span = plan.circuit.dac
    if span is None:
        return None
    prefix, place = plan.circuit.prefix(layer), plan.devices.place
    paths = [layer.block.parameters(layer.node, unit) for unit in range(layer.size)]
    names = [
        [plan.index.block(prefix, unit, "dac", path) for unit, path in enumerate(current)]
        for current in zip(*paths, strict=True)
    ]

    def way(names: list[str], branch: str, count: int) -> MirrorCopies:
        parts = series_names(branch, count)
        ends = [place("pmos", *(f"{name}.{part}" for part in parts)) for name in names]
        return mirror_copies("pmos", [place("pmos", f"{name}.{DIODE}") for name in names], ends)

    branches = tuple(
        tuple(way(each, branch, count) for branch, _, count in span.branches) for each in names
    )
    unit = np.log(currents * span.copied / COPIED)
    return TwinDacs(span, plan.circuit.codes_of(layer), branches, unit)
