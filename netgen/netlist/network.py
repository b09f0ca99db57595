"""The circuit's body: ``netlist.cir``, one subcircuit a layer, no options, saves or analyses."""

from __future__ import annotations

from dataclasses import replace

from netgen.circuit import Circuit
from netgen.circuit.netlist import Netlist
from netgen.circuit.synthesis import synthesise
from netgen.netlist.write import cdl_body, network_body
from netgen.technology import Technology


def netlist_of(
    circuit: Circuit,
    technology: Technology,
    *,
    mirrored_bias: bool | None = None,
    like: Netlist | None = None,
) -> Netlist:
    """Return the record of a sized circuit.

    Parameters
    ----------
    mirrored_bias
        Whether the cells' bias currents are copies of the reference; None: as the circuit says.
    like
        See :func:`netgen.circuit.synthesis.synthesise`.
    """
    if mirrored_bias is not None:
        circuit = replace(circuit, mirrored_bias=mirrored_bias)
    return synthesise(circuit, technology, like)


def network_text(circuit: Circuit, technology: Technology) -> str:
    """Return the netlist of a sized circuit."""
    return network_body(netlist_of(circuit, technology), technology)


def cdl_text(circuit: Circuit, technology: Technology) -> str:
    """Return the netlist of a sized circuit as CDL, see :func:`netgen.netlist.write.cdl_body`."""
    return cdl_body(netlist_of(circuit, technology), technology)
