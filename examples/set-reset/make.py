"""Write samples.npz: pulse sequences on the lines set, reset and forget, 12 frames each.

Run it from anywhere: ``python examples/set-reset/make.py``. It gives the same file every time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FRAMES = 12
LINES = ("set", "reset", "forget")
STRENGTH = {"S": (0, 1.0), "s": (0, 0.2), "R": (1, 1.0), "r": (1, 0.2), "F": (2, 1.0)}
"""Letter of a frame: its line, and the pulse's height in units of 1 nA (small: too weak)."""

SEQUENCES = (
    ("nothing happens", "............", "never set"),
    ("set once, held", "..S.........", "set"),
    ("set, reset", "..S....R....", "was set"),
    ("set, reset, set", ".S...R....S.", "set"),
    ("set, reset, forgotten", ".S...R...F..", "never set"),
    ("set, forgotten while set", "..S.....F...", "set and forgotten"),
    ("too weak to set", "..s..s.s....", "never set"),
    ("too weak to reset", ".S..r..r.r..", "set"),
)
"""Name, pulses, and the class that a memory has to end in."""


def main() -> None:
    """Write the file beside this one."""
    folder = Path(__file__).parent
    classes = ("never set", "set", "was set", "set and forgotten")
    x = np.zeros((len(SEQUENCES), FRAMES, len(LINES)))
    for sample, (_, pulses, _) in enumerate(SEQUENCES):
        for frame, letter in enumerate(pulses):
            if letter in STRENGTH:
                line, height = STRENGTH[letter]
                x[sample, frame, line] = height
    np.savez(
        folder / "samples.npz",
        x=x,
        y=np.array([classes.index(last) for _, _, last in SEQUENCES]),
        id=np.array([name for name, _, _ in SEQUENCES]),
    )


if __name__ == "__main__":
    main()
