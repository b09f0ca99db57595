"""Behavioural twins on characterisations made by a formula."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from fake_technology import UNIT, fake_cells, fake_characterisation, fake_technology, ratio_drawn
from small_models import linear, small_model

from netgen.behavioural import Twin
from netgen.characterise import Characterisation
from netgen.characterise.diodes import DiodeTable
from netgen.characterise.gain import MirrorTable, MirrorTables
from netgen.circuit import build_circuit
from netgen.circuit.blocks.schmitt9 import SchmittTable
from netgen.circuit.synthesis import synthesise
from netgen.model import Model, from_dict
from netgen.netlist.read import read_network
from netgen.netlist.write import network_body

TECHNOLOGY = fake_technology()


SLOPE = {"nmos": 0.035, "pmos": 0.038}
"""Volts an e-folding of the current."""


def diodes() -> DiodeTable:
    logs = np.linspace(-60, 0, 601)
    at = {polarity: 0.4 + slope * (logs - np.log(1e-9)) for polarity, slope in SLOPE.items()}
    return DiodeTable(logs, at)  # type: ignore[arg-type]


def ideal() -> Characterisation:
    """Return tables of mirrors that give W / L, and of cells that do what their biases say."""
    usual = fake_characterisation(TECHNOLOGY)
    tables = {}
    for kind, table in usual.mirrors.tables.items():
        ratio = np.array([g.width / g.length for g in table.geometry])[:, None, None]
        tables[kind] = MirrorTable(table.geometry, np.broadcast_to(ratio, table.gain.shape))
    measured = fake_cells()
    ratios = measured.ratios
    rising = np.ones_like(measured.rising)
    cells = SchmittTable(measured.bias, ratios, rising, rising - ratios, np.ones(len(rising)))
    mirrors = usual.mirrors
    return Characterisation(
        MirrorTables(mirrors.axes, tables, mirrors.diode), defaultdict(lambda: cells)
    )


def twin_of(model: Model) -> Twin:
    circuit = ratio_drawn(build_circuit(model, UNIT))
    return Twin(circuit, TECHNOLOGY, ideal(), diodes(), synthesise(circuit, TECHNOLOGY))


def one_row(weight: list[float], bias: float = 0.0, relu: bool = False) -> Model:
    nodes = [linear("row", "x", [weight], [bias])]
    nodes += [{"name": "out", "op": "relu", "input": "row"}] if relu else []
    return from_dict(
        small_model()
        | {
            "input": {"size": len(weight), "max": 1.5},
            "nodes": nodes,
            "readout": {"node": nodes[-1]["name"], "rule": "last", "frames": [0, 1]},
            "classes": ["a"],
        }
    )


CELL = from_dict(
    small_model()
    | {
        "input": {"size": 1, "max": 1.5},
        "nodes": [
            {"name": "h", "op": "bmru", "input": "x", "alpha": [0.5], "beta_lo": [0.3],
             "beta_hi": [0.6]},
            linear("y", "h", [[1.0]], [0.0]),
        ],
        "readout": {"node": "y", "rule": "last", "frames": [0, 1]},
        "classes": ["a"],
    }
)  # fmt: skip


def with_text(twin: Twin, change: Callable[[str], str]) -> Twin:
    """Return the twin of a network whose text a person changed."""
    text = network_body(twin.netlist, TECHNOLOGY)
    assert change(text) != text
    return replace(twin, netlist=read_network(change(text), TECHNOLOGY, twin.netlist))
