"""``netgen import``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import click
import numpy as np

from netgen.arrays import Array
from netgen.commands.options import PATH, UnitOptions, unit_options
from netgen.errors import SamplesError, UsageError
from netgen.files import taken, write_whole
from netgen.frontends import Settings, read_model, rescale, signed_channels
from netgen.model import Model, Samples, check_samples, to_dict
from netgen.model.graph import Rule
from netgen.model.load import RULES
from netgen.model.samples import _read_npz
from netgen.project.runs import samples_file
from netgen.units import counted


@click.command("import")
@click.argument("file", type=PATH, metavar="FILE")
@click.option("-o", "--output", type=PATH, required=True, metavar="MODEL.json")
@click.option("--name", metavar="NAME", help="Of the model.  [default: the file's]")
@click.option("--classes", metavar="A,B,…", help="Names of the outputs.  [default: class0, …]")
@unit_options
@click.option(
    "--input-max",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="X",
    help="Largest magnitude of an input.",
)
@click.option("--signed", is_flag=True, help="Inputs may be negative: two rectified channels each.")
@click.option("--rule", type=click.Choice(RULES), default="mean", show_default=True)
@click.option(
    "--frames",
    type=(int, int),
    metavar="A B",
    help="Frames A … B − 1 decide.  [default: all of --samples, without it one]",
)
@click.option(
    "--samples",
    type=PATH,
    metavar="IN.npz",
    help="Inputs of the network, x (samples, channels) or (samples, frames, channels), perhaps y: "
    "rescales the currents exactly and writes MODEL-samples.npz for netgen.",
)
def import_command(
    file: Path,
    output: Path,
    name: str | None,
    classes: str | None,
    units: UnitOptions,
    input_max: float,
    signed: bool,
    rule: str,
    frames: tuple[int, int] | None,
    samples: Path | None,
) -> None:
    """Write the network of FILE (ONNX) as a model."""
    written = output.with_name(f"{output.stem}-samples.npz")
    current, period = units.unit_current, units.frame_period
    arrays = None if samples is None else _arrays(samples)
    if frames is not None and not 0 <= frames[0] < frames[1]:
        raise UsageError(f"--frames {frames[0]} {frames[1]}: wanted A B with 0 ≤ A < B")
    if frames is None:
        frames = (0, 1 if arrays is None or arrays["x"].ndim < 3 else arrays["x"].shape[1])
    settings = Settings(
        name or file.stem,
        None if classes is None else tuple(classes.split(",")),
        1e-9 if current is None else current * 1e-9,
        0.01 if period is None else period * 1e-3,
        input_max,
        signed,
        cast(Rule, rule),
        frames,
    )
    model = read_model(file, settings)
    files: dict[Path, bytes] = {}
    factor = 1.0
    if arrays is not None:
        checked = _samples(str(samples), arrays, model, signed)
        model, factor = rescale(model, checked.x)
        files[written] = samples_file(checked)
    files[output] = (json.dumps(to_dict(model)) + "\n").encode()
    for path, content in files.items():  # what an import that was killed left is the same
        if taken(path, content):
            raise UsageError(f"{path} is there already; choose another with -o")
    for path, content in files.items():
        write_whole(path, content)
    if arrays is not None:
        click.echo(f"{written}: {counted(len(checked), 'samples')}")
    if factor != 1.0:
        click.echo(f"logits are {factor:.4g} times those of {file}; decisions are the same")
    classes = counted(len(model.classes), "classes")
    click.echo(f"{output}: {counted(model.input_size, 'inputs')}, {classes}")


def _arrays(path: Path) -> Mapping[str, Array]:
    """Read the network's own inputs."""
    arrays = _read_npz(path)
    if "x" not in arrays:
        raise SamplesError(str(path), ["has no array 'x' (samples, channels)"])
    x = arrays["x"]
    if x.dtype.kind not in "fiub" or x.size == 0:
        shape = " × ".join(map(str, x.shape))
        problem = f"x: is {x.dtype} of {shape}; wanted real numbers (samples, frames, channels)"
        raise SamplesError(str(path), [problem])
    return arrays


def _samples(path: str, arrays: Mapping[str, Array], model: Model, signed: bool) -> Samples:
    """Return inputs as the model takes them."""
    x = np.asarray(arrays["x"], dtype=np.float64)
    if x.ndim == 2:
        x = np.repeat(x[:, np.newaxis], model.readout.stop, axis=1)
    if signed:
        x = signed_channels(x)
    elif x.ndim == 3 and (x < 0).any():
        sample, _, channel = np.argwhere(x < 0)[0]
        problem = f"sample {sample}, channel {channel}: {x[x < 0][0]:g} is negative"
        raise SamplesError(path, [f"{problem}; --signed gives every channel two inputs"])
    largest = float(x[np.isfinite(x)].max(initial=0))
    if largest > model.input_max:
        problem = f"x: the largest input, {largest:g}, is above --input-max {model.input_max:g}"
        raise SamplesError(path, [f"{problem}; state the largest that can come"])
    return check_samples(x, arrays.get("y"), None, model, path)
