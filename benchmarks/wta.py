"""The winner-take-all by itself: who gets the bias at which lead, how soon, for which power.

    python benchmarks/wta.py [PDK ...]

Two classes at 2 nA, the second less by a lead; then the lead turns round in a step. Levels are
shares of the supply; the time is from the step to where the new winner's output passes half of it.
"""

from __future__ import annotations

import sys

import numpy as np

from netgen.circuit.blocks import mirror, wta
from netgen.circuit.blocks.bias import BLOCK as REFERENCE
from netgen.circuit.blocks.kit import Kit
from netgen.netlist import SimulatorOptions
from netgen.netlist.deck import Deck, SourceCurrent, Transient, Voltage
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


def main() -> None:
    """Print one line a technology and lead."""
    print("pdk        lead   winner  loser   turn ms  power nW")
    for pdk in sys.argv[1:] or technologies():
        for lead in LEADS:
            won, lost, seconds, watts = measured(pdk, lead)
            levels, turn = f"{won:7.3f} {lost:7.3f}", f"{seconds * 1e3:8.2f}"
            print(f"{pdk:10} {lead:5.1%} {levels} {turn} {watts * 1e9:8.2f}")


if __name__ == "__main__":
    main()
