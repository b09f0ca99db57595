"""Operating conditions, simulator options, and the lines that load the models."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netgen.netlist.render import render_template
from netgen.technology import Technology
from netgen.technology.links import plain_folder


@dataclass(frozen=True)
class Conditions:
    """Where the circuit operates."""

    corner: str  #: Process corner of the technology.
    temperature: float  #: °C.
    vdd: float  #: Supply, V.

    @property
    def thermal_voltage(self) -> float:
        """Return kT/q, V."""
        return 1.380649e-23 / 1.602176634e-19 * (self.temperature + 273.15)


def nominal(technology: Technology) -> Conditions:
    """Return the conditions the technology is meant for."""
    return Conditions(technology.nominal_corner, technology.temperature, technology.vdd)


@dataclass(frozen=True)
class SimulatorOptions:
    """Options of a SPICE simulator; ngspice's own defaults are wrong at these currents.

    ``gmin`` must be far below the signals over the supply, gear does not ring, ``bypass`` skips
    transistors whose terminals did not move (and saves over a third of the time).

    ``abstol`` also bounds the truncation error of a time step. At 1e-13 and at 1e-14 A a step can
    pass over a cell's transition, and Newton's method lands in a state that no signal asked for.
    At 1e-15 A for a unit current of 1 nA, a millionth of the unit current, no such state was found
    (docs/circuit.md). At a reltol of 1e-3 a cell of wide hysteresis was seen to fall where its
    candidate jumped well inside it, 1 of 40,400 states; at 5e-4 none was, for 13 % more time.
    Integration is checked against other options by ``benchmarks/truth.py``.

    ``max_step`` is the longest time step of a transient (s); None leaves it to ngspice.
    """

    gmin: float = 1e-17
    abstol: float = 1e-15
    reltol: float = 5e-4
    vntol: float = 1e-5
    chgtol: float = 1e-15
    method: str = "gear"
    itl1: int = 500
    bypass: bool = True
    max_step: float | None = None

    def scaled(self, unit_current: float) -> SimulatorOptions:
        """Return options for circuits with this unit current (A): these are for 1 nA."""
        return replace(self, abstol=self.abstol * unit_current / 1e-9)

    def retries(self) -> tuple[tuple[str, SimulatorOptions], ...]:
        """Return what to try in turn when a run gives no result that counts, with labels."""
        plain = replace(self, bypass=False)
        tight = replace(plain, reltol=self.reltol / 10, itl1=2000)
        return (
            ("default", self),
            ("no bypass", plain),
            ("tight", tight),
            ("larger gmin", replace(plain, gmin=self.gmin * 100, itl1=2000)),
        )


def models_text(technology: Technology, at: Conditions) -> str:
    """Return the lines that load the models, in plain SPICE."""
    folder = plain_folder(technology.folder)
    return render_template(
        "library.j2",
        includes=[str(folder / name) for name in technology.includes],
        parameters=list(technology.parameters.items()),
        library=str(folder / technology.library),
        section=technology.corners[at.corner],
    )
