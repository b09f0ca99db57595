"""The same circuit for other tools: testbenches in other dialects, and CDL."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from netgen.circuit.rows import Floats
from netgen.files import write_whole
from netgen.netlist import DIALECTS, cdl_text, dialect_testbench
from netgen.project.build import Design
from netgen.project.folder import Folder
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
        Names of :data:`netgen.netlist.DIALECTS`: one testbench each, around the folder's netlist.
    formats
        Of :data:`FORMATS`.
    x
        Inputs of the sample that the testbenches run, (frames, channels); None: a stand-in.
    """
    folder, model = Folder(path), made.circuit.model
    sample = calibration_inputs(model, 1)[0] if x is None else x
    written = {}
    for name in dialects:
        network = Path(folder.netlist.name)
        where = (made.circuit, made.technology, made.conditions, sample, network)
        text = dialect_testbench(name, *where, f"{model.name}, one sample")
        written[path / f"testbench{DIALECTS[name].suffix}"] = text
    if "cdl" in formats:
        written[folder.netlist.with_suffix(".cdl")] = cdl_text(made.circuit, made.technology)
    for file, text in written.items():
        write_whole(file, text)
    return list(written)
