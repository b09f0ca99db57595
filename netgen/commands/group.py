"""The ``netgen`` command: its subcommands, and how errors turn into exit statuses."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import click

from netgen._version import __version__
from netgen.commands.failures import INTERRUPTED, OUTPUT_GONE, UNFORESEEN, expected, unforeseen
from netgen.commands.machine import prepare_machine
from netgen.commands.output import with_output
from netgen.commands.streams import OutputGone, abandon_output, owns_streams, prepare_streams
from netgen.errors import NetgenError

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
    "trim": ("netgen.commands.trim", "Find the codes of chips' programmable bias currents."),
    "verify": ("netgen.commands.verify", "Measure each mirror and cell of a build; no samples."),
    "compare": ("netgen.commands.compare", "Compare circuit and software; write the report."),
    "run": ("netgen.commands.run", "Build, simulate and compare in one."),
    "sweep": ("netgen.commands.sweep", "Try unit currents, supplies and frame periods."),
    "power": ("netgen.commands.power", "Say where the supply power goes, and the area."),
    "scaling": ("netgen.commands.scaling", "Predict how power and area grow with the size."),
    "export": ("netgen.commands.export", "Hand the circuit over to other tools."),
    "layout": ("netgen.commands.layout", "Draw the circuit: GDS, checked by rules and LVS."),
    "tapeout": ("netgen.commands.tapeout", "Fill a shuttle's tile with the circuit."),
    "synth": ("netgen.commands.synth", "Speak a keyword corpus with espeak-ng."),
    "train": ("netgen.commands.train", "Train a model on recordings, hardened for its circuit."),
    "listen": ("netgen.commands.listen", "Decide what a sound file says, by software or circuit."),
    "init": ("netgen.commands.init", "Write a small model with notes to start from."),
    "schema": ("netgen.commands.schema", "Print the JSON Schema of a file format."),
    "doctor": ("netgen.commands.doctor", "Say what is installed, and how to mend what is not."),
    "stream": ("netgen.commands.stream", "Listen to sound that does not end."),
    "noise": ("netgen.commands.noise", "Say what noise does to decisions and states."),
}
"""Name → module (which has the command as ``NAME_command``) and the line ``--help`` shows."""


class LazyGroup(click.Group):
    """Imports a subcommand's module only when that subcommand runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        prepare_machine()
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return with_output(cmd_name, command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; click has its own ideas of what some errors mean."""
        try:
            return super().invoke(ctx)
        except (OSError, EOFError) as error:
            raise _Raised(error) from error

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run, and end with the exit status of the contract."""
        if options.get("standalone_mode") is False:
            return super().main(args, *rest, **options)
        silent = {**options, "standalone_mode": False}
        sys.exit(_status(lambda: super(LazyGroup, self).main(args, *rest, **silent)))


class _Raised(Exception):
    """Carries an exception past click."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(error)


def _status(command: Callable[[], object]) -> int:
    """Run a command, tell of what went wrong, and return the exit status."""
    try:
        prepare_streams()
        status = command()
        sys.stdout.flush()  # here, where an error can still be told
    except SystemExit as end:
        status = end.code
    except click.exceptions.Exit as end:
        status = end.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _ignore_interrupts()
        _tell(["interrupted"])
        status = INTERRUPTED
    except OutputGone:
        abandon_output()
        status = OUTPUT_GONE
    except Exception as caught:
        status = _tell_of(caught.error if isinstance(caught, _Raised) else caught)
    _ignore_interrupts()
    return status if isinstance(status, int) else 0


def _ignore_interrupts() -> None:
    """Let the end that is under way come: Python itself answers Ctrl-C with a traceback then."""
    if owns_streams():
        with suppress(ValueError):  # not the main thread: Ctrl-C is not ours
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _tell_of(error: Exception) -> int:
    """Tell of an exception and return its exit status."""
    known = error if isinstance(error, NetgenError) else expected(error)
    if isinstance(error, OSError):
        abandon_output()  # it may be the output that cannot be written
    if known is None:
        _tell(unforeseen(error))
        return UNFORESEEN
    _tell(str(known).splitlines())
    return known.exit_status


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(f"netgen: {line}", err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="netgen")
def main() -> None:
    """From a trained recurrent network to the transistor circuit that computes the same.

    \b
    Exit status: 0 fine · 1 circuit and software disagree · 2 wrong usage ·
    3 bad model, samples or configuration · 4 a tool or PDK is missing ·
    5 a simulation failed, or the machine did (disk, memory, threads) ·
    70 an unforeseen error: a fault in netgen · 130 interrupted ·
    141 nobody reads the output any more

    \b
    NETGEN_TRACEBACK=1 in the environment shows the traceback of an unforeseen error.
    """
