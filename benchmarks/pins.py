"""Inputs through pins: what leakage and pads do to a current, with and without a divider.

    python benchmarks/pins.py [PDK ...]

A current steps from a fifth of a unit to a unit at a pad of 500 ohm and 5 pF that leaks to ground.
It flows into a unit diode as inputs do, or times 1,000 into a divider in front of it: two mirrors,
each of several units in parallel (the diode) and in series (the copy). Stated are gate area, the
settled error in per cent (of a fifth of a unit, and of a unit), how long the step takes to within
1 %, the standard deviation of the current by the divider's mismatch, and its supply power.
"""

from __future__ import annotations

import sys

import numpy as np

from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.netlist import Device, Module
from netgen.netlist.deck import Deck, SourceCurrent, Transient
from netgen.netlist.models import SimulatorOptions
from netgen.netlist.write import Writer
from netgen.project import BuildOptions, resolve_options
from netgen.simulators import job_of, run_job
from netgen.technology import Geometry, Polarity, technologies

UNIT, STEP, END = 1e-9, 40e-3, 80e-3
LEAKAGES = (0.0, 1e-12, 10e-12, 100e-12)
STAGES: tuple[tuple[Polarity, int, int], ...] = (("nmos", 8, 5), ("pmos", 5, 5))
"""Polarity, units in parallel and in series of each mirror: 1 : 1,000."""


def divider(kit: Kit) -> Module:
    """Return a divider: a current into ``pin`` comes out of ``out`` a thousand times smaller."""
    devices: list[tuple[Device, ...]] = []
    for polarity, parallel, series in STAGES:
        make, rail = (kit.nmos, "vss") if polarity == "nmos" else (kit.pmos, "vdd")
        line, out = ("pin", "middle") if polarity == "nmos" else ("middle", "out")
        unit = kit.technology.unit_of(polarity, kit.unit)
        wide = Geometry(unit.width, unit.length, parallel)
        devices.append(make(f"{polarity}_diode", line, line, size=wide))
        nets = [out, *(f"{polarity}{place}" for place in range(1, series)), rail]
        for place in range(series):
            devices.append(make(f"{polarity}_{place}", nets[place], line, nets[place + 1], unit))
    return module("divider", "pin out vdd vss", "input", *devices)


def stepped(pdk: str, divided: bool, leakage: float) -> tuple[float, float, float, float]:
    """Return the settled output currents of both levels, A, s that the step takes, and W."""
    technology, at, unit = resolve_options(BuildOptions(pdk))
    kit = Kit(technology, unit)
    made = divider(kit)
    copy = module("copy", "n out vss", "input", kit.nmos("d", "n", "n"), kit.nmos("c", "out", "n"))
    scale = 1000.0 if divided else 1.0
    low, high = (scale * level * UNIT for level in (0.2, 1.0))
    lines = [
        Writer(technology).modules([made, copy]),
        f"Vvdd vdd 0 {at.vdd}",
        "Vvss vss 0 0",
        f"Iin vdd pad pwl(0 {low} {STEP} {low} {STEP + 1e-5} {high})",
        "Cpad pad 0 5e-12",
        f"Ileak pad 0 {leakage}",
        "Rpad pad pin 500",
        "Xd pin n own vss divider" if divided else "Vd pin n 0",
        "Vown vdd own 0",
        "Xc n out vss copy",
        f"Vout out 0 {at.vdd / 2}",
    ]
    seen = SourceCurrent("vout"), SourceCurrent("vown")
    deck = Deck.at(technology, at, "pins", "\n".join(lines), seen, Transient(1e-4, END), (STEP,))
    result = run_job(job_of("pins", deck, SimulatorOptions().retries(), 120.0))
    time, current = result.scale, -result[seen[0]]
    first = float(np.interp(STEP * 0.99, time, current))
    last = float(current[-1])
    within = np.abs(current - last) > 0.01 * abs(last - first)
    settled = float(time[np.flatnonzero(within)[-1]] - STEP)
    return first, last, settled, float(result[seen[1]][-1]) * at.vdd


def spread(pdk: str) -> tuple[float, float]:
    """Return the divider's gate area, µm², and its current's standard deviation by mismatch."""
    technology, _, unit = resolve_options(BuildOptions(pdk))
    kit = Kit(technology, unit)
    total = 0.0
    for polarity, parallel, series in STAGES:
        own = technology.unit_of(polarity, kit.unit)
        threshold, factor = technology.mismatch[polarity].sigma(own)
        each = np.hypot(26.0 * threshold, factor)
        total += each**2 * (1 / parallel + 1 / series)
    sizes = (device.geometry for device in divider(kit).devices)
    area = sum(size.width * size.length * size.multiplicity for size in sizes)
    return area * 1e12, float(np.sqrt(total))


def main() -> None:
    """Print one line a technology, way and leakage."""
    for pdk in sys.argv[1:] or technologies():
        area, sigma = spread(pdk)
        print(f"{pdk}: divider of {area:.0f} um2 of gates, sigma of its current {sigma:.1%}")
        for divided in (False, True):
            clean = stepped(pdk, divided, 0.0)
            for leakage in LEAKAGES:
                low, high, settled, watts = stepped(pdk, divided, leakage)
                errors = (abs(a / b - 1) for a, b in zip((low, high), clean, strict=False))
                print(
                    f"  {'1 : 1,000' if divided else 'direct':9} leak {leakage * 1e12:5.0f} pA  "
                    f"errors {' '.join(f'{e:8.3%}' for e in errors)}  step {settled * 1e3:6.2f} ms"
                    f"  gain {high / UNIT:.3f}  {watts * 1e9:6.1f} nW",
                    flush=True,
                )


if __name__ == "__main__":
    main()
