"""Ammeters in a network's supply: which block of which node takes how much from it.

A current counts at the device that takes it from the supply: a sourcing mirror's at the mirror, a
diode's P line at the line, a bias or an input that an ideal source feeds at the bias or the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netgen.circuit import REFERENCE, REFERENCE_WORD, Circuit
from netgen.model import INPUT
from netgen.netlist.partition import elements, words

KINDS = ("mirror", "relu", "cell", "bias", "line", "input", "start", "readout")
"""Kinds of block. All but the last, the sources that the readout's currents flow into, are
transistors, see :attr:`netgen.circuit.netlist.Netlist.counts`."""
_BLOCKS = {
    "diode_relu": "relu",
    "n_to_p": "line",
    "p_to_n": "line",
    "schmitt_trigger_9t": "cell",
    "bias_diode": "bias",
    "reset_switch": "start",
    "set_switch": "start",
}
_LAYER = "layer_"
INPUT_SUPPLY = f"vdd_{INPUT}_input"
"""The net that input currents come from."""


@dataclass(frozen=True, order=True)
class Consumer:
    """A kind of block (one of :data:`KINDS`) of a node of the circuit.

    The node is ``"x"``, the reference, or a relu, bmru or readout node.
    """

    node: str
    kind: str


def consumer_of(circuit: Circuit, word: str, kind: str) -> Consumer:
    """Return the consumer that a kind of block in a layer of the netlist is."""
    nodes = {circuit.word(layer): layer.node for layer in circuit.layers}
    return Consumer({REFERENCE_WORD: REFERENCE, INPUT: INPUT, **nodes}[word], kind)


@dataclass(frozen=True)
class Meter:
    """What a current says: volts times it is the power that a consumer takes.

    Volts are negative for a source whose own current is looked at, since SPICE counts that from
    the positive node through the source.
    """

    consumer: Consumer
    volts: float


def kind_of(line: str, word: str) -> str:
    """Return the kind of block that an element of a layer belongs to.

    Parameters
    ----------
    line
        The element, lower case.
    word
        The layer's word in the netlist.
    """
    if line[0] == "i":
        return "bias"
    _, *nets, model = words(line)
    if model == "diode_relu":
        return {REFERENCE_WORD: "bias", INPUT: "input"}.get(word, "relu")
    if model in _BLOCKS:
        return _BLOCKS[model]
    constant = {f"{REFERENCE_WORD}_n", f"{REFERENCE_WORD}_p"}
    return "bias" if constant & set(nets) else "mirror"


def metered(lines: Iterable[str], word: str) -> tuple[list[str], dict[str, str]]:
    """Put ammeters between the supply and the elements of a layer, one a kind of block.

    Returns
    -------
    lines
        The elements with their meters.
    meters
        Kind by the meter's name, such as ``vmeter_l1_relu_mirror``.
    """
    changed, meters = [], {}
    for line in lines:
        found = line.split()
        if "vdd" in found:
            kind = kind_of(line, word)
            meters[f"vmeter_{word}_{kind}"] = kind
            line = " ".join(f"vdd_{word}_{kind}" if w == "vdd" else w for w in found)
        changed.append(line)
    own = [f"{name} vdd vdd_{word}_{kind} 0" for name, kind in meters.items()]
    return [*own, *changed], meters


INPUT_METER = f"vmeter_{INPUT}_input"
INPUT_METER_LINE = f"{INPUT_METER} vdd {INPUT_SUPPLY} 0"


def metered_network(text: str) -> tuple[str, Mapping[str, tuple[str, str]]]:
    """Put ammeters into every layer of a network's text; comments are left out.

    Returns
    -------
    text
        The network with its meters, and the one of its inputs.
    meters
        Word of the layer and kind of block by the vector of a meter's current.
    """
    lines: list[str] = [INPUT_METER_LINE]
    vectors = {f"{INPUT_METER}#branch": (INPUT, "input")}
    word: str | None = None
    held: list[str] = []
    for line in map(str.lower, elements(text)):
        head, *rest = line.split()
        if head == ".subckt" and rest[0].startswith(_LAYER):
            word, held = rest[0].removeprefix(_LAYER), []
            lines.append(line)
        elif word is None:
            lines.append(line)
        elif head == ".ends":
            changed, meters = metered(held, word)
            lines += [*changed, line]
            vectors |= {f"v.xnet.x{word}.{m}#branch": (word, kind) for m, kind in meters.items()}
            word = None
        else:
            held.append(line)
    return "\n".join(lines) + "\n", vectors
