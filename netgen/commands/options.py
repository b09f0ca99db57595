"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from netgen.simulation.engines import AUTO, ENGINES
from netgen.technology import preferred, technologies

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)  # existence is checked where the file is read, with its status

model_argument = click.argument("model", type=PATH, metavar="MODEL.json")
samples_argument = click.argument("samples", type=PATH, metavar="SAMPLES.npz")
folder_argument = click.argument("folder", type=PATH, metavar="DIR")
output_option = click.option(
    "-o", "--output", type=PATH, required=True, metavar="DIR", help="The build folder."
)


def _all(options: list[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


technology_options = _all(
    [
        click.option(
            "--pdk",
            metavar="NAME",
            help=f"The technology: {', '.join(technologies())}.  "
            f"[default: the first installed of {', '.join(preferred())}]",
        ),
        click.option(
            "--technology",
            "pdk_folder",
            type=PATH,
            metavar="PATH",
            help="The folder of a technology of your own, with its technology.toml.",
        ),
        click.option(
            "--corner", metavar="NAME", help="Process corner.  [default: the typical one]"
        ),
        click.option("--temperature", type=float, metavar="°C", help="[default: the models' own]"),
        click.option("--vdd", type=float, metavar="V", help="Supply.  [default: the technology's]"),
        click.option(
            "--unit",
            type=(click.FloatRange(min=0, min_open=True), click.FloatRange(min=0, min_open=True)),
            metavar="W L",
            help="Unit mirror in µm: larger matches better, settles more slowly.  [default: 2 2]",
        ),
    ]
)

simulation_options = _all(
    [
        click.option(
            "--samples", "picked", metavar="A:B", help="Which samples, such as 0:10 or 0,4."
        ),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help="Transients at a time.  [default: all cores]",
        ),
        click.option(
            "--timeout",
            type=float,
            metavar="S",
            help="Seconds allowed for each attempt at a transient.",
        ),
        click.option(
            "--engine",
            type=click.Choice((AUTO, *ENGINES)),
            default=AUTO,
            show_default=True,
            help="The network as one circuit, or in stages; auto chooses by size.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Simulate on the Dask cluster there, such as tcp://host:8786.",
        ),
        click.option("--raw", is_flag=True, help="Keep ngspice .raw files too."),
    ]
)

tolerance_options = _all(
    [
        click.option(
            "--tolerance",
            "limits",
            multiple=True,
            metavar="NAME=VALUE",
            help="Override a tolerance, such as decision_agreement_min=0.95; repeatable.",
        )
    ]
)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
