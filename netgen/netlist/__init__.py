"""The netlist room: Jinja2 templates, the network's text, testbenches and their probes."""

from netgen.netlist.blocks import GateLoad, Workbench
from netgen.netlist.mapping import mapping
from netgen.netlist.models import Conditions, SimulatorOptions, nominal
from netgen.netlist.network import device_counts, network_text
from netgen.netlist.testbench import READOUT, SETTLED, Probes, probes, release_time, testbench

__all__ = [
    "READOUT",
    "SETTLED",
    "Conditions",
    "GateLoad",
    "Probes",
    "SimulatorOptions",
    "Workbench",
    "device_counts",
    "mapping",
    "network_text",
    "nominal",
    "probes",
    "release_time",
    "testbench",
]
