"""Cells of the twin: thresholds and output from the bias currents that arrive at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netgen.behavioural.dac import TwinDacs, twin_dacs
from netgen.behavioural.devices import Deviations, MirrorCopies, mirror_copies, through, whole
from netgen.behavioural.mirrors import SMALLEST, Grid
from netgen.behavioural.plan import Plan
from netgen.characterise import Characterisation
from netgen.characterise.dac import dac_diode, dac_gain
from netgen.characterise.gain import GainCurves
from netgen.characterise.mirrors import DEFINED_BY
from netgen.circuit import REFERENCE, CellLayer
from netgen.circuit.blocks import Copy, bias
from netgen.circuit.blocks.port import POLARITY
from netgen.circuit.nets import net
from netgen.model import switched
from netgen.model.graph import Bools, Floats
from netgen.technology import Polarity


@dataclass(frozen=True, eq=False)
class TwinCells:
    """Cells of a layer."""

    layer: CellLayer
    bias: Floats  #: Bias currents as built, ln(A), (biases, units).
    #: The way from each bias current to where it works, by unit.
    ways: tuple[tuple[MirrorCopies, ...], ...]
    #: The way from the candidate's diode to where it works, by trigger.
    candidate: tuple[MirrorCopies, ...]
    #: Gains of the candidate's copy into the cell, from a signal with an NMOS diode, as cells are
    #: characterised, and from this one, both at half the supply; None where it is such a signal.
    entry: GainCurves | None
    #: The way from the reference to each bias current that is mirrored, or to the DAC that makes
    #: it; none of ideal sources.
    mirrored: tuple[tuple[MirrorCopies, ...], ...] = ()
    dacs: TwinDacs | None = None  #: That make the bias currents, where these are programmable.

    def thresholds(
        self,
        known: Characterisation,
        deviations: Deviations,
        grid: Grid,
        settings: Floats | None = None,
    ) -> tuple[Floats, Floats, Floats]:
        """Return thresholds and level of triggers of chips in units, each (chips, triggers).

        First the rising, then the falling threshold.

        They are those of a cell with the bias currents that arrive where they work; what the
        candidate's way into the cell adds is taken back from the thresholds.

        Parameters
        ----------
        settings
            Logarithms of the factors on the bias currents, (chips, biases, units).
        """
        logs = self.bias[np.newaxis]
        if self.dacs is not None:
            errors = self.dacs.errors(deviations, grid.diodes)
            logs = logs + self.dacs.factors(errors, settings)
        elif settings is not None:
            logs = logs + settings
        if self.mirrored:
            unit = np.full((1, self.layer.size), np.log(grid.unit))
            seen = [through(way, unit, deviations, grid.diodes) for way in self.mirrored]
            logs = logs + np.stack(seen, axis=1) - np.log(grid.unit)
        arrived = np.array(
            [
                np.exp(through(way, bias, deviations, grid.diodes))
                for way, bias in zip(self.ways, np.moveaxis(logs, 1, 0), strict=True)
            ]
        )
        back = tuple(each.reversed for each in reversed(self.candidate))
        *thresholds, level = known.cells[self.layer.node].switching(arrived)
        jumps = []
        for jump in thresholds:
            logs = np.log(np.maximum(jump, SMALLEST * grid.unit))
            if self.entry is not None:
                usual, actual = np.moveaxis(self.entry.at(logs[:, np.newaxis])[..., 0], 1, 0)
                logs = logs + np.log(usual / actual)
            values = np.exp(through(back, logs, deviations, grid.diodes)) / grid.unit
            # a threshold that is not there (the cell never falls) stays out of reach
            jumps.append(np.where(jump > SMALLEST * grid.unit, values, 0.0))
        return jumps[0], jumps[1], level / grid.unit

    def states(
        self, candidate: Floats, rising: Floats, falling: Floats, start: Bools | None = None
    ) -> Bools:
        """Return the states for candidates, (chips, samples, frames, triggers).

        ``start`` holds the states before the first frame, (chips, triggers); None: the model's own.
        """
        first = self.layer.initial_state if start is None else start[:, np.newaxis]
        above, below = (each[:, np.newaxis, np.newaxis] for each in (rising, falling))
        cell = self.layer.cell
        return switched(cell.seen(candidate), above, below, first, cell.memory)


def twin_cells(plan: Plan, layer: CellLayer) -> TwinCells:
    """Read the cells of a layer."""
    prefix, place, index, block = (
        plan.circuit.prefix(layer),
        plan.devices.place,
        plan.index,
        layer.block,
    )
    names = [index.block(prefix, unit, "cell") for unit in range(layer.size)]
    paths = [block.parameters(layer.node, unit) for unit in range(layer.size)]
    diodes = [
        [f"{index.block(prefix, unit, 'bias', path)}.{bias.DEVICE}" for path in unit_paths]
        for unit, unit_paths in enumerate(paths)
    ]

    def mirror(copy: Copy, diode: Sequence[str]) -> MirrorCopies:
        ends = [f"{name}.{copy.diode}" for name in names] if copy.diode else diode
        return mirror_copies(
            copy.polarity,
            [place(copy.polarity, name) for name in ends],
            [place(copy.polarity, f"{name}.{copy.copy}") for name in names],
        )

    currents, mirrored = _bias_currents(plan, layer, list(zip(*paths, strict=True)))
    ways = tuple(
        tuple(mirror(copy, diode) for copy in way)
        for way, diode in zip(block.ways, zip(*diodes, strict=True), strict=True)
    )
    ends = [(f"{name}.{entry}",) for name in names for entry in block.entries]
    units = np.repeat(np.arange(layer.size), len(block.entries)).tolist()
    polarity = POLARITY[block.candidate]
    return TwinCells(
        layer,
        np.log(currents),
        ways,
        plan.copies(layer.candidate, units, polarity, ends),
        _entry(plan, layer.candidate, polarity),
        mirrored,
        twin_dacs(plan, layer, currents),
    )


def _bias_currents(
    plan: Plan, layer: CellLayer, paths: Sequence[tuple[str, ...]]
) -> tuple[Floats, tuple[tuple[MirrorCopies, ...], ...]]:
    """Return bias currents as built, A, (biases, units), and how mirrored ones are made.

    Parameters
    ----------
    paths
        Of the learned parameters, by bias and unit.
    """
    index, prefix = plan.index, plan.circuit.prefix(layer)
    dac = plan.circuit.dac
    polarity: Polarity = "pmos" if dac is None else "nmos"
    gate = net(plan.circuit, REFERENCE, 0, "p" if dac is None else "n")
    transistors = [
        [index.mirror(prefix, u, path, gate) for u, path in enumerate(unit_paths)]
        for unit_paths in paths
    ]
    if not all(all(each) for each in transistors):
        ideal = [
            [index.current(prefix, u, path) for u, path in enumerate(unit_paths)]
            for unit_paths in paths
        ]
        return np.array(ideal), ()
    tables = plan.known.mirrors.of(*plan.circuit.units(REFERENCE, layer))
    unit = np.array([plan.circuit.model.unit_current])
    currents, ways = [], []
    for mirrors, wanted in zip(transistors, layer.wanted, strict=True):
        sizes = [whole(series) for series in mirrors]
        width, length, count = np.array([(g.width, g.length, g.multiplicity) for g in sizes]).T
        size, volts = (width, length, count), tables.diode_voltage(wanted)
        if dac is not None:
            _, volts = dac_diode(tables, dac, wanted, plan.grid.diodes)
        copies = unit * tables.gain("n", polarity, size, unit, volts)
        if dac is not None:
            copies = copies * dac_gain(
                plan.known.mirrors, plan.technology, plan.circuit.unit, dac, wanted
            )
        currents.append(copies)
        ends = [tuple(device.name for device in series) for series in mirrors]
        ways.append(plan.copies(REFERENCE, [0] * layer.size, polarity, ends))
    return np.array(currents), tuple(ways)


def _entry(plan: Plan, source: str, polarity: Polarity) -> GainCurves | None:
    """Return the gains of a candidate's copy of a signal as characterised, and of this one."""
    if plan.circuit.defined_by(source) == "n":
        return None
    tables, entry = plan.known.mirrors, plan.technology.unit_of(polarity, plan.circuit.unit)
    size = np.array([entry.width]), np.array([entry.length]), entry.multiplicity
    surfaces = [tables.tables[gate_net, polarity].surfaces(*size) for gate_net in DEFINED_BY]
    half = tables.axes.of_drain(polarity, [tables.axes.vdd / 2])
    return tables.axes.curves(np.concatenate(surfaces) @ half.T)
