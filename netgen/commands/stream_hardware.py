"""``netgen stream`` by chips and by the circuit, beside the software."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from netgen._version import __version__
from netgen.commands.output import followed
from netgen.document import Json
from netgen.model import Model, Samples
from netgen.model.graph import Floats
from netgen.project import BuildOptions, SimulationChoices, build, read_build
from netgen.project.results import write_results
from netgen.project.studies.stream import (
    TWIN_FRAMES,
    Segment,
    TwinStream,
    circuit_stream,
    part_of,
)
from netgen.schema import head
from netgen.simulators import key
from netgen.technology import Variation
from netgen.training.alarms import Word, count_alarms, detect, same, voiced
from netgen.training.frontend import FRAME_PERIOD
from netgen.training.stream import Detection, DetectionRule, Software

KIND = "stream"
SECONDS = 200
"""Of the sound that a circuit is sized with."""


@dataclass(frozen=True, eq=False)
class Listening:
    """A stream that software has heard."""

    model: Model
    #: ``x``, ``logits``: inputs, (frames, channels), and the readout by software, (frames,
    #: classes).
    x: NDArray[np.float32]
    logits: Floats
    #: ``rule``, ``offset``: when a class counts as detected.
    rule: DetectionRule
    offset: float
    output: Path  #: The folder for results.
    calibration: Samples | None = None  #: What the circuit is sized with; None: the sound itself.

    def detections(self, logits: Floats) -> list[Detection]:
        """Return the detections in a readout, (frames, classes)."""
        return detect(logits, self.rule, self.offset)

    @cached_property
    def sized_with(self) -> Samples:
        """Samples that the circuit is sized with: seconds spread over the sound, if none are given.

        A circuit that is sized with other currents than it will hear is less exact where it is
        heard, and no reset ends what a state keeps of that.
        """
        if self.calibration is not None:
            return self.calibration
        length = min(len(self.x), round(1 / FRAME_PERIOD))
        count = min(SECONDS, len(self.x) // length)
        firsts = np.linspace(0, len(self.x) - length, count).astype(np.intp)
        x = np.stack([self.x[first : first + length] for first in firsts]).astype(np.float64)
        return Samples(x, None, tuple(f"frame {first}" for first in firsts))

    def write(self, name: str, entries: object) -> None:
        """Write a file of results; those of another model, sound or rule are removed."""
        sound, sized_with = self.x.tobytes(), self.sized_with.x.tobytes()
        of = key(self.model.digest, sound, self.rule, self.offset, sized_with)
        text = json.dumps(entries, indent=1) + "\n"
        write_results(self.output, KIND, {name: text}, of)


def frames_of(first: float, last: float) -> tuple[int, int]:
    """Return the first frame of two seconds of a stream, and the one behind their last."""
    return round(first / FRAME_PERIOD), round(last / FRAME_PERIOD)


def listen_by_chips(
    listening: Listening, variation: Variation, chips: int, spoken: Sequence[Word]
) -> None:
    """Let the nominal circuit and ``chips`` chips listen, by their twins, and write chips.json."""
    folder = listening.output / "circuit"
    build(listening.model, folder, BuildOptions(), listening.sized_with)
    opened = read_build(folder)
    twins = [TwinStream(opened, None, 1), TwinStream(opened, variation, chips)]
    parts: list[Floats] = []
    chunks = range(0, len(listening.x), TWIN_FRAMES)
    for first in followed(chunks, "chips", len(chunks)):
        x = listening.x[first : first + TWIN_FRAMES].astype(np.float64)
        parts.append(np.concatenate([twin.push(x) for twin in twins]).astype(np.float32))
    logits = np.concatenate(parts, axis=1)
    software = listening.detections(listening.logits)
    counts = [_of_chip(listening, of_chip, software, spoken) for of_chip in logits]
    names = ["nominal", *range(chips)]
    entries = [{"chip": name} | record for name, record in zip(names, counts, strict=True)]
    about = {"netgen": __version__, "seed": variation.seed, "detections_software": len(software)}
    document = head("stream-chips") | about | {"chips": entries}
    listening.write("chips.json", document)
    _say_chips(counts[0], counts[1:], len(software), len(listening.x) * FRAME_PERIOD / 3600)
    click.echo(f"{listening.output / 'chips.json'}")


def _of_chip(
    listening: Listening, logits: Floats, software: Sequence[Detection], spoken: Sequence[Word]
) -> dict[str, int]:
    detections = listening.detections(logits)
    record = {"detections": len(detections), "as_software": same(software, detections)}
    if spoken:
        seconds = len(logits) * FRAME_PERIOD
        alarms = count_alarms(detections, spoken, listening.model.classes, seconds)
        record |= {"missed": alarms.missed, "keywords": alarms.words, "false_alarms": alarms.false}
    return record


def _say_chips(
    nominal: Mapping[str, int], chips: Sequence[Mapping[str, int]], software: int, hours: float
) -> None:
    click.echo(
        f"software: {software} detections; the nominal circuit by its twin: "
        f"{nominal['detections']}, {nominal['as_software']} the same"
    )
    whole = sum(chip["as_software"] == chip["detections"] == software for chip in chips)
    click.echo(f"chips with exactly the detections of software: {whole} of {len(chips)}")
    if "missed" in nominal:
        missed = np.array([chip["missed"] for chip in chips])
        false = np.array([chip["false_alarms"] for chip in chips]) / hours
        click.echo(
            f"  of {nominal['keywords']} keywords missed: {missed.mean():.1f} on average, "
            f"{missed.max()} at worst; false alarms an hour: {false.mean():.2f} on average, "
            f"{false.max():.2f} at worst"
        )


def listen_by_circuit(
    listening: Listening, first: float, last: float, part: float, words: Sequence[Word]
) -> None:
    """Take seconds ``first`` to ``last`` through ngspice; compare, and write a record of it."""
    model = listening.model
    start, stop = frames_of(first, last)
    x = listening.x[start:stop].astype(np.float64)
    before = Software(model)
    before.push(listening.x[:start])
    frames = max(1, round(part / FRAME_PERIOD))
    folder = listening.output / f"seconds-{first:g}-{last:g}"
    pieces = circuit_stream(
        model, x, dict(before.states), folder, BuildOptions(), SimulationChoices(jobs=1), frames,
        listening.sized_with,
    )  # fmt: skip
    segments = list(followed(pieces, "circuit", -(-len(x) // frames)))
    logits = np.concatenate([piece.logits for piece in segments])
    # the first part's build starts in the states that software had
    of_twin = TwinStream(read_build(part_of(folder, 0)), None, 1).push(x)[0]
    software, circuit, twin = (
        listening.detections(each) for each in (listening.logits[start:stop], logits, of_twin)
    )
    right = np.mean(logits.argmax(axis=1) == listening.logits[start:stop].argmax(axis=1))
    states = _states_agree(model, before, x, segments)
    power = np.concatenate([piece.power_w for piece in segments])
    spoken = voiced(words, len(listening.x))[start:stop]
    apart = {
        name: float(power[frames].mean())
        for name, frames in (("speech", spoken), ("between", ~spoken))
        if words and frames.any()
    }
    record = {
        **head("stream-circuit"),
        "netgen": __version__,
        "seconds": [first, last],
        "part_s": part,
        "detections_software": [_entry(model, each, first) for each in software],
        "detections_circuit": [_entry(model, each, first) for each in circuit],
        "detections_twin": [_entry(model, each, first) for each in twin],
        "the_same": same(software, circuit),
        "twin_the_same": same(twin, circuit),
        "frames_agree": float(right),
        "states_agree": states,
        "power_w": [float(piece.power_w.mean()) for piece in segments],
        "power_of_w": apart,
    }
    name = f"seconds-{first:g}-{last:g}.json"
    listening.write(name, record)
    click.echo(
        f"circuit, {first:g} … {last:g} s: {len(circuit)} detections, twin {len(twin)}, "
        f"{record['twin_the_same']} the same, software {len(software)}, "
        f"{record['the_same']} the same; frames {100 * right:.2f} %, states {100 * states:.3f} %, "
        f"{1e9 * float(power.mean()):.1f} nW"
        + "".join(f", {name} {1e9 * watts:.1f} nW" for name, watts in apart.items())
    )
    click.echo(f"{listening.output / name}")


def _states_agree(model: Model, before: Software, x: Floats, segments: Sequence[Segment]) -> float:
    """Return the share of states that are those of software; ``before`` is taken on over x."""
    equal = total = 0
    history = before.history(x)
    for cell in model.cells:
        circuit = np.concatenate([piece.states[cell.name] for piece in segments])
        equal += int(np.sum(circuit == history[cell.name]))
        total += circuit.size
    return equal / total


def _entry(model: Model, detection: Detection, first: float) -> Json:
    return {"time_s": round(first + detection.time, 3), "class": model.classes[detection.label]}
