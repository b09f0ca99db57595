"""Programmable bias currents: weighted unit devices against a ladder that divides a current.

    python benchmarks/dac.py [PDK ...]

Each DAC of 6 bits gives .55 ... 1.8 of its nominal current into 0.4 V. Steps are in units of the
mean step. Stated are gate area, the steps of the nominal DAC (one below 0 is not monotonic), its
ends, its largest error, and of DACs with mismatch the standard deviation of the worst step, that
of the nominal current, and the share that is monotonic.
"""

from __future__ import annotations

import sys

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.blocks.dac import DacRange, ProgrammableBias, bit_ports
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.netlist import Device, Instance, Module
from netgen.errors import SimulationError
from netgen.netlist import shift_words
from netgen.netlist.characterisation import ACCURATE
from netgen.netlist.deck import Deck, SourceCurrent, Sweep
from netgen.netlist.library import shiftable, trimmed
from netgen.netlist.models import models_text
from netgen.netlist.partition import sizes
from netgen.netlist.workbench import Drive
from netgen.netlist.write import Writer
from netgen.project import BuildOptions, resolve_options
from netgen.simulators import job_of, run_job
from netgen.technology import Geometry, Variation, sample_deviations, technologies

CURRENTS = (10e-12, 100e-12, 1e-9, 2e-9)
CHIPS = 30
TOGETHER = 8
"""DACs in one simulation: with all of them SKY130 did not end in ten minutes on a busy machine."""
SPAN = DacRange()
OUT = 0.4


def ladder(kit: Kit) -> Module:
    """Return a ladder of unit PMOS (Bult and Geelen, IEEE JSSC 27 (1992) 1730).

    Its range is divided by series and shunt devices of one size, the shunt's second device being
    one of the two switches of its bit; the fixed part is a mirror of its own.
    """
    unit = kit.technology.unit_of("pmos", kit.unit)
    steps = SPAN.steps

    def wide(share: float) -> Geometry:
        return Geometry(kit.technology.snap(unit.width * share), unit.length)

    devices: list[tuple[Device, ...]] = [
        kit.pmos("diode", "line", "line"),
        kit.pmos("fixed", "out", "line", size=wide(SPAN.fixed / steps)),
        kit.pmos("range", "n5", "line", size=wide((SPAN.last + 1) / steps)),
    ]
    for place in reversed(range(SPAN.bits)):
        here, last = f"n{place}", place == 0
        devices.append(kit.pmos(f"shunt{place}", f"m{place}", "vss", here))
        devices.append(kit.pmos(f"on{place}", "out", f"bit{place}_b", f"m{place}"))
        devices.append(kit.pmos(f"off{place}", "vss", f"bit{place}", f"m{place}"))
        devices.append(kit.pmos(f"series{place}", "end" if last else f"n{place - 1}", "vss", here))
    devices.append(kit.pmos("end", "vss", "vss", "end"))
    bits = " ".join(f"{name} {name.removesuffix('_b')}" for name in bit_ports(SPAN))
    return module("ladder", f"line out {bits} vdd vss", "dac", *devices)


def area(made: Module) -> float:
    """Return the gate area, µm²."""
    sizes = (each.geometry for each in made.devices)
    return sum(each.width * each.length * each.multiplicity for each in sizes) * 1e12


def simulated(
    pdk: str, kind: str, amperes: float, chips: range, temperature: float | None
) -> Floats:
    """Return currents of some DACs, A, (chips, codes): chip 0 is nominal."""
    technology, at, unit = resolve_options(BuildOptions(pdk, temperature=temperature))
    kit = Kit(technology, unit)
    (made,) = ProgrammableBias(SPAN).modules(kit) if kind == "weighted" else (ladder(kit),)
    writer = Writer(technology, {made.name: made}, deviating=True)
    codes = np.arange(SPAN.last + 1)
    frames: Floats = codes.astype(np.float64)
    lines = [writer.modules([made]), f"Vvdd vdd 0 {at.vdd}", "Vvss vss 0 0", "Vframe frame 0 0"]
    for place, low in enumerate(bit_ports(SPAN)):
        bit = (codes >> place) & 1
        for net, level in ((low, 1 - bit), (low.removesuffix("_b"), bit)):
            lines.append(
                f"B{net} {net} 0 v={Drive(frames, (at.vdd * level).astype(np.float64)).table}"
            )
    share = SPAN.copied if kind == "weighted" else 1.0
    names = {f"x{chip}.{each.name}": each for chip in range(CHIPS + 1) for each in made.devices}
    drawn = sample_deviations(technology, Variation(1), names, 0, 1)
    shifts = shift_words(
        {name: value[0] * (not name.startswith("x0.")) for name, value in drawn.items()}
    )
    for chip in chips:
        ports = [f"line{chip}", f"out{chip}", *made.ports[2:]]
        lines += [
            f"I{chip} line{chip} 0 {amperes * share}",
            f"Vout{chip} out{chip} 0 {OUT}",
            writer.element(Instance(f"x{chip}", made.name, tuple(ports), "dac", "", 0)).shifted(
                shifts
            ),
        ]
    quantities = tuple(SourceCurrent(f"vout{chip}") for chip in chips)
    models = tuple(device.model for device in technology.devices.values())
    library = shiftable(
        trimmed(models_text(technology, at), models, technology.digest), models, technology.name
    )
    text = library.text(sizes(made.devices))
    sweep = Sweep("Vframe", 0, SPAN.last, 1, end=SPAN.last)
    found = Deck.at(technology, at, kind, "\n".join(lines), quantities, sweep, (), text)
    result = run_job(job_of(kind, found, ACCURATE.retries(), 600.0))
    return np.array([result[each] for each in quantities])


def row(pdk: str, kind: str, amperes: float, temperature: float | None) -> str:
    """Return what is said of a DAC."""
    technology, _, unit = resolve_options(BuildOptions(pdk))
    kit = Kit(technology, unit)
    (made,) = ProgrammableBias(SPAN).modules(kit) if kind == "weighted" else (ladder(kit),)
    parts = (range(CHIPS + 1)[first : first + TOGETHER] for first in range(0, CHIPS + 1, TOGETHER))
    found = np.concatenate([simulated(pdk, kind, amperes, p, temperature) for p in parts])
    step = np.diff(found, axis=1) / (np.ptp(found, axis=1)[:, np.newaxis] / SPAN.last)
    nominal, chips = step[0] - 1, step[1:] - 1
    ideal = np.exp(SPAN.logs(np.arange(SPAN.last + 1))) * amperes
    error = found[0] / ideal - 1
    sigma = chips.std(axis=0).max()
    gain = np.log(found[1:, SPAN.nominal] / found[0, SPAN.nominal]).std()
    return (
        f"{pdk:10} {kind:9} {amperes * 1e12:6.0f} pA {area(made):5.0f} um2 "
        f"step {1 + nominal.min():.3f} ... {1 + nominal.max():.3f}  "
        f"ends {found[0, 0] / amperes:.3f} {found[0, -1] / amperes:.3f} "
        f"error {np.abs(error).max():6.2%}  sigma step {sigma:.2f} "
        f"current {gain:.2%} monotonic {(chips > -1).all(axis=1).mean():4.0%}"
    )


def main() -> None:
    """Print one line a technology, kind and current."""
    for pdk in sys.argv[1:] or technologies():
        for kind in ("weighted", "ladder"):
            for amperes, celsius in (*((each, None) for each in CURRENTS), (CURRENTS[0], 85.0)):
                try:
                    line = row(pdk, kind, amperes, celsius)
                except SimulationError as problem:  # a size that the PDK's models do not cover
                    line = f"{pdk:10} {kind:9} {amperes * 1e12:6.0f} pA {problem}"
                print(line, "" if celsius is None else f"{celsius:g} C", flush=True)


if __name__ == "__main__":
    main()
