"""The same circuit for other tools: testbenches in other dialects, and CDL."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from netgen.arrays import Floats
from netgen.netlist import SimulatorOptions, cdl_text, testbench
from netgen.project.build import Design, add_files
from netgen.project.folder import Folder
from netgen.simulators.dialects import DIALECTS
from netgen.sizing import calibration_inputs

FORMATS = ("spice", "cdl")
"""Formats of the circuit body; a build always has the first."""


def export(
    made: Design,
    path: Path,
    dialects: Collection[str],
    formats: Collection[str],
    x: Floats | None = None,
) -> list[Path]:
    """Write a design for other tools into its build folder and return the files written.

    Parameters
    ----------
    dialects
        Names of :data:`netgen.simulators.dialects.DIALECTS`: one testbench each, around the
        folder's netlist.
    formats
        Of :data:`FORMATS`.
    x
        Inputs of the sample that the testbenches run, (frames, channels); None: a stand-in.
    """
    folder, model = Folder(path), made.circuit.model
    sample = calibration_inputs(model, 1)[0] if x is None else x
    written: dict[str, str] = {}
    for name in dialects:
        network = Path(folder.netlist.name)
        where = (made.circuit, made.technology, made.conditions, sample, network)
        deck = testbench(*where, f"{model.name}, one sample")
        text = DIALECTS[name].text(deck, SimulatorOptions().scaled(model.unit_current))
        written[f"testbench{DIALECTS[name].suffix}"] = text
    if "cdl" in formats:
        name = folder.netlist.with_suffix(".cdl").name
        written[name] = cdl_text(made.circuit, made.technology)
    if written:
        add_files(path, written)
    return [path / name for name in written]
