"""CPU time of the record of a circuit, and of setting up chips of a Monte Carlo simulation.

    python benchmarks/chips.py [--state 4 64] [--chips 200]

For random networks of the given state sizes on the generic technology, weights drawn by their
ratio: milliseconds to make the record and to write its text, and for each chip to draw every
transistor's deviations and to write the whole network with them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from time import process_time

import numpy as np

from netgen.arrays import Floats
from netgen.circuit import CellLayer, Circuit, SummingLayer, build_circuit
from netgen.circuit.circuit import MirrorGeometry
from netgen.circuit.synthesis import synthesise
from netgen.model import random_model
from netgen.netlist import Network, shift_words
from netgen.technology import Variation, load_technology, sample_deviations


def main() -> None:
    """Print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=int, nargs="+", default=[4, 64])
    parser.add_argument("--chips", type=int, default=200)
    chosen = parser.parse_args()
    technology = load_technology("generic180")
    for state in chosen.state:
        model, _ = random_model(1, state=state)
        circuit = by_ratio(build_circuit(model, technology.unit))
        start = process_time()
        network = Network(synthesise(circuit, technology), technology)
        made = process_time()
        written = len(network.text)
        wrote = process_time()
        whole = network.deviating.whole
        ready = process_time()
        for chip in range(chosen.chips):
            found = network.netlist.transistors
            drawn = sample_deviations(technology, Variation(1), found, chip)
            words = shift_words({name: values[0] for name, values in drawn.items()})
            written += len("\n".join(line.shifted(words) for line in whole))
        each = (process_time() - ready) / chosen.chips
        print(
            f"state {state}: {len(network.netlist.transistors)} transistors; record "
            f"{1e3 * (made - start):.0f} ms, text {1e3 * (wrote - made):.0f} ms, prepared "
            f"{1e3 * (ready - wrote):.0f} ms; a chip {1e3 * each:.1f} ms"
        )


def by_ratio(circuit: Circuit) -> Circuit:
    """Draw every weight by its ratio, and every cell with the currents it stands for."""
    layers: list[CellLayer | SummingLayer] = []
    for layer in circuit.layers:
        if isinstance(layer, CellLayer):
            layers.append(replace(layer, bias=layer.wanted))
        else:
            mirrors = tuple(replace(m, geometry=_drawn(circuit, m.weight)) for m in layer.mirrors)
            layers.append(replace(layer, mirrors=mirrors))
    return replace(circuit, layers=tuple(layers))


def _drawn(circuit: Circuit, weight: Floats) -> MirrorGeometry:
    ratio = np.abs(weight)
    count = np.ceil(ratio / 1.5).astype(np.int64)
    width = circuit.unit.width * ratio / np.maximum(count, 1)
    length = np.where(ratio > 0, circuit.unit.length, 0.0)
    return MirrorGeometry(width, length, count, np.ones_like(count), weight)


if __name__ == "__main__":
    main()
