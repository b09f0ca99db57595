"""Testbenches for other simulators, around the same circuit body."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen._version import __version__
from netgen.circuit import Circuit
from netgen.netlist.models import Conditions, SimulatorOptions, library_head
from netgen.netlist.render import render
from netgen.netlist.testbench import probes, stimuli, testbench
from netgen.technology import Technology


@dataclass(frozen=True)
class Dialect:
    """A simulator's own way to write options, saves and analyses.

    Attributes
    ----------
    suffix
        What the testbench's file name ends with.
    template
        Empty for ngspice, whose testbench is the one netgen runs.
    current
        Turns the path of a device and the terminal's name into a probe.
    """

    suffix: str
    template: str
    current: Callable[[str], str]


def _xyce(vector: str) -> str:
    device, source = _device(vector)
    return f"ID({device.replace('.', ':')})" if device else f"I({source})"


def _spectre(vector: str) -> str:
    device, source = _device(vector)
    return f"{device}:d" if device else f"{source}:p"


def _device(vector: str) -> tuple[str, str]:
    """Return the path of the transistor, or the source, whose current an ngspice vector is."""
    transistor = re.fullmatch(r"@m\.(.+)\[id\]", vector)
    return (transistor[1], "") if transistor else ("", vector.removesuffix("#branch"))


DIALECTS = {
    "ngspice": Dialect(".cir", "", str),
    "xyce": Dialect(".xyce.cir", "testbench_xyce.j2", _xyce),
    "spectre": Dialect(".scs", "testbench_spectre.j2", _spectre),
}


def dialect_testbench(
    name: str,
    circuit: Circuit,
    technology: Technology,
    at: Conditions,
    x: NDArray[np.float64],
    network: Path,
    title: str,
) -> str:
    """Return the testbench of one sample in a dialect of :data:`DIALECTS`.

    Parameters
    ----------
    x
        Inputs in software units, (frames, channels).
    network
        The circuit body, which all dialects share.
    """
    options = SimulatorOptions().scaled(circuit.model.unit_current)
    dialect = DIALECTS[name]
    if not dialect.template:
        return testbench(circuit, technology, at, options, x, network, title)
    return render(
        dialect.template,
        title=title,
        version=__version__,
        library=library_head(technology, at),
        network=str(network),
        options=options,
        temperature=at.temperature,
        model_temperature=technology.model_temperature,
        probes=[dialect.current(v) for v in probes(circuit, technology, at.vdd).vectors],
        **stimuli(circuit, at, x),
    )
