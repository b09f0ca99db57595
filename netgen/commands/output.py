"""What every command says, and where: quiet or verbose, as JSON, as a summary, into a log."""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

import click

from netgen._version import __version__
from netgen.document import Json
from netgen.progress import LOG, shown
from netgen.schema import head

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

Item = TypeVar("Item")

LOG_FILE = "netgen.log"
"""In a folder that netgen made: what was done to it, and how that ended."""
_MARKS = {"build.json": "build", "netgen-results.json": "results"}
"""Files that netgen marks its folders by, and their schemas."""
_DOCUMENT = "netgen.document"
_QUIET = "netgen.quiet"
_FORMAT = "%(asctime)s %(levelname)s %(message)s"
_TICK = 0.2
_SHORT = 1.5
"""What takes less is not shown, s."""
_LISTED = 10

DOCUMENTS: Mapping[str, str | None] = {
    "check": None,
    "build": "output/build.json",
    "verify": None,
    "compare": "folder/report.json",
    "run": "output/report.json",
    "power": "folder/power.json",
    "twin": "folder/twin.json",
    "variability": None,
    "sweep": "output/sweep.json",
    "scaling": "output/scaling.json",
    "noise": "output/noise.json",
    "train": "output/training.json",
    "layout": "folder/layout/layout.json",
    "trim": None,
    "listen": None,
}
"""Commands with ``--json``: the file that it prints, below the folder of a parameter; None where
the command gives the document itself (:func:`give_document`)."""
SUMMARIES = ("compare", "run")
"""Commands with ``--summary``."""

_COMMON = (
    click.Option(["-q", "--quiet"], is_flag=True, help="Print warnings and errors only."),
    click.Option(["-v", "--verbose"], is_flag=True, help="Print everything, as in the log."),
)
_JSON = click.Option(
    ["--json", "as_json"], is_flag=True, help="Print the figures as JSON; all else goes to stderr."
)
_SUMMARY = click.Option(
    ["--summary"],
    type=click.Choice(["md"]),
    help="Print one table, for a job's summary page; all else goes to stderr.",
)


def give_document(document: Mapping[str, Json]) -> None:
    """Hand over what ``--json`` prints, where the command writes no file of it."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_DOCUMENT] = document


def progress_hidden() -> bool:
    """Tell whether progress is not to be shown: nobody looks at it, or it is not wanted."""
    context = click.get_current_context(silent=True)
    return not sys.stderr.isatty() or (context is not None and context.meta.get(_QUIET, False))


def progress(label: str, length: int) -> ProgressBar[int]:
    """Return a bar on standard error; ``update(n)`` moves it by n of ``length``."""
    return click.progressbar(
        length=length, label=label, file=sys.stderr, show_pos=True, show_eta=True,
        hidden=progress_hidden(),
    )  # fmt: skip


def followed(items: Iterable[Item], label: str, length: int) -> Iterator[Item]:
    """Yield ``length`` items, with a bar that moves with each."""
    with progress(label, length) as bar:
        for item in items:
            yield item
            bar.update(1)


def warn(text: str) -> None:
    """Print a warning on standard error."""
    click.secho(f"warning: {text}", fg="yellow", err=True)


def list_first(entries: Sequence[object], rest: str) -> None:
    """List ten entries of a warning on standard error, and count the ``rest``."""
    for entry in entries[:_LISTED]:
        click.echo(f"  {entry}", err=True)
    if len(entries) > _LISTED:
        click.echo(f"  … and {len(entries) - _LISTED} {rest}", err=True)


def with_output(name: str, command: click.Command) -> click.Command:
    """Return a command with the options that all commands have, or all that print figures."""
    extended = copy.copy(command)
    present = {option.name for option in command.params}
    offered = [*_COMMON, *([_JSON] if name in DOCUMENTS else [])]
    offered += [_SUMMARY] if name in SUMMARIES else []
    extended.params = [*command.params, *(o for o in offered if o.name not in present)]
    work = command.callback
    assert work is not None

    def callback(
        quiet: bool = False,
        verbose: bool = False,
        as_json: bool | None = None,
        summary: str | None = None,
        **params: object,
    ) -> None:
        if "as_json" in present:  # the command's own
            params["as_json"], as_json = as_json, False
        _refuse_not_finite(extended.params, params)
        if as_json and summary:
            raise click.UsageError("--json and --summary are both standard output; give one")
        context = click.get_current_context()
        context.meta[_QUIET] = quiet
        with ExitStack() as stack:
            stack.enter_context(_logged(name, params, verbose))
            stack.enter_context(shown(_shown))
            if as_json or summary:
                stack.enter_context(redirect_stdout(sys.stderr))
            if quiet:
                nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                stack.enter_context(redirect_stdout(nowhere))
            status = _run(lambda: work(**params))
            LOG.info("status %d", status)
        if as_json:
            click.echo(json.dumps(_document(name, params), indent=1, ensure_ascii=False))
        if summary:
            from netgen.report.comparison.summary import summary as table

            click.echo(table(_document(name, params)), nl=False)
        raise click.exceptions.Exit(status)

    extended.callback = callback
    return extended


def _refuse_not_finite(options: Iterable[click.Parameter], params: Mapping[str, object]) -> None:
    """Refuse nan and inf: they pass the range of an option."""
    for option in options:
        value = params.get(str(option.name))
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, float) and not math.isfinite(each):
                raise click.UsageError(f"{option.opts[0]} {each}: not a finite number")


def _run(work: Callable[[], object]) -> int:
    """Run a command and return its exit status."""
    try:
        work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


def _document(name: str, params: Mapping[str, object]) -> Mapping[str, Json]:
    place = DOCUMENTS[name]
    if place is None:
        given: Mapping[str, Json] = click.get_current_context().meta[_DOCUMENT]
        return given
    parameter, _, file = place.partition("/")
    folder = params[parameter]
    assert isinstance(folder, Path)
    document: Mapping[str, Json] = json.loads((folder / file).read_text(encoding="utf-8"))
    return document


@contextmanager
def _logged(name: str, params: Mapping[str, object], verbose: bool) -> Iterator[None]:
    """Write what happens into the log of the command's folder, and on the terminal if verbose."""
    handlers: list[logging.Handler] = []
    folder = _folder_of(params)
    if folder is not None:
        handlers.append(FolderLog(folder))
    if verbose:
        handlers.append(logging.StreamHandler(sys.stderr))
    before = LOG.level
    LOG.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
        LOG.addHandler(handler)
    words = sys.argv[1:] if sys.argv[1:2] == [name] else [name]
    LOG.info("netgen %s, Python %s: netgen %s", __version__, sys.version.split()[0],
             shlex.join(words))  # fmt: skip
    try:
        yield
    except BaseException as error:
        LOG.error("ended by %s: %s", type(error).__name__, str(error).replace("\n", "; "))
        raise
    finally:
        LOG.setLevel(before)
        for handler in handlers:
            LOG.removeHandler(handler)
            handler.close()


def _folder_of(params: Mapping[str, object]) -> Path | None:
    folders = params.get("folders")
    first = folders[0] if isinstance(folders, tuple) and folders else None
    given = params.get("output") or params.get("folder") or first
    return given if isinstance(given, Path) else None


def _is_ours(folder: Path) -> bool:
    """Tell whether netgen made a folder; a file that has the name of a mark is none by that."""
    for mark, kind in _MARKS.items():
        with suppress(OSError, ValueError, AttributeError):
            record = json.loads((folder / mark).read_text("utf-8"))
            if record.get("format") == head(kind)["format"]:
                return True
    return False


class FolderLog(logging.Handler):
    """Appends to a folder's log, once the folder is one that netgen made; keeps lines till then."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._waiting: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; what cannot be written is not worth an error."""
        self._waiting.append(self.format(record))
        if not _is_ours(self._folder):
            return
        text = "".join(f"{line}\n" for line in self._waiting)
        with suppress(OSError):
            path = self._folder / LOG_FILE
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        self._waiting.clear()


@contextmanager
def _shown(what: str, seconds: float) -> Iterator[None]:
    """Show a piece of work, once it takes a while, by the time that it usually takes."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(_QUIET):
        yield
        return
    ended = threading.Event()
    shower = threading.Thread(
        target=_show, args=(ended, what, seconds, sys.stderr, progress_hidden()), daemon=True
    )
    shower.start()
    try:
        yield
    finally:
        ended.set()
        shower.join()


def _show(ended: threading.Event, what: str, seconds: float, stream: TextIO, plain: bool) -> None:
    """Say what is under way: with a bar that moves by the time it usually takes, or in a line."""
    if ended.wait(_SHORT):
        return
    if plain:
        click.echo(f"{what}: takes about {max(seconds, _SHORT):.0f} s …", file=stream)
        return
    length = max(1, round((seconds - _SHORT) / _TICK))
    with click.progressbar(length=length, label=what, file=stream, show_eta=True) as bar:
        while not ended.wait(_TICK):
            if bar.pos < length - 1:  # what takes longer than usual stays just before the end
                bar.update(1)
        bar.update(length - bar.pos)
