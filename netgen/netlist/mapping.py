"""``mapping.json``: every learned parameter and the device that stands for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from netgen.circuit import REFERENCE, CellLayer, Circuit, SummingLayer, parameter_path
from netgen.circuit.netlist import Netlist, Unit
from netgen.circuit.nets import net
from netgen.document import Json
from netgen.technology import Polarity, Technology

Record: TypeAlias = dict[str, Json]
Units: TypeAlias = Mapping[str, tuple[Unit, ...]]
"""Units of each layer by its prefix."""


def mapping(circuit: Circuit, technology: Technology, netlist: Netlist) -> list[Record]:
    """Return one record a device (or a parameter without one), ready for JSON.

    Parameters
    ----------
    netlist
        The record of the circuit, with ideal bias currents: it knows what devices are called.
    """
    units = {layer.prefix: layer.units for layer in netlist.layers}
    records: list[Record] = []
    for layer in circuit.layers:
        if isinstance(layer, CellLayer):
            records.extend(_cell_records(circuit, layer, units))
        else:
            records.extend(_weight_records(circuit, technology, layer, units))
    return records


def _weight_records(
    circuit: Circuit, technology: Technology, layer: SummingLayer, units: Units
) -> Iterator[Record]:
    prefix = circuit.prefix(layer)
    names = {
        (unit.index, device.parameter, device.gate): device.stack
        for unit in units[prefix]
        for device in unit.devices
    }
    for mirrors in layer.mirrors:
        assert mirrors.geometry is not None
        # a plain copy is no learned parameter: it only has a device where it copies something
        learned = bool(mirrors.chains[0])
        for row, column in (
            np.argwhere(mirrors.weight != 0) if not learned else np.ndindex(mirrors.weight.shape)
        ):
            wanted = float(mirrors.weight[row, column])
            geometry = mirrors.geometry.at(row, column)
            present = geometry.multiplicity > 0
            polarity: Polarity = "pmos" if wanted > 0 else "nmos"
            name_prefix = technology.devices[polarity].prefix
            path = parameter_path(mirrors, int(row), int(column))
            gate = net(circuit, mirrors.source, int(column), "p" if wanted > 0 else "n")
            realised = float(mirrors.geometry.realised[row, column])
            yield {
                "node": mirrors.chains[0][0] if learned else layer.node,
                "row": int(row),
                "column": None if mirrors.source == REFERENCE else int(column),
                "parameter": path,
                "into": layer.node,
                "from": mirrors.source,
                "ideal": wanted,
                "device": f"X{prefix}.{name_prefix}{names[int(row), path, gate]}"
                if present
                else None,
                "polarity": polarity if present else None,
                "width": geometry.width if present else None,
                "length": geometry.length if present else None,
                "multiplicity": geometry.multiplicity,
                "series": int(mirrors.geometry.series[row, column]),
                "realised": realised,
                "relative_error": realised / wanted - 1 if wanted else 0.0,
            }


def _cell_records(circuit: Circuit, layer: CellLayer, units: Units) -> Iterator[Record]:
    prefix = circuit.prefix(layer)
    for unit in units[prefix]:
        for source in unit.sources:
            assert source.wanted is not None
            assert source.realised is not None
            yield {
                "node": layer.node,
                "row": unit.index,
                "column": None,
                "parameter": source.parameter,
                "into": layer.node,
                "from": None,
                "ideal": source.wanted,
                "device": f"X{prefix}.I{source.name}",
                "polarity": "nmos",
                "width": circuit.unit.width,
                "length": circuit.unit.length,
                "multiplicity": 1,
                "bias_current": source.current,
                "realised": source.realised,
                "relative_error": source.realised / source.wanted - 1,
            }
