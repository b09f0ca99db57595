"""A transient's waveforms as an ngspice binary ``.raw`` file, for waveform viewers."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from netgen.files import written_beside
from netgen.simulators.jobs import Waveforms


def write_raw(path: Path, waveforms: Waveforms, title: str) -> None:
    """Write a transient's waveforms as a binary raw file, whole or not at all.

    Parameters
    ----------
    path
        Replaced if it is there.
    waveforms
        Result of a ``.tran`` deck.
    title
        First line of the file; of a title that has several lines, the first.

    Raises
    ------
    OSError
        The file cannot be written.

    Notes
    -----
    Format: ngspice manual, "Rawfile": a text header, then point after point every variable as a
    float64 in the machine's byte order; names as ngspice's ``write`` gives them.
    """
    variables = [("time", "time"), *map(_variable, waveforms.vectors)]
    header = [
        f"Title: {(title.splitlines() or [''])[0]}",
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
    with written_beside(path) as scratch, scratch.open("wb") as file:
        file.write("\n".join(header).encode())
        file.write(np.ascontiguousarray(table, dtype=np.float64).data)


def _variable(name: str) -> tuple[str, str]:
    """Return the name that a raw file gives a vector, and its type."""
    if name.endswith("#branch"):
        return f"i({name.removesuffix('#branch')})", "current"
    if name.startswith("@"):  # a device's own quantity, such as @m1[id]
        quantity = name.partition("[")[2]
        return (f"i({name})", "current") if quantity.startswith("i") else (name, "notype")
    return f"v({name})", "voltage"
