"""What the checks of the integrity record cost: CPU time in one process, as a share of a warm run.

    python benchmarks/integrity.py MODEL.json SAMPLES.npz [-n 50]

Builds the model, simulates its samples once, then opens the folder, simulates (everything is taken
over) and compares again. Every function that digests or checks is timed within that second run.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

from netgen.analysis import Tolerances
from netgen.model import load_model, load_samples
from netgen.project import BuildOptions, SimulationChoices, build, compare, read_build, simulate
from netgen.technology import Technology

CHECKS = {
    "netgen.project.reading": ("sha256_of", "read_record"),
    "netgen.project.runs": ("read_record", "read_file", "trace_key", "write_sealed", "_digest"),
    "netgen.simulation.traces": ("seal",),
    "netgen.simulators.store": ("seal",),
    "netgen.technology.data": ("source_file",),
}
"""By module, the functions that only check."""


class Clock:
    """CPU seconds of the outermost checks."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.depth = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time added up."""

        @wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            self.depth += 1
            started = process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += process_time() - started

        return counted

    def install(self) -> None:
        """Time every check from now on."""
        for module, names in CHECKS.items():
            place = import_module(module)
            for name in names:
                setattr(place, name, self.timed(getattr(place, name)))
        check = self.timed(Technology.check_unchanged)
        Technology.check_unchanged = check  # type: ignore[method-assign]


def main() -> None:
    """Run cold, then warm, and print the share of the checks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("samples", type=Path)
    parser.add_argument("-n", "--count", type=int, default=50)
    parser.add_argument("--engine", default="staged")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    folder = chosen.output or Path(tempfile.mkdtemp(prefix="integrity-"))
    model = load_model(chosen.model)
    samples = load_samples(chosen.samples, model)
    picked = list(range(min(chosen.count, len(samples))))
    choices = SimulationChoices(1, engine=chosen.engine)

    def warm() -> int:
        made = read_build(folder)
        fresh = sum(step.fresh for step in simulate(made, samples, picked, choices))
        compare(read_build(folder), Tolerances(), {"model": "m", "samples": "s"}, ())
        return fresh

    build(model, folder, BuildOptions())
    warm()
    clock = Clock()
    clock.install()
    started = process_time()
    assert warm() == 0
    total = process_time() - started
    print(f"{len(picked)} recordings, warm: {total:.2f} CPU s, of which checks {clock.seconds:.3f}")
    print(f"checks add {clock.seconds / (total - clock.seconds):.2%}")


if __name__ == "__main__":
    main()
