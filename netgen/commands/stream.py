"""``netgen stream``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click
import numpy as np
from numpy.typing import NDArray

from netgen._version import __version__
from netgen.commands.options import PATH, integer_option, model_argument, replace_option
from netgen.commands.output import progress, warn
from netgen.commands.stream_hardware import (
    KIND,
    Listening,
    frames_of,
    listen_by_chips,
    listen_by_circuit,
)
from netgen.document import Json
from netgen.errors import InputError, UsageError, cannot_write
from netgen.files import write_whole
from netgen.model import Model, load_model, load_samples
from netgen.model.graph import Floats
from netgen.project.results import results
from netgen.schema import head
from netgen.technology import Variation
from netgen.training.alarms import Alarms, Point, Word, best_point, curve, detect, read_labels
from netgen.training.audio import Sound, is_cut_short
from netgen.training.features import FeatureMap, feature_map
from netgen.training.frontend import FRAME_PERIOD
from netgen.training.sources import (
    MICROPHONE,
    PIPE,
    duration,
    files_of,
    microphone,
    raw_sound,
    sound_of,
)
from netgen.training.stream import Detection, DetectionRule, Software, Trigger, inputs_of
from netgen.units import counted


@click.command("stream")
@model_argument
@click.argument("sounds", nargs=-1, required=True, type=PATH, metavar="AUDIO...")
@click.option(
    "--labels", type=PATH, metavar="FILE", help="What is said: START, END (s) and TEXT, by tabs."
)
@integer_option("--votes", default=16, metavar="K")
@integer_option("--frames", default=30, help="A class is detected with K votes in N frames.")
@click.option(
    "--refractory", type=click.FloatRange(min=0), default=1.0, show_default=True, metavar="S",
    help="Seconds before the next detection.",
)  # fmt: skip
@click.option(
    "--offset", type=float, default=0.0, show_default=True, metavar="UNITS",
    help="Moves the keywords' constants of the readout: a bias current of the circuit.",
)  # fmt: skip
@integer_option(
    "--rate",
    least=1000,
    metavar="Hz",
    help="Of raw PCM from a pipe, 16 bit little-endian mono.  [default: the model's]",
)
@click.option("--json", "record", type=PATH, metavar="FILE", help="Write detections, one a line.")
@click.option("--curve", "curve_file", type=PATH, metavar="FILE", help="Write the curve as JSON.")
@integer_option("--chips", help="Let N chips listen too, by their behavioural twins (with -o).")
@integer_option("--seed", least=0, default=1, help="Of chips.")
@click.option(
    "--circuit",
    "window",
    metavar="A:B",
    help="Take these seconds through the circuit in ngspice too (with -o).",
)
@click.option(
    "--part",
    type=click.FloatRange(min=0.05),
    default=10.0,
    show_default=True,
    metavar="S",
    help="Seconds of one transient; an interrupted stream goes on behind the last one.",
)
@click.option(
    "--calibration",
    type=PATH,
    metavar="SAMPLES.npz",
    help="Samples that the circuit is sized with.  [default: seconds of the sound itself]",
)
@click.option(
    "-o", "--output", type=PATH, metavar="DIR", help="The folder for --chips and --circuit."
)
@replace_option
@click.option(
    "--most", type=click.FloatRange(min=0), default=0.5, show_default=True, metavar="RATE",
    help="False alarms an hour that are allowed where misses are stated.",
)  # fmt: skip
def stream_command(
    model: Path,
    sounds: tuple[Path, ...],
    labels: Path | None,
    votes: int,
    frames: int,
    refractory: float,
    offset: float,
    rate: int | None,
    record: Path | None,
    curve_file: Path | None,
    chips: int | None,
    seed: int,
    window: str | None,
    part: float,
    calibration: Path | None,
    output: Path | None,
    replace: bool,
    most: float,
) -> None:
    """Listen to sound that does not end, and print what is detected and when.

    AUDIO is files of any length one after the other, folders of them, - for raw PCM from a pipe,
    or mic. The states of the network are never reset. With --labels, misses are compared with
    false alarms as the keywords' bias currents move. Chips and the circuit hear the same stream;
    their detections are compared with those of the software.
    """
    if votes > frames:
        raise UsageError(f"--votes {votes} is more than --frames {frames}")
    live = str(sounds[0]) in (PIPE, MICROPHONE)
    if live and (len(sounds) > 1 or labels is not None):
        raise UsageError(f"{sounds[0]} is one source without --labels; name files for those")
    if rate is not None and str(sounds[0]) != PIPE:
        raise UsageError(f"--rate is of raw PCM from a pipe ({PIPE}); files have their own")
    if curve_file is not None:
        _refuse_curve(curve_file, labels, record)
    hardware = chips is not None or window is not None
    if hardware and (output is None or live):
        raise UsageError("--chips and --circuit need files, and -o DIR")
    if calibration is not None and not hardware:
        raise UsageError("--calibration is for --chips and --circuit")
    seconds = None if window is None else _seconds(window)
    loaded = load_model(model)
    sized_with = None if calibration is None else load_samples(calibration, loaded)
    mapping = feature_map(loaded, str(model))
    rule = DetectionRule(frames, votes, round(refractory / FRAME_PERIOD))
    spoken = [] if labels is None else read_labels(labels)
    written_to = output if hardware else None
    with results(written_to, KIND, loaded.name, replace) if written_to else nullcontext():
        with ExitStack() as stack:
            written = None if record is None else stack.enter_context(_opened(record))
            source = _live(str(sounds[0]), mapping.rate, rate) if live else None
            if source is None:
                files = files_of(sounds)
                ends = duration(files)
                for path in filter(is_cut_short, files):
                    warn(f"{path} is cut short: its header names more sound than there is")
                _refuse_words_after(ends, spoken, labels)
                _refuse_seconds_after(math.ceil(ends / FRAME_PERIOD), seconds)
                bar = stack.enter_context(progress("listening", round(ends)))
                source = _counted(sound_of(files, mapping.rate), mapping.rate, bar.update)
            listened = _listen(loaded, source, mapping, rule, offset, written, keep=hardware)
            if not len(listened.logits):
                raise InputError(str(sounds[0]), ["holds no sound that lasts a frame"])
            _refuse_seconds_after(len(listened.logits), seconds)
        if labels is not None:
            _compare(listened.logits, spoken, loaded, rule, offset, most, curve_file)
        if output is not None:
            listening = Listening(
                loaded, listened.x, listened.logits, rule, offset, output, sized_with
            )
            if chips is not None:
                listen_by_chips(listening, Variation(seed, True, False), chips, spoken)
            if seconds is not None:
                listen_by_circuit(listening, *seconds, part, spoken)


def _seconds(window: str) -> tuple[float, float]:
    try:
        first, last = (float(each) for each in window.split(":"))
    except ValueError:
        raise UsageError(f"--circuit {window}: wanted A:B in seconds, such as 60:120") from None
    if not 0 <= first < last < np.inf or not range(*frames_of(first, last)):
        raise UsageError(f"--circuit {window}: wanted 0 ≤ A < B, a frame (10 ms) apart or more")
    return first, last


def _refuse_seconds_after(frames: int, seconds: tuple[float, float] | None) -> None:
    if seconds is not None and frames_of(*seconds)[1] > frames:
        window = ":".join(f"{each:g}" for each in seconds)
        raise UsageError(f"--circuit {window}: the sound ends at {frames * FRAME_PERIOD:.3f} s")


def _refuse_curve(curve_file: Path, labels: Path | None, record: Path | None) -> None:
    """Refuse a curve that could not be written when the stream has been heard."""
    if labels is None:
        raise UsageError("--curve compares with what is said; add --labels")
    if curve_file == record:
        raise UsageError(f"{curve_file}: is --json too; choose another --curve")
    if curve_file.exists():
        raise UsageError(f"{curve_file}: is there already; choose another --curve")
    if not curve_file.parent.is_dir():
        raise UsageError(
            f"{curve_file}: its folder is not there; make it, or choose another --curve"
        )


def _refuse_words_after(seconds: float, spoken: list[Word], labels: Path | None) -> None:
    """Refuse words that nobody can hear: they would count as missed."""
    late = [word.start for word in spoken if word.start >= seconds]
    if late:
        what = f"a word at {min(late):g} s, and the sound ends at {seconds:.3f} s"
        raise InputError(str(labels), [f"{what}; name the labels of this sound"])


def _compare(
    logits: Floats,
    spoken: list[Word],
    model: Model,
    rule: DetectionRule,
    offset: float,
    most: float,
    curve_file: Path | None,
) -> None:
    detection = detect(logits, rule, offset)
    points = curve(logits, spoken, model.classes, rule)
    here = curve(logits, spoken, model.classes, rule, (offset,))[0]
    _say_alarms(model, here, points, most, len(detection))
    if curve_file is not None:
        records = [_record(point, model.unit_current) for point in points]
        document = head("stream-curve") | {"netgen": __version__, "points": records}
        text = json.dumps(document, indent=1)
        write_whole(curve_file, f"{text}\n")
        click.echo(f"{curve_file}")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Give a new file, which does not stay where nothing was written before an error."""
    if path.exists() and (not path.is_file() or path.stat().st_size):
        raise UsageError(f"{path}: is there already; choose another --json")
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from None
    try:
        with file:
            yield file
    except BaseException:  # Ctrl-C, too
        if not path.stat().st_size:
            path.unlink()
        raise


def _live(name: str, rate: int, source_rate: int | None) -> Iterator[Sound]:
    if name == MICROPHONE:
        return microphone(rate)
    return raw_sound(sys.stdin.buffer, rate, source_rate or rate)


def _counted(source: Iterator[Sound], rate: int, advance: Callable[[int], None]) -> Iterator[Sound]:
    """Hand the sound on and move a bar by whole seconds."""
    done = 0.0
    for sound in source:
        yield sound
        before, done = int(done), done + len(sound) / rate
        advance(int(done) - before)


@dataclass(frozen=True, eq=False)
class _StreamReadout:
    logits: Floats
    x: NDArray[np.float32]


def _listen(
    model: Model,
    source: Iterator[Sound],
    mapping: FeatureMap,
    rule: DetectionRule,
    offset: float,
    record: TextIO | None,
    keep: bool,
) -> _StreamReadout:
    """Print detections as they come and return the whole readout, and inputs where asked for."""
    network, trigger = Software(model), Trigger(rule, len(model.classes))
    moved = np.where(np.arange(len(model.classes)) == 0, 0.0, offset)
    parts: list[Floats] = []
    inputs: list[NDArray[np.float32]] = []
    for x in inputs_of(mapping, source):
        logits = network.push(x)
        if keep:
            inputs.append(x)
        parts.append(logits.astype(np.float32))
        for detection in trigger.push(logits + moved):
            _say(model, detection, rule, record)
    kept = np.concatenate(inputs) if keep else np.zeros((0, model.input_size), dtype=np.float32)
    return _StreamReadout(np.concatenate(parts).astype(np.float64), kept)


def _say(model: Model, detection: Detection, rule: DetectionRule, record: TextIO | None) -> None:
    name = model.classes[detection.label]
    click.echo(f"{detection.time:10.2f} s  {name}  ({detection.votes} of {rule.frames} frames)")
    if record is not None:
        entry = {"time_s": round(detection.time, 3), "frame": detection.frame, "class": name}
        line = head("stream-detection") | entry | {"votes": detection.votes}
        record.write(json.dumps(line) + "\n")
        record.flush()


def _say_alarms(
    model: Model, here: Point, points: list[Point], most: float, detections: int
) -> None:
    alarms = here.alarms
    click.echo(
        f"{alarms.hours:.2f} h, {counted(alarms.words, 'keywords')}, "
        f"{counted(detections, 'detections')}: {_both(alarms)}"
    )
    if not alarms.words:
        warn(f"the labels name none of {', '.join(model.classes[1:])}: no misses are counted")
        return
    best = best_point(points, most)
    if best is None:
        click.echo(f"no bias current gives {most:g} false alarms an hour or fewer")
        return
    current = best.offset * model.unit_current * 1e9
    click.echo(
        f"at {most:g} false alarms an hour or fewer: keyword constants moved by "
        f"{best.offset:+g} units ({current:+.3g} nA): {_both(best.alarms)}"
    )


def _both(alarms: Alarms) -> str:
    low, high = alarms.miss_interval
    missed = (
        f"{alarms.missed} missed ({100 * alarms.miss_share:.1f} %, 95 %: {100 * low:.1f} … "
        f"{100 * high:.1f} %), "
    )
    return (
        f"{missed if alarms.words else ''}{alarms.false} false alarms ({alarms.rate:.2f} an hour, "
        f"below {alarms.rate_bound:.2f} with 95 %)"
    )


def _record(point: Point, unit: float) -> dict[str, Json]:
    alarms = point.alarms
    return {
        "offset_units": point.offset,
        "offset_a": point.offset * unit,
        "keywords": alarms.words,
        "missed": alarms.missed,
        "miss_share": alarms.miss_share if alarms.words else None,
        "miss_interval": list(alarms.miss_interval),
        "false_alarms": alarms.false,
        "hours": alarms.hours,
        "false_alarms_an_hour": alarms.rate,
        "false_alarms_an_hour_bound": alarms.rate_bound,
    }
