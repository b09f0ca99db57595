"""The foundry's design rules as a second opinion: its KLayout deck, run by KLayout's program."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netgen.errors import ConfigurationError, ToolMissingError
from netgen.layout.process import Process

PROGRAM = "klayout"
TIMEOUT = 3600.0
_CATEGORY = re.compile(r"<category>([^<]+)</category>")


@dataclass(frozen=True)
class DeckResult:
    """What a deck says."""

    categories: int  #: How many rules are in its report: a deck that runs none looks clean.
    errors: Mapping[str, int]  #: Violations by rule.

    @property
    def total(self) -> int:
        """How many violations there are."""
        return sum(self.errors.values())


def run_deck(gds: Path, cell: str, deck: Path, process: Process) -> DeckResult:
    """Run a deck on a layout.

    Raises
    ------
    ToolMissingError
        KLayout's program is not installed.
    ConfigurationError
        The deck fails, or reports fewer rules than a whole one has.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise ToolMissingError(
            "the foundry's rules need the program klayout, which is not installed; "
            "run: apt-get install klayout"
        )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.lyrdb"
        options = {
            "input": str(gds.resolve()),
            "topcell": cell,
            "report": str(report),
            **process.deck_options,
        }
        words = [word for key, value in options.items() for word in ("-rd", f"{key}={value}")]
        command = [program, "-b", "-r", str(deck.resolve()), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=folder
        )
        if not report.is_file():
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise ConfigurationError(str(deck), [f"the deck failed: {last[:200]}"])
        result = _result(report.read_text(encoding="utf-8", errors="replace"))
    if result.categories < process.deck_categories:
        problem = (
            f"reported {result.categories} rules, a whole deck has {process.deck_categories}; "
            "it is no opinion"
        )
        raise ConfigurationError(str(deck), [problem])
    return result


def _result(text: str) -> DeckResult:
    head, _, items = text.partition("<items>")
    errors = Counter(name.strip("'\"") for name in _CATEGORY.findall(items))
    return DeckResult(head.count("<category>"), dict(errors))
