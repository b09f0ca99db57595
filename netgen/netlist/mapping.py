"""``mapping.json``: every learned parameter and the device that stands for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from netgen.circuit import REFERENCE, CellLayer, Circuit, RowLayer, parameter_path
from netgen.circuit.rows import Floats
from netgen.circuit.synthesis import mirror_name, numbered
from netgen.technology import Polarity, Technology

Record: TypeAlias = dict[str, Any]


def mapping(
    circuit: Circuit, technology: Technology, realised_cells: dict[str, Floats]
) -> list[Record]:
    """Return one record a device (or a parameter without one), ready for JSON.

    Parameters
    ----------
    realised_cells
        By bmru node, the threshold, width and gain (A) that the biases are expected to give,
        (3, units).
    """
    records: list[Record] = []
    for layer in circuit.layers:
        if isinstance(layer, CellLayer):
            records.extend(_cell_records(circuit, layer, realised_cells[layer.node]))
        else:
            records.extend(_row_records(circuit, technology, layer))
    return records


def _row_records(circuit: Circuit, technology: Technology, layer: RowLayer) -> Iterator[Record]:
    word = circuit.word(layer)
    for mirrors, suffix in numbered(layer.mirrors):
        assert mirrors.drawn is not None
        # a plain copy is no learned parameter: it only has a device where it copies something
        learned = bool(mirrors.chains[0])
        for row, column in (
            np.argwhere(mirrors.weight != 0) if not learned else np.ndindex(mirrors.weight.shape)
        ):
            wanted = float(mirrors.weight[row, column])
            geometry = mirrors.drawn.geometry(row, column)
            drawn = geometry.multiplicity > 0
            polarity: Polarity = "pmos" if wanted > 0 else "nmos"
            prefix = technology.devices[polarity].prefix
            name = mirror_name(circuit, f"{word}_{row}", mirrors.source, int(column), suffix)
            realised = float(mirrors.drawn.realised[row, column])
            yield {
                "node": mirrors.chains[0][0] if learned else layer.node,
                "row": int(row),
                "column": None if mirrors.source == REFERENCE else int(column),
                "parameter": parameter_path(mirrors, int(row), int(column)),
                "into": layer.node,
                "from": mirrors.source,
                "ideal": wanted,
                "device": f"X{word}.{prefix}{name}" if drawn else None,
                "polarity": polarity if drawn else None,
                "width": geometry.width if drawn else None,
                "length": geometry.length if drawn else None,
                "multiplicity": geometry.multiplicity,
                "series": int(mirrors.drawn.series[row, column]),
                "realised": realised,
                "relative_error": realised / wanted - 1 if wanted else 0.0,
            }


def _cell_records(circuit: Circuit, layer: CellLayer, realised: Floats) -> Iterator[Record]:
    assert layer.bias is not None
    word, amperes = circuit.word(layer), circuit.model.unit_current
    kinds = (
        ("thresh", "beta_hi[{u}]", layer.threshold),
        ("width", "beta_hi[{u}] - beta_lo[{u}]", layer.width),
        ("gain", "alpha[{u}]", layer.gain),
    )
    for unit in range(layer.size):
        for index, (kind, parameter, wanted) in enumerate(kinds):
            yield {
                "node": layer.node,
                "row": unit,
                "column": None,
                "parameter": f"{layer.node}.{parameter.format(u=unit)}",
                "into": layer.node,
                "from": None,
                "ideal": float(wanted[unit] / amperes),
                "device": f"X{word}.I{word}_{unit}_{kind}",
                "polarity": "nmos",
                "width": circuit.unit.width,
                "length": circuit.unit.length,
                "multiplicity": 1,
                "bias_current": float(layer.bias[index, unit]),
                "realised": float(realised[index, unit] / amperes),
                "relative_error": float(realised[index, unit] / wanted[unit] - 1),
            }
