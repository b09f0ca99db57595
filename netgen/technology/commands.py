"""What ngspice would execute in a text that it only should simulate.

ngspice runs ``.control`` blocks, and comments that begin with ``*#``, as commands of its shell as
soon as it reads them, in a deck and in every file that one includes; its code model ``d_process``
starts a program. netgen writes none of them, so whatever holds one is refused, not cleaned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from netgen.errors import ConfigurationError

# ngspice skips what stands before a word, and PySpice ends a line at any of these characters.
_COMMAND = re.compile(
    r"(?:\A|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])[\s\x00-\x20\x7f]*(\.(?:control|exec)|\*#)"
    r"|(d_process)",
    re.IGNORECASE,
)
# ".inc" is all that ngspice looks at; of a quoted name with spaces it takes all, or the first word.
_INCLUDED = re.compile(
    r"""^[\s\x00-\x20]*\.(?:inc|lib)[^\s"']*\s*(?:"([^"\n]+)"|'([^'\n]+)'|(?=\S))["']?([^"'\s]+)?""",
    re.IGNORECASE | re.MULTILINE,
)


def command_in(text: str) -> tuple[int, str] | None:
    """Return line and word of the first command in a text; None where there is none."""
    match = _COMMAND.search(text)
    if match is None:
        return None
    group = match.lastindex or 0
    return text.count("\n", 0, match.start(group)) + 1, match[group]


def included(text: str, folder: Path) -> Iterator[Path]:
    """Yield every file that ngspice may read for the ``.include`` and ``.lib`` of a text.

    Parameters
    ----------
    folder
        Where the text's own file lies.
    """
    for statement in _INCLUDED.finditer(text):
        names = [name for name in statement.groups() if name]
        names += [statement[0].split(None, 1)[-1].strip("\"'").split()[0]] if names else []
        for name in dict.fromkeys(names):
            yield folder / name
            yield Path("/") / name  # where the simulator's processes run


def check_models(files: Iterable[Path]) -> None:
    """See that model files hold no command.

    Raises
    ------
    ConfigurationError
        One does.
    OSError
        One cannot be read.
    """
    for file in files:
        state = file.stat()
        scanned = _scanned(file, state.st_size, state.st_mtime_ns, state.st_ino)
        if scanned is not None:
            line, word = scanned
            problem = f"line {line}: {word} is a command to ngspice, which netgen never runs"
            raise ConfigurationError(str(file), [f"{problem}; remove it from the models"])


@lru_cache(maxsize=4096)
def _scanned(file: Path, *_: int) -> tuple[int, str] | None:
    return command_in(file.read_bytes().decode("utf-8", "replace"))
