"""Netlists of circuits as text, and with bias currents copied from the reference."""

from __future__ import annotations

from dataclasses import replace

from netgen.circuit import Circuit
from netgen.circuit.netlist import Netlist
from netgen.circuit.synthesis import synthesise
from netgen.netlist.write import cdl_body, network_body
from netgen.technology import Technology


def network_text(circuit: Circuit, technology: Technology) -> str:
    return network_body(synthesise(circuit, technology), technology)


def cdl_text(circuit: Circuit, technology: Technology) -> str:
    return cdl_body(synthesise(circuit, technology), technology)


def mirrored(circuit: Circuit, technology: Technology) -> Netlist:
    return synthesise(replace(circuit, mirrored_bias=True), technology)
