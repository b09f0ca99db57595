"""Power and area as JSON objects: what report.json, power.json and build.json say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from netgen.netlist import KINDS, Consumer
from netgen.netlist.area import ASSUMPTION, Area
from netgen.sizing import PredictedPower


def area_document(areas: Mapping[Consumer, Area]) -> dict[str, Any]:
    """Return the area of a circuit, and by kind of block."""
    by_block: dict[str, Area] = {}
    for consumer, area in areas.items():
        by_block[consumer.kind] = by_block.get(consumer.kind, Area()) + area
    return {
        **asdict(sum(areas.values(), Area())),
        "by_block": {kind: asdict(by_block[kind]) for kind in KINDS if kind in by_block},
        "assumption": ASSUMPTION,
    }


def predicted_document(power: PredictedPower) -> dict[str, Any]:
    """Return the power to expect, and by kind of block, over the inputs a circuit was sized for."""
    return {"average_w": power.average_w, "by_block": power.by_kind}
