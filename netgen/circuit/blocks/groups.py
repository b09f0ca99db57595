"""Groups of devices that can have a size of their own: what matters to mismatch unequally.

The diodes and copies of a signal's gate nets are one group, by the kind of the signal. What a
cell's bias works through is another, called as the bias.
"""

from __future__ import annotations

X, CONSTANTS, ROWS, CANDIDATES, STATES = GATE_NETS = (
    "x", "reference", "rows", "candidates", "states",
)  # fmt: skip
"""The gate nets of inputs, of the reference, of ReLU rows, of those that cells take, of cells."""
WEIGHTS, READOUT = MIRRORS = ("weights", "readout")
"""Mirrors into ReLU rows, and into the readout."""
