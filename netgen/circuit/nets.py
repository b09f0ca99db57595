"""Names of the nets that circuits and their test benches share."""

from __future__ import annotations

import numpy as np

from netgen.circuit.blocks.dac import bit_ports
from netgen.circuit.circuit import CellLayer, Circuit, GateNet
from netgen.circuit.names import DECISION_PREFIX, REFERENCE, REFERENCE_PREFIX
from netgen.model import INPUT


def net(circuit: Circuit, node: str, unit: int, gate_net: GateNet) -> str:
    """Return the net of a signal's N or P-gate net."""
    if node == REFERENCE:
        return f"{REFERENCE_PREFIX}_{gate_net}"
    return f"{circuit.prefixes[node]}_{unit}_{gate_net}"


def input_nets(circuit: Circuit) -> tuple[str, ...]:
    """Return the net that each input's current flows into: its diode's, or its divider's."""
    return tuple(
        net(circuit, INPUT, unit, "n")
        if circuit.divider is None
        else f"{circuit.prefixes[INPUT]}_{unit}_pin"
        for unit in range(circuit.model.input_size)
    )


def output_nets(circuit: Circuit) -> tuple[str, ...]:
    """Return the nets of the readout's summing nodes; none where only decisions leave."""
    layer = circuit.readout
    if layer is None:
        return ()
    return tuple(f"{circuit.prefix(layer)}_{unit}_out" for unit in range(layer.size))


def winner_nets(circuit: Circuit) -> tuple[str, ...]:
    """Return the nets that say which class wins, one each; none where nothing decides."""
    model = circuit.model
    count = model.sizes[model.readout.node] if circuit.decision else 0
    return tuple(f"{DECISION_PREFIX}_{unit}" for unit in range(count))


def start_nets(circuit: Circuit) -> dict[tuple[int, bool], str]:
    """Return the start-up nets by (release order, initial state) where a cell needs it."""
    nets = {}
    for layer in (layer for layer in circuit.cells if layer.block.storages):
        for state in np.unique(layer.initial_state):
            nets[layer.release, bool(state)] = (
                f"set_{layer.release + 1}_b" if state else f"reset_{layer.release + 1}"
            )
    return nets


def layer_starts(circuit: Circuit, layer: CellLayer) -> list[str]:
    """Return the start-up nets of a layer of cells."""
    nets = start_nets(circuit) if layer.block.storages else {}
    return [nets[layer.release, bool(state)] for state in np.unique(layer.initial_state) if nets]


def code_nets(circuit: Circuit, layer: CellLayer) -> dict[str, bool]:
    """Return the nets of the bits of a layer's DACs, and whether each is on, which is low."""
    if circuit.dac is None:
        return {}
    ports, codes = bit_ports(circuit.dac), circuit.codes_of(layer)
    return {
        f"{bias_net(circuit, layer, unit, bias)}_{port}": bool(codes[bias, unit] >> place & 1)
        for bias, unit in np.ndindex(*codes.shape)
        for place, port in enumerate(ports)
    }


def bias_net(circuit: Circuit, layer: CellLayer, unit: int, bias: int) -> str:
    """Return the net of the diode that a bias current of a cell flows into."""
    return f"{circuit.prefix(layer)}_{unit}_{layer.block.biases[bias].name}"


def network_ports(circuit: Circuit) -> tuple[str, ...]:
    """Return the network's ports after the supplies: inputs, start-up nets, codes, readout."""
    starts = [
        net_name
        for layer in circuit.cells
        for net_name in (*layer_starts(circuit, layer), *code_nets(circuit, layer))
    ]
    return tuple(
        dict.fromkeys([*input_nets(circuit), *starts, *output_nets(circuit), *winner_nets(circuit)])
    )
