"""Where a comparison comes from: what the build knows and the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netgen.model.graph import Floats
from netgen.netlist.area import Area


@dataclass(frozen=True, eq=False)
class HysteresisCurve:
    """One cell's simulated ramp up and down."""

    label: str  #: Which cell, such as ``"l1.state[3]"``.
    #: ``candidate``, ``output``: input and output current along the ramp, each (points,), software
    #: units.
    candidate: Floats
    output: Floats
    #: ``falling``, ``rising``, ``levels``: what was set: both thresholds of each rung and the
    #: output with so many rungs high, software units, (rungs,) each.
    falling: Floats
    rising: Floats
    levels: Floats


@dataclass(frozen=True, eq=False)
class BuildSummary:
    """What a build folder tells about its circuit."""

    #: ``pdk``, ``corner``: the technology and its process corner.
    pdk: str
    corner: str
    #: ``options``, ``tools``: build options, and versions of the tools, by name.
    options: Mapping[str, str]
    tools: Mapping[str, str]
    #: ``devices``, ``devices_by_block``: transistors in total and by kind of block.
    devices: int
    devices_by_block: Mapping[str, int]
    #: One line for each weight that is smaller than the technology can realise.
    below_floor: tuple[str, ...]
    hysteresis: HysteresisCurve | None  #: A cell's curve, where the characterisation recorded one.
    #: Transistors' area by kind of block, and in ``area_assumption`` what was assumed.
    area_by_block: Mapping[str, Area] = field(default_factory=dict)
    area_assumption: str = ""
    #: Supply power to expect over the inputs the circuit was sized for, W.
    predicted_power_w: float | None = None
    models: tuple[tuple[str, str], ...] = ()  #: Files of the technology: path and SHA-256.
    edited: tuple[str, ...] = ()  #: Files of the build that were edited by hand since.

    @property
    def scope(self) -> str:
        """What a verdict on the circuit is about."""
        return scope(self.options.get("bias", "ideal"))


def scope(bias: str) -> str:
    """Say what a verdict is about, by the kind of the circuit's bias currents."""
    return f"nominal, {bias} bias currents: no mismatch, no wires"


@dataclass(frozen=True, eq=False)
class Provenance:
    """Inputs of a comparison and how to repeat it."""

    #: ``model_file``, ``samples_file``: as the user named them.
    model_file: str
    samples_file: str
    created: str  #: Date and time, ISO 8601.
    rerun: tuple[str, ...]  #: The commands, one a line, that repeat everything.
    build: BuildSummary
    pads: str = ""  #: Through which inputs came; empty where straight into their diodes.
