"""The winner-take-all by itself: who gets the bias at which lead, how soon, for which power.

A comparator of two classes stands beside it: one current is copied against the other, and two
stages make two levels of what their node does. Stated are the lead at which it turns, of copies
that are units and of longer ones, how soon it turns at a lead, and its power.

    python benchmarks/wta.py [PDK ...]

Two classes at 2 nA, the second less by a lead; then the lead turns round in a step. Levels are
shares of the supply; the time is from the step to where the new winner's output passes half of it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.blocks import comparator, mirror, wta
from netgen.circuit.blocks.bias import BLOCK as REFERENCE
from netgen.circuit.blocks.kit import Kit
from netgen.circuit.netlist import Module
from netgen.netlist import SimulatorOptions
from netgen.netlist.characterisation import ACCURATE
from netgen.netlist.deck import Deck, SourceCurrent, Sweep, Transient, Voltage
from netgen.netlist.write import Writer
from netgen.project import BuildOptions, resolve_options
from netgen.simulators import job_of, run_job
from netgen.technology import technologies

LEADS = (0.2, 0.05, 0.02, 0.01, 0.005, 0.002)
UNIT, LARGER = 1e-9, 2e-9
STEP, END = 20e-3, 60e-3


def measured(pdk: str, lead: float) -> tuple[float, float, float, float]:
    """Return levels of winner and loser before the step, s to the turn, and W."""
    technology, at, unit = resolve_options(BuildOptions(pdk))
    kit = Kit(technology, unit)
    blocks = [m for block in (mirror.BLOCK, wta.BLOCK, REFERENCE) for m in block.modules(kit)]
    smaller = LARGER * (1 - lead)
    lines = [
        Writer(technology).modules(blocks),
        f"Vvdd vdd 0 {at.vdd}",
        "Vwta supply 0 0",
        f"Iref vdd ref {UNIT}",
        "Xref ref 0 bias_diode",
    ]
    for place, (first, then) in enumerate([(LARGER, smaller), (smaller, LARGER)]):
        wave = f"pwl(0 {first} {STEP} {first} {STEP + 1e-4} {then})"
        lines += [
            f"Iin{place} vdd n{place} {wave}",
            f"Xin{place} n{place} 0 bias_diode",
            f"Xp{place} n{place} p{place} vdd 0 {mirror.TO_P}",
            f"Xw{place} p{place} ref common w{place} own 0 {wta.CLASS}",
        ]
    lines += [f"Xbias common ref 0 {wta.BIAS}", "Vown vdd own 0"]
    levels = Voltage("w0"), Voltage("w1")
    quantities = (*levels, SourceCurrent("vown"))
    body = "\n".join(line for line in lines if not line.startswith("Vwta"))
    deck = Deck.at(technology, at, "winner-take-all", body, quantities, Transient(STEP / 40, END))
    result = run_job(job_of("wta", deck, SimulatorOptions().retries(), 120.0))
    time, (won, lost) = result.scale, (result[each] / at.vdd for each in levels)
    before = np.searchsorted(time, STEP) - 1
    turned = np.flatnonzero((time > STEP) & (lost > 0.5) & (won < 0.5))
    seconds = float(time[turned[0]] - STEP) if turned.size else float("nan")
    watts = float(np.interp(STEP * 0.9, time, result[SourceCurrent("vown")])) * at.vdd
    return float(won[before]), float(lost[before]), seconds, watts


def with_copies(kit: Kit, division: int) -> Module:
    """Return the comparator with copies so many times longer than a unit."""
    (drawn,) = comparator.BLOCK.modules(kit)
    longer = kit.longer("pmos", division), kit.longer("nmos", division)
    copies = (
        *kit.pmos(comparator.SOURCE, "node", "line", size=longer[0]),
        *kit.nmos(comparator.SINK, "node", "other", size=longer[1]),
    )
    names = comparator.SOURCE, comparator.SINK
    others = (device for device in drawn.devices if device.name not in names)
    return replace(drawn, devices=(*copies, *others))


def compared(
    pdk: str, division: int, sources: Sequence[str], analysis: Sweep | Transient
) -> tuple[Floats, Floats, Floats]:
    """Return points, the first level as a share of the supply, and W; of two sources' currents."""
    technology, at, unit = resolve_options(BuildOptions(pdk))
    kit = Kit(technology, unit)
    blocks = [m for block in (mirror.BLOCK, REFERENCE) for m in block.modules(kit)]
    lines = [
        Writer(technology).modules([*blocks, with_copies(kit, division)]),
        f"Vvdd vdd 0 {at.vdd}",
        "Vratio ratio 0 1",
        f"Iref vdd ref {UNIT}",
        "Xref ref 0 bias_diode",
        *sources,
        *(f"Xin{place} n{place} 0 bias_diode" for place in (0, 1)),
        f"Xp0 n0 p0 vdd 0 {mirror.TO_P}",
        f"Xcompared p0 n1 ref w0 w1 own 0 {comparator.COMPARATOR}",
        "Vown vdd own 0",
    ]
    seen = Voltage("w0"), SourceCurrent("vown")
    deck = Deck.at(technology, at, "comparator", "\n".join(lines), seen, analysis)
    result = run_job(job_of("comparator", deck, ACCURATE.retries(), 120.0))
    return result.scale, result[seen[0]] / at.vdd, result[seen[1]] * at.vdd


def turning_lead(pdk: str, division: int, level: float) -> float:
    """Return the lead of the first current, which may be negative, at which a comparator turns."""
    sources = f"Iin0 vdd n0 {level}", f"Bin1 vdd n1 i={level}*v(ratio)"
    ratio, first, _ = compared(pdk, division, sources, Sweep("Vratio", 0.5, 1.5, 0.002))
    low = np.flatnonzero(first < 0.5)
    return 1 - float(ratio[low[0]]) if low.size else float("nan")


def turning_time(pdk: str, lead: float) -> tuple[float, float]:
    """Return s from a step that turns a lead round to the turn, and W before it."""
    smaller = LARGER * (1 - lead)
    sources = [
        f"Iin{place} vdd n{place} pwl(0 {first} {STEP} {first} {STEP + 1e-4} {then})"
        for place, (first, then) in enumerate([(LARGER, smaller), (smaller, LARGER)])
    ]
    time, first, watts = compared(pdk, 1, sources, Transient(STEP / 40, END))
    turned = np.flatnonzero((time > STEP) & (first < 0.5))
    seconds = float(time[turned[0]] - STEP) if turned.size else float("nan")
    return seconds, float(np.interp(STEP * 0.9, time, watts))


def main() -> None:
    """Print one line a technology and lead."""
    print("pdk        lead   winner  loser   turn ms  power nW")
    for pdk in sys.argv[1:] or technologies():
        for lead in LEADS:
            won, lost, seconds, watts = measured(pdk, lead)
            levels, turn = f"{won:7.3f} {lost:7.3f}", f"{seconds * 1e3:8.2f}"
            print(f"{pdk:10} {lead:5.1%} {levels} {turn} {watts * 1e9:8.2f}")
        for division in (1, wta.DIVISION):
            turns = (f"{turning_lead(pdk, division, level):+.1%}" for level in (0.3e-9, LARGER))
            print(
                f"{pdk:10} comparator, copies {division} times as long: turns at {', '.join(turns)}"
            )
        for lead in LEADS[:4]:
            seconds, watts = turning_time(pdk, lead)
            print(f"{pdk:10} comparator {lead:5.1%} {seconds * 1e3:8.2f} ms {watts * 1e9:8.2f} nW")


if __name__ == "__main__":
    main()
