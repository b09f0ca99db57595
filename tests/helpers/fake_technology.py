"""A technology nobody makes, and devices drawn without a simulator: by ratio, or by a formula."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from netgen.characterise import CellTable, Characterisation
from netgen.characterise.gain import Axes, MirrorTable, MirrorTables
from netgen.characterise.path import path_points
from netgen.circuit import CellLayer, Circuit, Layer
from netgen.circuit.blocks.schmitt9 import SchmittTable, SchmittTimes
from netgen.circuit.circuit import MirrorGeometry
from netgen.technology import POLARITIES, DeviceModel, Geometry, Technology
from netgen.technology.data import Mismatch, ProcessSpread

Floats = NDArray[np.float64]

NMOS, PMOS = "nch", "pch"
UNIT = Geometry(2e-6, 2e-6)
UNIT_CURRENT = 1e-9


def fake_technology(prefix: str = "X", folder: Path = Path("/pdk/fake")) -> Technology:
    """Return a technology of 1 µm … 100 µm width whose model files need not exist."""
    inner = "m0" if prefix == "X" else ""
    letter: Literal["X", "M"] = "X" if prefix == "X" else "M"
    return Technology(
        name="fake",
        title="a technology nobody makes",
        vdd=1.8,
        temperature=25.0,
        model_temperature=25.0,
        nominal_corner="typical",
        corners={"typical": "tt", "slow": "ss"},
        parameters={"sw_stat": 0.0},
        devices={
            "nmos": DeviceModel(NMOS, letter, inner),
            "pmos": DeviceModel(PMOS, letter, inner),
        },
        grid=5e-9,
        width=(0.22e-6, 100e-6),
        length=(0.28e-6, 50e-6),
        diffusion=0.48e-6,
        unit=UNIT,
        reset=Geometry(0.22e-6, 2e-6),
        steering=Geometry(1e-6, 10e-6),
        sizing=dict.fromkeys(POLARITIES, (("10u", "1u"), ("0.22e-6", "1u"), ("0.22e-6", "50e-6"))),
        max_series=1,
        max_multiplicity=8,
        folder=folder,
        includes=("design.sp",),
        library="models.lib",
        distribution="no-such-pdk",
        mismatch=dict.fromkeys(POLARITIES, Mismatch(5e-9, 1e-8)),
        process=dict.fromkeys(POLARITIES, ProcessSpread(0.015, 0.02)),
    )


def ratio_drawn(circuit: Circuit) -> Circuit:
    """Draw every weight by its ratio W / W_ref, and every cell with the currents it stands for."""
    return replace(circuit, layers=tuple(_drawn(circuit, layer) for layer in circuit.layers))


def _drawn(circuit: Circuit, layer: Layer) -> Layer:
    if isinstance(layer, CellLayer):
        copies = _by_ratio(circuit, layer.wanted / circuit.model.unit_current)
        return replace(layer, bias=layer.wanted, bias_geometry=copies)
    mirrors = tuple(replace(m, geometry=_by_ratio(circuit, m.weight)) for m in layer.mirrors)
    return replace(layer, mirrors=mirrors)


def _by_ratio(circuit: Circuit, weight: Floats) -> MirrorGeometry:
    ratio = np.abs(weight)
    multiplicity = np.ceil(ratio / 1.5).astype(np.int64)  # some devices stand in parallel
    width = circuit.unit.width * ratio / np.maximum(multiplicity, 1)
    length = np.where(ratio > 0, circuit.unit.length, 0.0)
    return MirrorGeometry(width, length, multiplicity, np.ones_like(multiplicity), weight)


def fake_gain(geometry: Geometry, current: Floats | float, drain: Floats | float) -> Floats:
    """Return I_out / I_in of the fake technology: a few per cent off the ratio of W / L."""
    ratio = geometry.width / geometry.length * geometry.multiplicity
    factor = 1 + 0.02 * np.log10(current / UNIT_CURRENT) + 0.03 * (np.asarray(drain) - 0.4)
    return np.asarray(ratio * factor)


def fake_mirrors(technology: Technology, unit: Geometry, vdd: float) -> MirrorTables:
    """Tabulate :func:`fake_gain` as a characterisation would."""
    axes = Axes(np.geomspace(0.008e-9, 10e-9, 13), np.linspace(vdd / 10, vdd / 2, 5), vdd, 0.0259)
    currents, drains = axes.currents, axes.drains
    lines: tuple[Literal["n", "p"], ...] = ("n", "p")
    tables = {}
    for polarity in POLARITIES:
        points = path_points(technology, polarity, unit)
        gain = np.array([fake_gain(p, currents[:, None], drains[None, :]) for p in points])
        for line in lines:
            tables[line, polarity] = MirrorTable(tuple(points), gain)
    return MirrorTables(axes, tables, 0.4 + 0.035 * np.log(currents / UNIT_CURRENT))


def fake_cells(unit_current: float = UNIT_CURRENT) -> SchmittTable:
    """Tabulate cells that are a few per cent off what their biases say."""
    bias = np.geomspace(0.02, 8.0, 10) * unit_current
    ratios = np.array([0.02, 0.035, 0.06, 0.1, 0.16, 0.25, 0.4, 0.55, 0.7, 0.85, 0.96, 1.03])
    drift = 0.01 * np.log10(bias / unit_current)[:, None]
    rising = 0.97 + drift - 0.01 * ratios
    falling = rising - 0.95 * ratios + drift * ratios**2
    return SchmittTable(bias, ratios, rising, falling, 1.05 + drift[:, 0])


def fake_times(unit_current: float = UNIT_CURRENT) -> SchmittTimes:
    """Tabulate cells that move 8 fC at the overdrive: 0.4 ms at 2 % and 1 nA."""
    bias, shares = np.array([0.02, 0.4, 8.0]) * unit_current, np.array([0.06, 0.3, 0.94])
    overdrive = np.array([0.003, 0.02, 0.1, 1.5])
    own = np.full((3, 2), 2e-14)
    time = 8e-15 / (bias[:, None, None] * np.ones((1, 3, 1)) * overdrive)
    return SchmittTimes(bias, shares, overdrive, time, time / 2, np.zeros((3, 2)), own)


def fake_characterisation(technology: Technology, unit: Geometry = UNIT) -> Characterisation:
    """Return the fake tables of mirrors, and of cells at any node."""
    cells: dict[str, CellTable] = defaultdict(fake_cells)
    return Characterisation(fake_mirrors(technology, unit, technology.vdd), cells)
