"""A simulator of another make, found by an entry point: it evaluates the software model.

It has its own statements and its own names of quantities, and needs neither ngspice nor PySpice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fake_tools import FakeSimulator

from netgen.errors import SimulationError
from netgen.model import Model
from netgen.netlist import Deck, Quantity, SimulatorOptions
from netgen.netlist.netlister import SpiceNetlister
from netgen.simulators import Attempt, Finding, Job, Response, Waveforms
from netgen.simulators.port import Capability


class BehaviouralNetlister(SpiceNetlister):
    suffix = ".behaviour"
    mark = "*"

    def settings(self, deck: Deck, options: SimulatorOptions) -> Iterator[str]:
        yield f".accuracy {options.reltol}"

    def outputs(self, quantities: Sequence[Quantity]) -> Iterator[str]:
        yield from (f".observe {self.name(quantity)}" for quantity in quantities)

    def name(self, quantity: Quantity) -> str:
        return f"<{quantity}>"


@dataclass(eq=False)
class BehaviouralSession:
    """Evaluates a model for what the sources of a deck say."""

    model: Model
    texts: list[str]
    version: str = "behaviour-1"
    alive: bool = True

    def ask(self, job: Job, attempt: Attempt) -> Response:
        if not job.name.startswith("sample"):
            return Response("load", f"{job.name}: networks only", 0.0, (), np.empty((0, 0)))
        self.texts.append(attempt.netlist)
        fake = FakeSimulator(Path())
        fake.model = self.model
        result = fake.answer(job)
        assert isinstance(result, Waveforms)
        rows = np.stack([result.scale, *result.vectors.values()])
        return Response("", "", 0.01, tuple(result.vectors), rows)

    def interrupt(self) -> None:
        self.alive = False

    def kill(self) -> None:
        self.alive = False


class BrokenSession(BehaviouralSession):
    """Takes no deck."""

    def ask(self, job: Job, attempt: Attempt) -> Response:
        return Response("load", "no such element", 0.01, (), np.empty((0, 0)), "behaviour: what?")


@dataclass(eq=False)
class Behavioural:
    model: Model | None = None
    texts: list[str] = field(default_factory=list)
    broken: bool = False
    name: str = "behaviour"
    capabilities: frozenset[Capability] = frozenset()
    netlister: SpiceNetlister = field(default_factory=BehaviouralNetlister)

    def start(self) -> BehaviouralSession:
        assert self.model is not None
        return (BrokenSession if self.broken else BehaviouralSession)(self.model, self.texts)

    def packages(self) -> Mapping[str, str]:
        return {"behaviour-package": "2.0"}

    def write_raw(self, path: Path, waveforms: Waveforms, title: str) -> None:
        raise SimulationError("raw", "has no waveform files")

    def diagnose(self) -> Iterator[Finding]:
        yield Finding(self.name, "ok", "always there")


SIMULATOR = Behavioural()
