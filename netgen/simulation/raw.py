"""Waveforms as an ngspice binary ``.raw`` file, for waveform viewers."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from netgen.simulation.jobs import Waveforms


def write_raw(path: Path, waveforms: Waveforms, title: str) -> None:
    """Write waveforms as a binary raw file, whole or not at all.

    Raises
    ------
    OSError
        The file cannot be written.

    Notes
    -----
    Format: ngspice manual, "Rawfile": a text header, then point after point every variable as a
    float64 in the machine's byte order.
    """
    variables = [("time", "time"), *((name, _kind(name)) for name in waveforms.vectors)]
    header = [
        f"Title: {title}",
        f"Date: {time.strftime('%a %b %d %H:%M:%S %Y')}",
        "Plotname: Transient Analysis",
        "Flags: real",
        f"No. Variables: {len(variables)}",
        f"No. Points: {waveforms.timepoints}",
        "Variables:",
        *(f"\t{index}\t{name}\t{kind}" for index, (name, kind) in enumerate(variables)),
        "Binary:\n",
    ]
    table = np.column_stack([waveforms.scale, *waveforms.vectors.values()])
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as file:
            file.write("\n".join(header).encode())
            file.write(np.ascontiguousarray(table, dtype=np.float64).data)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _kind(name: str) -> str:
    current = name.endswith("#branch") or name.startswith(("@", "i("))
    return "current" if current else "voltage"
