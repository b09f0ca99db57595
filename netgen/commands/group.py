"""The ``netgen`` command: its subcommands, and how errors turn into exit statuses."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from netgen._version import __version__
from netgen.errors import NetgenError

INTERRUPTED = 130

COMMANDS = {
    "check": ("netgen.commands.check", "Validate a model and say what the technology can realise."),
    "import": ("netgen.commands.import_", "Turn a network of another tool (ONNX) into a model."),
    "build": ("netgen.commands.build", "Size every device; write netlist and mapping."),
    "sim": ("netgen.commands.sim", "Run samples through the transistors."),
    "variability": (
        "netgen.commands.variability",
        "Analyse the chips and corners of a build: yield, spread, causes.",
    ),
    "twin": ("netgen.commands.twin", "Predict the decisions of thousands of chips in software."),
    "compare": ("netgen.commands.compare", "Compare circuit and software; write the report."),
    "run": ("netgen.commands.run", "Build, simulate and compare in one."),
    "sweep": ("netgen.commands.sweep", "Try unit currents, supplies and frame periods."),
    "power": ("netgen.commands.power", "Say where the supply power goes, and the area."),
    "scaling": ("netgen.commands.scaling", "Predict how power and area grow with the size."),
    "synth": ("netgen.commands.synth", "Speak a keyword corpus with espeak-ng."),
    "train": ("netgen.commands.train", "Train a model on recordings, hardened for its circuit."),
    "listen": ("netgen.commands.listen", "Decide what a sound file says, by software or circuit."),
    "init": ("netgen.commands.init", "Write a small model with notes to start from."),
    "schema": ("netgen.commands.schema", "Print the JSON Schema of a file format."),
    "doctor": ("netgen.commands.doctor", "Say what is installed, and how to mend what is not."),
    "noise": ("netgen.commands.noise", "Say what noise does to decisions and states."),
}
"""Name → module (which has the command under its own name) and the line ``--help`` shows."""


class LazyGroup(click.Group):
    """Imports a subcommand's module only when that subcommand runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, "import_" if cmd_name == "import" else cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run, and end with the exit status of the contract."""
        if options.get("standalone_mode") is False:
            return super().main(args, *rest, **options)
        try:
            status = super().main(args, *rest, **{**options, "standalone_mode": False})
        except click.exceptions.Exit as error:
            status = error.exit_code
        except click.ClickException as error:
            error.show()
            status = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            click.echo("netgen: interrupted", err=True)
            status = INTERRUPTED
        except NetgenError as error:
            for line in str(error).splitlines():
                click.echo(f"netgen: {line}", err=True)
            status = error.exit_status
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our output went away: nobody to tell
            status = 1
        sys.exit(status if isinstance(status, int) else 0)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="netgen")
def main() -> None:
    """From a trained recurrent network to the transistor circuit that computes the same.

    \b
    Exit status: 0 fine · 1 circuit and software disagree · 2 wrong usage ·
    3 bad model, samples or configuration · 4 a tool or PDK is missing ·
    5 a simulation failed · 130 interrupted
    """
