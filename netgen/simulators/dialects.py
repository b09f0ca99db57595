"""The netlisters that there are, by the names of their simulators."""

from __future__ import annotations

from collections.abc import Mapping

from netgen.netlist import SpiceNetlister
from netgen.netlist.dialects import SpectreNetlister, XyceNetlister
from netgen.simulators.ngspice.netlister import NgspiceNetlister

DIALECTS: Mapping[str, SpiceNetlister] = {
    "ngspice": NgspiceNetlister(),
    "xyce": XyceNetlister(),
    "spectre": SpectreNetlister(),
}
