"""Where a comparison comes from: what the build knows and the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netgen.model.graph import Floats
from netgen.netlist.area import Area


@dataclass(frozen=True, eq=False)
class HysteresisCurve:
    """One cell's simulated ramp up and down.

    Attributes
    ----------
    label
        Which cell, such as ``"l1.state[3]"``.
    candidate, output
        Input and output current along the ramp, each (points,), software units.
    threshold, width, gain
        What was set: the upper threshold, its distance from the lower one, and the level, software
        units.
    """

    label: str
    candidate: Floats
    output: Floats
    threshold: float
    width: float
    gain: float


@dataclass(frozen=True, eq=False)
class BuildSummary:
    """What a build folder tells about its circuit.

    Attributes
    ----------
    pdk, corner
        The technology and its process corner.
    options, tools
        Build options, and versions of the tools, by name.
    devices, devices_by_block
        Transistors in total and by kind of block.
    below_floor
        One line for each weight that is smaller than the technology can realise.
    hysteresis
        A cell's curve, where the characterisation recorded one.
    area_by_block
        Transistors' area by kind of block, and in ``area_assumption`` what was assumed.
    predicted_power_w
        Supply power to expect over the inputs the circuit was sized for, W.
    models
        Files of the technology: path and SHA-256.
    edited
        Files of the build that were edited by hand since.
    """

    pdk: str
    corner: str
    options: Mapping[str, str]
    tools: Mapping[str, str]
    devices: int
    devices_by_block: Mapping[str, int]
    below_floor: tuple[str, ...]
    hysteresis: HysteresisCurve | None
    area_by_block: Mapping[str, Area] = field(default_factory=dict)
    area_assumption: str = ""
    predicted_power_w: float | None = None
    models: tuple[tuple[str, str], ...] = ()
    edited: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """What a verdict on the circuit is about."""
        return scope(self.options.get("bias", "ideal"))


def scope(bias: str) -> str:
    """Say what a verdict is about, by the kind of the circuit's bias currents."""
    return f"nominal, {bias} bias currents: no mismatch, no wires"


@dataclass(frozen=True, eq=False)
class Provenance:
    """Inputs of a comparison and how to repeat it.

    Attributes
    ----------
    model_file, samples_file
        As the user named them.
    created
        Date and time, ISO 8601.
    rerun
        The commands, one a line, that repeat everything.
    pads
        Through which inputs came; empty where straight into their diodes.
    """

    model_file: str
    samples_file: str
    created: str
    rerun: tuple[str, ...]
    build: BuildSummary
    pads: str = ""
