"""A build handed over to other tools: decks to run by hand, netlists, schematics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from netgen.arrays import Floats
from netgen.circuit.netlist import ports_for_biases
from netgen.circuit.nets import output_nets
from netgen.errors import ConfigurationError, UsageError
from netgen.netlist import READOUT, Deck, SimulatorOptions, SpiceNetlister, Workbench, testbench
from netgen.netlist.testbench import EDGE, InputSource, input_sources, startup
from netgen.netlist.write import cdl_body, network_body
from netgen.netlist.xschem import Surroundings, drawing
from netgen.project.folder import EXPORTS
from netgen.project.reading import Build
from netgen.project.results import results, write_results
from netgen.project.runs import read_runs
from netgen.project.simulate import workbench
from netgen.simulators.dialects import DIALECTS
from netgen.sizing import calibration_inputs
from netgen.units import spice

Target: TypeAlias = Literal["ngspice", "xyce", "spectre", "spice", "cdl", "xschem"]
TARGETS: tuple[Target, ...] = ("ngspice", "xyce", "spectre", "spice", "cdl", "xschem")
"""What a build is handed over as: decks for simulators, netlists, schematics."""
FORMATS = ("spice", "cdl")
"""Of these, netlists of the circuit alone."""
MODELS, BODY = "models.cir", "netlist.cir"


def export(
    build: Build,
    to: Collection[Target],
    output: Path | None = None,
    sample: int | None = None,
    nodes: bool = False,
    replacing: bool = False,
) -> tuple[list[Path], list[Path]]:
    """Write a build for other tools; return the files written, and edited ones, moved aside.

    Files that need each other lie in one folder and name no place outside of it.

    Parameters
    ----------
    output
        The folder; None: ``export`` in the build's own.
    sample
        The simulated sample that decks run; None: the first, or a stand-in if there is none.
    nodes
        Whether decks save the voltage of every net.
    replacing
        Whether the user asks to replace what was exported of another model.

    Raises
    ------
    UsageError
        The folder cannot be used or holds what was exported of another model, there is no such
        sample, or ngspice cannot place the network.
    ConfigurationError
        Nothing was simulated yet, or xschem cannot draw what was edited.
    """
    path = build.folder.path / EXPORTS if output is None else output
    handover = _Handover(build, sample, nodes)
    files: dict[str, str] = {}
    for target in to:
        files |= handover.files(target)
    with results(path, EXPORTS, build.model.name, replacing):
        kept = write_results(path, EXPORTS, files, of=build.identity)
    return [path / name for name in files], kept


@dataclass(frozen=True)
class _Run:
    """The sample that decks run, as it was simulated where it was."""

    x: Floats
    title: str
    stem: str
    edge: float
    options: SimulatorOptions


@dataclass(frozen=True, eq=False)
class _Handover:
    build: Build
    sample: int | None
    nodes: bool

    @cached_property
    def run(self) -> _Run:
        model = self.build.model
        options = SimulatorOptions().scaled(model.unit_current)
        if self.sample is None and not self.build.folder.index.is_file():
            x = calibration_inputs(model, 1)[0]
            return _Run(x, f"{model.name}, inputs made up", "made_up", EDGE, options)
        runs, sample = read_runs(self.build), self.sample or 0
        if sample >= len(runs.samples):
            raise UsageError(f"--sample {sample}: there are {len(runs.samples)}, counted from 0")
        edge = EDGE
        if runs.holds(sample):
            traces = runs.traces(sample)
            edge = traces.input_edge / model.frame_period
            options = dict(options.retries()).get(traces.attempt, options)
        stem = f"sample_{sample:04d}"
        return _Run(runs.samples.x[sample], f"{model.name}, sample {sample}", stem, edge, options)

    @cached_property
    def bench(self) -> Workbench:
        """The same workbench as the simulation's."""
        bench = workbench(self.build, "monolithic")
        return replace(bench, nodes=self.nodes)

    def files(self, target: Target) -> Mapping[str, str]:
        """Return the files of a target by their names."""
        network, technology = self.bench.network, self.bench.technology
        if target == "spice":
            return {"network.spice": network_body(ports_for_biases(network.netlist), technology)}
        if target == "cdl":
            return {"network.cdl": cdl_body(network.netlist, technology)}
        if target == "xschem":
            return {f"xschem/{name}": text for name, text in self.drawing().items()}
        if target == "ngspice":  # one file with all that it needs: the deck that netgen runs
            network.check_placeable()
            bench = replace(self.bench, edge=self.run.edge)
            deck = bench.whole(self.run.title, self.run.x)
            return {f"{self.run.stem}.cir": self.netlister.text(deck, self.run.options)}
        dialect = DIALECTS[target]
        text = dialect.text(self.plain, self.run.options)
        return {f"{self.run.stem}{dialect.suffix}": text, MODELS: self.models, BODY: network.text}

    @cached_property
    def netlister(self) -> SpiceNetlister:
        """Writes ngspice decks that run and plot by themselves."""
        return DIALECTS["ngspice"].by_hand(self.run.stem, self.bench.probes.nodes[READOUT])

    @property
    def models(self) -> str:
        return self.bench.models(self.bench.network.sizes) + "\n"

    @property
    def plain(self) -> Deck:
        """The deck of the network's file, with models from another file."""
        bench, run = self.bench, self.run
        where = bench.circuit, bench.technology, bench.conditions
        deck = testbench(*where, run.x, Path(BODY), run.title, run.edge)
        quantities = (*deck.quantities, *bench.voltages)
        return replace(deck, models=f'.include "{MODELS}"', quantities=quantities)

    def drawing(self) -> Mapping[str, str]:
        """Return symbols and schematics for xschem, and the models."""
        bench, run = self.bench, self.run
        netlist, circuit = bench.network.netlist, bench.circuit
        if netlist.statements:
            text = netlist.statements[0].text
            problem = f"holds {text!r:.60}, which has no symbol; leave out --to xschem"
            raise ConfigurationError(netlist.source, [problem])
        half = spice(bench.conditions.vdd / 2)
        sources = [InputSource(net, half) for net in output_nets(circuit)]
        sources += startup(circuit, bench.conditions.vdd)
        deck = self.plain
        text = "\n".join((
            *self.netlister.head(deck, run.options), *self.netlister.outputs(deck.quantities),
            self.netlister.analysis(deck.analysis, run.options), *self.netlister.script(),
        ))  # fmt: skip
        currents = input_sources(circuit, run.x, run.edge)
        around = Surroundings(bench.conditions.vdd, currents, sources, text)
        return {MODELS: self.models} | drawing(netlist, bench.technology, around)
