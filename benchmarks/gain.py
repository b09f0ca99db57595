"""The gain of mirrors against ngspice on the devices that circuits are drawn with.

    python benchmarks/gain.py                          the bundled examples
    python benchmarks/gain.py MODEL.json …             models of yours
    python benchmarks/gain.py --pdk sky130 MODEL.json  in another technology

Every drawn mirror is measured alone, at signal currents and drain voltages between those that are
characterised: a readout's at half the supply, a ReLU row's over all voltages of its diode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from netgen.characterise.mirrors import mirror_gains
from netgen.circuit import GateNet
from netgen.model import load_model
from netgen.netlist.characterisation import MirrorUnderTest
from netgen.project import BuildOptions, Design, design
from netgen.project.build import bench_of
from netgen.technology import Geometry, Polarity

EXAMPLES = Path(__file__).parent.parent / "examples"
CURRENTS = (0.0101, 8.3)
"""Range of signal currents, units."""
LEAKAGE = 0.03
"""Below this signal current, in units, leakage takes its share."""
_GATE_NETS: tuple[GateNet, ...] = ("n", "p")


@dataclass(frozen=True)
class Drawn:
    """A mirror as it is drawn: the gate net that its signal's diode defines, and its row."""

    gate_net: GateNet
    polarity: Polarity
    geometry: Geometry
    relu: bool


@dataclass(frozen=True, eq=False)
class Errors:
    """Gain over ngspice's, less 1: (currents, drains) of each mirror."""

    mirrors: tuple[Drawn, ...]
    units: NDArray[np.float64]
    values: tuple[NDArray[np.float64], ...]


def drawn_mirrors(made: Design) -> tuple[Drawn, ...]:
    """Return the different mirrors of a circuit."""
    found: dict[Drawn, None] = {}
    for layer in made.circuit.summing_layers:
        for mirrors in layer.mirrors:
            assert mirrors.geometry is not None
            gate_net = made.circuit.defined_by(mirrors.source)
            for row, column in np.argwhere(mirrors.geometry.multiplicity > 0).tolist():
                polarity: Polarity = "pmos" if mirrors.weight[row, column] > 0 else "nmos"
                geometry = mirrors.geometry.at(row, column)
                found[Drawn(gate_net, polarity, geometry, layer.kind == "relu")] = None
    return tuple(found)


def gain_errors(made: Design, currents: int = 29, drains: int = 7) -> Errors:
    """Measure the mirrors of a circuit at so many currents and drain voltages."""
    tables, amperes = made.known.mirrors, made.circuit.model.unit_current
    low, high = (float(np.log(limit * amperes)) for limit in CURRENTS)
    logs = np.linspace(low, high, currents)
    half = made.conditions.vdd / 2
    where = {
        True: np.linspace(tables.diode[0], tables.diode[-1], drains),
        False: np.array([half - 1e-3, half]),
    }
    mirrors = drawn_mirrors(made)
    bench = bench_of(made.technology, made.conditions, made.circuit.unit, amperes, kept=False)
    values = []
    for relu, volts in where.items():
        own = [each for each in mirrors if each.relu == relu]
        tests = [
            MirrorUnderTest(1 + _GATE_NETS.index(e.gate_net), e.polarity, e.geometry) for e in own
        ]
        if not own:
            continue
        measured = mirror_gains(bench, tests, logs, volts).gain
        for each, gain in zip(own, measured, strict=True):
            at_points = np.exp(logs)[:, np.newaxis], volts[np.newaxis]
            said = tables.of_one(each.gate_net, each.polarity, each.geometry, *at_points)
            values.append(said / gain - 1)
    ordered = sorted(mirrors, key=lambda each: not each.relu)
    return Errors(tuple(ordered), np.exp(logs) / amperes, tuple(values))


def kinds(made: Design, errors: Errors) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the errors of each kind of mirror."""
    low = errors.units < LEAKAGE
    labels = [
        ("N" if m.polarity == "nmos" else "P")
        + (", in series" if made.technology.series(m.geometry.length) > 1 else "")
        for m in errors.mirrors
    ]
    for label in sorted(set(labels)):
        own = [v[~low].ravel() for k, v in zip(labels, errors.values, strict=True) if k == label]
        yield label, np.concatenate(own)
    yield f"below {LEAKAGE:g} units", np.concatenate([v[low].ravel() for v in errors.values])
    yield "all", np.concatenate([v.ravel() for v in errors.values])


@click.command()
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option("--pdk", default=None, help="Technology.")
def main(models: tuple[Path, ...], pdk: str | None) -> None:
    """Print median, 95 % and worst error of the gain by kind of mirror."""
    for path in models or tuple(sorted(EXAMPLES.glob("*/model.json"))):
        made = design(load_model(path), BuildOptions(pdk))
        errors = gain_errors(made)
        print(f"{made.circuit.model.name}, {made.technology.name}: {len(errors.mirrors)} mirrors")
        for label, values in kinds(made, errors):
            size = np.abs(values)
            print(
                f"  {label:18} {values.size:7} points   median {np.median(size):.4%}   "
                f"95 % {np.quantile(size, 0.95):.3%}   worst {size.max():.3%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
