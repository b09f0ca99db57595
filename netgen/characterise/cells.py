"""The bench of cells: what a block asks for, measured in SPICE or taken from the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.gain import Axes, MirrorTable, MirrorTables, Tables
from netgen.characterise.mirrors import mirror_gains
from netgen.characterise.setup import MeasurementSetup
from netgen.circuit import CellLayer, Circuit
from netgen.circuit.blocks import (
    BiasedCell,
    CandidateStep,
    CellSpeed,
    CellTable,
    CellTimes,
    Held,
    block_of,
)
from netgen.circuit.blocks.groups import CANDIDATES
from netgen.errors import SimulationError
from netgen.model import Model
from netgen.netlist.characterisation import (
    MirrorUnderTest,
    cell_currents,
    cell_deck,
    cell_ramp_deck,
    cell_time_deck,
    cell_time_options,
)
from netgen.technology import Geometry

T = TypeVar("T")
_STEP = 0.005
"""Step of the storage node's voltage, V."""


class CellBench(MeasurementSetup):
    """Measures cells of one block; see :class:`netgen.circuit.blocks.Bench`."""

    def held(self, cells: Sequence[BiasedCell]) -> Held:
        """Hold cells at every voltage of their storage node and see which candidate that takes."""
        vdd = self.at.vdd
        step = vdd / round(vdd / _STEP)
        deck = cell_deck(self.technology, self.at, self.unit, cells, (step, vdd + step / 4, step))
        result = self.simulated("cell characterisation", deck)
        pairs = [cell_currents(self.technology, index, cell) for index, cell in enumerate(cells)]
        needed = np.array([result[current] for current, _ in pairs])
        output = np.array([result[current] for _, current in pairs])
        return Held(self._candidate(result.scale, needed), output)

    def _candidate(self, v0: Floats, needed: Floats) -> Floats:
        """Return the candidate of which a unit PMOS with drain at v0 gives what is needed."""
        largest = float(needed[:, : len(v0) // 2].max())
        logs = np.linspace(np.log(largest * 1e-4), np.log(largest * 3), 25)
        drains = np.linspace(self.at.vdd / 20, self.at.vdd * 19 / 20, 19)
        setup = replace(self, unit=self.unit.of(CANDIDATES))
        entry = self.technology.unit_of("pmos", setup.unit)
        tested = [MirrorUnderTest(1, "pmos", entry)]
        table = mirror_gains(setup, tested, logs, drains)
        axes = Axes(np.exp(logs), drains, self.at.vdd, self.at.thermal_voltage)
        tables: Tables = {("n", "pmos"): MirrorTable((entry,), table.gain)}
        known = MirrorTables(axes, tables, table.diode)
        wanted = np.maximum(needed, np.exp(logs[0]))
        candidate: Floats = wanted
        for _ in range(4):  # the gain hardly depends on the current: each pass gains two digits
            gain = known.of_one("n", "pmos", entry, candidate, np.broadcast_to(v0, needed.shape))
            candidate = wanted / np.maximum(gain, 0.01)
        return candidate

    def ramped(self, cells: Sequence[BiasedCell], candidates: Floats) -> Floats:
        """Return output currents, A, (cells, points), along ramps of the candidates.

        Raises
        ------
        SimulationError
            A ramp gave no complete result.
        """
        ends = [(float(each[0]), float(each[-1])) for each in candidates]
        points = candidates.shape[1]
        deck = cell_ramp_deck(self.technology, self.at, self.unit, cells, ends, points)
        result = self.simulated("cell ramp", deck)
        if result.timepoints != points:
            problem = f"a ramp of cells gave {result.timepoints} of {points} points"
            raise SimulationError("incomplete", problem)
        return np.array([result[each] for each in deck.quantities])

    def stepped(
        self, steps: Sequence[CandidateStep], edge: float, stop: float
    ) -> tuple[Floats, Floats]:
        """Return times, s, (points,), and outputs, A, (steps, points), as candidates step."""
        deck = cell_time_deck(self.technology, self.at, self.unit, steps, edge, stop)
        result = self.simulated("cell times", deck, 600.0, cell_time_options(steps).retries())
        return result.scale, np.array([result[each] for each in deck.quantities])

    def kept(
        self, name: str, identity: object, measure: Callable[[], Mapping[str, Floats]]
    ) -> Mapping[str, Floats]:
        """Return what was measured, or what the cache holds: arrays of any shape by name."""
        return self.cached(measure, name, self.at, self.unit, _STEP, identity)


def characterise_cells(bench: CellBench, circuit: Circuit) -> dict[str, CellTable]:
    """Measure a circuit's cells, or return the tables from the cache, by node.

    Raises
    ------
    SimulationError
        A simulation failed.
    """
    return _by_node(bench, circuit, lambda layer, sized: layer.block.characterise(sized))


def characterise_times(
    bench: CellBench, circuit: Circuit, cells: Mapping[str, CellTable]
) -> dict[str, CellTimes]:
    """Measure the times of a circuit's cells, or return the tables from the cache, by node.

    A node whose cells count as immediate is left out.

    Raises
    ------
    SimulationError
        A simulation failed, or cells do not change their state in any time.
    """
    by_node = _by_node(
        bench, circuit, lambda layer, sized: layer.block.times(sized, cells[layer.node])
    )
    return {node: times for node, times in by_node.items() if times is not None}


def _by_node(
    bench: CellBench, circuit: Circuit, measured: Callable[[CellLayer, CellBench], T]
) -> dict[str, T]:
    """Measure each operation's cells once for each set of sizes that they have."""
    known: dict[tuple[str, Geometry], T] = {}
    by_node = {}
    for layer in circuit.cells:
        key = layer.cell.op, circuit.cell_unit(layer)
        if key not in known:
            known[key] = measured(layer, replace(bench, unit=key[1]))
        by_node[layer.node] = known[key]
    return by_node


def cell_speeds(
    model: Model, cells: Mapping[str, CellTable], times: Mapping[str, CellTimes]
) -> dict[str, CellSpeed]:
    """Return the measured times of every cell of a model that takes any, by node."""
    return {
        cell.name: times[cell.name].of(
            cells[cell.name], block_of(cell).wanted(cell) * model.unit_current
        )
        for cell in model.cells
        if cell.name in times
    }
