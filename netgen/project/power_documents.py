"""Power and area as JSON objects: what report.json, power.json and build.json say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from netgen.circuit.netlist import Netlist
from netgen.document import Json, number_at, table_at, whole_at
from netgen.netlist import KINDS
from netgen.netlist.area import ASSUMPTION, Area, areas, expected_wires
from netgen.sizing import PredictedPower
from netgen.technology import Technology


def area_document(netlist: Netlist, technology: Technology) -> dict[str, Json]:
    """Return the area of a circuit, by kind of block too, and the capacitance of its wires."""
    by_block: dict[str, Area] = {}
    of_branch = areas(netlist, technology)
    for branch, area in of_branch.items():
        by_block[branch.kind] = by_block.get(branch.kind, Area()) + area
    return {
        **asdict(sum(of_branch.values(), Area())),
        "by_block": {kind: asdict(by_block[kind]) for kind in KINDS if kind in by_block},
        "assumption": ASSUMPTION,
        "wires_f": sum(expected_wires(netlist, technology).values()),
    }


def predicted_document(power: PredictedPower) -> dict[str, Json]:
    """Return the power to expect, and by kind of block, over the inputs a circuit was sized for."""
    return {"average_w": power.average_w, "by_block": power.by_kind}


def areas_of(document: Mapping[str, Json]) -> dict[str, Area]:
    """Return the areas by kind of block that :func:`area_document` wrote."""
    by_block = table_at(document, "by_block")
    return {
        kind: Area(
            whole_at(by_block, kind, "transistors"),
            *(number_at(by_block, kind, name) for name in ("gate_m2", "drawn_m2")),
        )
        for kind in by_block
    }
