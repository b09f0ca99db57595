"""Bias currents of cells: ideal sources, copies of the reference, or DACs of such copies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netgen.circuit.blocks.dac import DAC, bit_ports
from netgen.circuit.blocks.kit import RAIL
from netgen.circuit.circuit import CellLayer, GateNet
from netgen.circuit.elements import Elements
from netgen.circuit.names import REFERENCE
from netgen.circuit.netlist import Device, Instance, Source
from netgen.circuit.nets import net
from netgen.technology import Polarity


class Biases(Elements):
    """Makes the bias currents of cells."""

    def bias_sources(self, layer: CellLayer, unit: int, names: list[str]) -> tuple[Source, ...]:
        """Return a cell's ideal bias currents."""
        assert layer.bias is not None
        realised = layer.wanted if layer.realised is None else layer.realised
        figures = np.stack([layer.wanted, realised], axis=-1)[:, unit]
        return tuple(
            Source(name, ("vdd", name), current, layer.node, unit, label, *values)
            for name, current, label, values in zip(
                names,
                layer.bias[:, unit].tolist(),
                layer.block.parameters(layer.node, unit),
                (figures / self.circuit.model.unit_current).tolist(),
                strict=True,
            )
        )

    @property
    def bias_gate_net(self) -> GateNet:
        """The reference's gate net that bias currents are copied from."""
        return "p" if self.circuit.dac is None else "n"

    def dacs(self, layer: CellLayer, unit: int, names: list[str]) -> Iterator[Instance]:
        """Yield the DACs of a cell's bias currents."""
        assert self.circuit.dac is not None
        ports = bit_ports(self.circuit.dac)
        parameters = layer.block.parameters(layer.node, unit)
        for name, parameter in zip(names, parameters, strict=True):
            bits = (f"{name}_{port}" for port in ports)
            nets = (f"{name}_line", name, *bits, "vdd")
            yield self.instance(f"{name}_dac", DAC, nets, "dac", layer.node, unit, parameter)

    def bias_mirrors(self, layer: CellLayer, unit: int, names: list[str]) -> tuple[Device, ...]:
        """Return the copies of the reference that take the place of ideal bias currents.

        Where a DAC makes a current, its diode takes the copy.
        """
        geometry = layer.bias_geometry
        assert geometry is not None
        assert layer.bias is not None
        gate, programmable = (
            net(self.circuit, REFERENCE, 0, self.bias_gate_net),
            self.circuit.dac is not None,
        )
        polarity: Polarity = "nmos" if programmable else "pmos"
        rail, share = RAIL[polarity], self.circuit.dac.copied if self.circuit.dac else 1.0
        amperes = self.circuit.model.unit_current
        parameters = layer.block.parameters(layer.node, unit)
        return tuple(
            device
            for row, name in enumerate(names)
            for device in self.in_series(
                Device(
                    self.unique(f"{name}_mirror"),
                    "dac" if programmable else "bias",
                    polarity,
                    geometry.at(row, unit),
                    (f"{name}_line" if programmable else name, gate, rail, rail),
                    layer.node,
                    unit,
                    parameters[row],
                    float(share * layer.bias[row, unit] / amperes),
                    float(geometry.realised[row, unit]),
                )
            )
        )
