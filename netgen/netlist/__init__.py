"""The netlist room: Jinja2 templates, the network's text, testbenches and their probes."""

from netgen.netlist.deck import Deck, Quantity
from netgen.netlist.mapping import mapping
from netgen.netlist.meters import KINDS, SupplyBranch
from netgen.netlist.models import Conditions, SimulatorOptions, nominal
from netgen.netlist.netlister import SpiceNetlister
from netgen.netlist.partition import Network
from netgen.netlist.testbench import READOUT, SETTLED, Probes, release_time, testbench
from netgen.netlist.variation import shift_words
from netgen.netlist.workbench import GateLoad, Workbench

__all__ = [
    "KINDS",
    "READOUT",
    "SETTLED",
    "Conditions",
    "Deck",
    "GateLoad",
    "Network",
    "Probes",
    "Quantity",
    "SimulatorOptions",
    "SpiceNetlister",
    "SupplyBranch",
    "Workbench",
    "mapping",
    "nominal",
    "release_time",
    "shift_words",
    "testbench",
]
