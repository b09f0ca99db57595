"""Inputs through pins: what leakage and pads do to a current, with and without a divider.

    python benchmarks/pins.py [PDK ...]

A current steps from a fifth of a unit to a unit at a pad of 500 ohm and 5 pF that leaks to ground.
It flows into a unit diode as inputs do, or times 1,000 into the divider in front of it. Stated are
the settled error in per cent (of a fifth of a unit, and of a unit), how long the step takes to
within 1 %, and supply power. Other dividers are listed before: an NMOS and a PMOS mirror, each of
several units in parallel (the diode) and in series (the copy), with their gate area, the standard
deviation of their current by mismatch, and how far the ratio goes from its mean over inputs.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from netgen.characterise.responses import INPUTS, sized_divider
from netgen.circuit.blocks import relu
from netgen.circuit.blocks.divider import DIVIDER
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.netlist import Module
from netgen.netlist.characterisation import ACCURATE
from netgen.netlist.deck import Deck, SourceCurrent, Sweep, Transient
from netgen.netlist.models import SimulatorOptions
from netgen.netlist.write import Writer
from netgen.project import BuildOptions, resolve_options
from netgen.project.build import bench_of
from netgen.simulators import job_of, run_job
from netgen.technology import POLARITIES, technologies

UNIT, STEP, END = 1e-9, 40e-3, 80e-3
LEAKAGES = (0.0, 1e-12, 10e-12, 100e-12)
Mirrors: TypeAlias = tuple[int, int, int, int]
"""Units in parallel and in series, of the NMOS and of the PMOS mirror."""
TOPOLOGIES: tuple[Mirrors, ...] = (
    *((8, 5, 5, 5), (20, 4, 8, 2), (25, 4, 12, 1), (40, 2, 14, 1)),
    *((40, 1, 28, 1), (40, 1, 14, 2), (32, 2, 10, 2)),
)


def divider(kit: Kit, mirrors: Mirrors) -> Module:
    """Return a divider with the ports of the block."""
    sink, sink_series, source, source_series = mirrors
    nmos, pmos = (kit.technology.unit_of(each, kit.unit) for each in POLARITIES)
    nets = ["middle", *(f"inner{place}" for place in range(1, sink_series)), "vss"]
    copies = (
        device
        for place in range(sink_series)
        for device in kit.nmos(f"copy{place}", nets[place], "pin", nets[place + 1])
    )
    return module(
        DIVIDER,
        "pin out vdd vss",
        "divider",
        kit.nmos("diode", "pin", "pin", size=replace(nmos, multiplicity=sink)),
        tuple(copies),
        kit.pmos("upper", "middle", "middle", size=replace(pmos, multiplicity=source)),
        kit.pmos_stack("out", "out", "middle", source_series),
    )


def topology(pdk: str, mirrors: Mirrors) -> str:
    """Return what a divider of these mirrors costs and gives, as a line."""
    technology, at, unit = resolve_options(BuildOptions(pdk))
    kit = Kit(technology, unit)
    made, variance = divider(kit, mirrors), 0.0
    for polarity, parallel, series in zip(POLARITIES, mirrors[::2], mirrors[1::2], strict=True):
        own = technology.unit_of(polarity, kit.unit)
        threshold, factor = technology.mismatch[polarity].sigma(own)
        variance += ((26.0 * threshold) ** 2 + factor**2) * (1 / parallel + 1 / series)
    sizes = (device.geometry for device in made.devices)
    area = sum(size.width * size.length * size.multiplicity for size in sizes) * 1e12
    first, second, *_, last = np.log(INPUTS).tolist()
    lines = [
        Writer(technology).modules([*relu.BLOCK.modules(kit), made]),
        f"Vvdd vdd 0 {at.vdd}",
        "Vvss vss 0 0",
        "Vlevel level 0 0",
        f"Bpin vdd pin i={1000 * UNIT}*exp(v(level))",
        f"Xd pin out own vss {DIVIDER}",
        "Vown vdd own 0",
        "Vinto out n 0",
        f"Xdiode n vss {relu.DIODE}",
    ]
    seen = SourceCurrent("vinto"), SourceCurrent("vown")
    sweep = Sweep("Vlevel", first, last + (second - first) / 4, second - first)
    deck = Deck.at(technology, at, "divider", "\n".join(lines), seen, sweep)
    result = run_job(job_of("divider", deck, ACCURATE.retries(), 120.0))
    given = result[seen[0]] / np.exp(result.scale) / UNIT
    watts = float(np.interp(0.0, result.scale, result[seen[1]])) * at.vdd
    drawn = float(np.prod(mirrors))
    around = (float(end) / float(given.mean()) - 1 for end in (given.min(), given.max()))
    return (
        f"  {mirrors!s:16} {area:4.0f} um2  sigma {np.sqrt(variance):.1%}  1 : {drawn:.0f} drawn, "
        f"1 : {1000 / given.mean():.0f} measured  {' … '.join(f'{e:+.2%}' for e in around)}  "
        f"{watts * 1e9:.0f} nW at 1 unit"
    )


def stepped(pdk: str, divided: bool, leakage: float) -> tuple[float, float, float, float]:
    """Return the settled output currents of both levels, A, s that the step takes, and W."""
    technology, at, unit = resolve_options(BuildOptions(pdk))
    kit = Kit(technology, unit)
    made, _ = sized_divider(bench_of(technology, at, unit, UNIT), 1000.0)
    copy = module("copy", "n out vss", "input", kit.nmos("d", "n", "n"), kit.nmos("c", "out", "n"))
    scale = 1000.0 if divided else 1.0
    low, high = (scale * level * UNIT for level in (0.2, 1.0))
    lines = [
        Writer(technology).modules([*made.modules(kit), copy]),
        f"Vvdd vdd 0 {at.vdd}",
        "Vvss vss 0 0",
        f"Iin vdd pad pwl(0 {low} {STEP} {low} {STEP + 1e-5} {high})",
        "Cpad pad 0 5e-12",
        f"Ileak pad 0 {leakage}",
        "Rpad pad pin 500",
        f"Xd pin n own vss {DIVIDER}" if divided else "Vd pin n 0",
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


def main() -> None:
    """Print one line a technology, way and leakage."""
    for pdk in sys.argv[1:] or technologies():
        print(f"{pdk}: units in parallel, in series (NMOS), in parallel, in series (PMOS)")
        for mirrors in TOPOLOGIES:
            print(topology(pdk, mirrors), flush=True)
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
