"""Standard streams as a command finds them: closed, full, gone, or without the characters."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from netgen.errors import UsageError

PLAIN = "netgen.plain"
"""Name of the handler of characters that a stream's encoding lacks."""
_ASCII = "netgen_ascii"
"""ASCII by another name: click takes an ASCII stream for a mistake and writes UTF-8 into it."""
_STANDARD = (0, 1, 2)
_INSTEAD = {
    "…": "...", "×": "x", "·": "-", "µ": "u", "μ": "u", "°": "deg ", "σ": "sigma", "β": "beta",
    "α": "alpha", "ρ": "rho", "χ": "chi", "–": "-", "—": "-", "−": "-", "≥": ">=", "≤": "<=",
    "→": "->", "±": "+-", "√": "sqrt", "²": "2", "'": "'", "“": '"', "”": '"', "≈": "~", "█": "#",
}  # fmt: skip


class OutputGone(Exception):
    """Nobody reads the output any more: the command ends without a word."""


class _Output(io.TextIOWrapper):
    """Standard output: an error of it says that it is the output's."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _named(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _named(error) from None


class _Errors(io.TextIOWrapper):
    """Standard error: what cannot be told changes nothing."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare_streams() -> None:
    """Make the process's standard streams safe to write to, and its descriptors 0 to 2 taken.

    Without that, the next file to be opened would get the number of a stream that was closed, and
    whatever a library prints would go into it.

    Raises
    ------
    UsageError
        Standard output is closed: nobody would learn what the command says.
    """
    codecs.register_error(PLAIN, _plain)
    codecs.register(_find_codec)
    closed = [fd for fd in _STANDARD if not _is_open(fd)]
    for fd in closed:
        descriptor = os.open(os.devnull, os.O_RDWR)
        os.dup2(descriptor, fd)  # also inherited by the simulator's processes
        if descriptor != fd:
            os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = _nowhere()
    elif sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _Errors(sys.stderr.buffer, _encoding(sys.stderr), PLAIN, line_buffering=True)
    if sys.stdout is None or 1 in closed:
        sys.stdout = _nowhere()
        raise UsageError("standard output is closed; send it to a file, or to /dev/null")
    out = sys.stdout
    if out is sys.__stdout__ and isinstance(out, io.TextIOWrapper):
        often = out.line_buffering
        sys.stdout = _Output(out.buffer, _encoding(out), PLAIN, line_buffering=often)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _encoding(stream: TextIO) -> str:
    name = codecs.lookup(stream.encoding).name
    return _ASCII if name == "ascii" else name


def _find_codec(name: str) -> codecs.CodecInfo | None:
    if name != _ASCII:
        return None
    codec = codecs.lookup("ascii")
    return codecs.CodecInfo(
        codec.encode, codec.decode, codec.streamreader, codec.streamwriter,
        codec.incrementalencoder, codec.incrementaldecoder, name=_ASCII,
    )  # fmt: skip


def owns_streams() -> bool:
    """Tell whether this is a process of netgen's own, and not a caller that captures its output."""
    return isinstance(sys.stdout, _Output)


def abandon_output() -> None:
    """Send what is still buffered for standard output nowhere: the interpreter would try again."""
    if not owns_streams():
        return
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _named(error: OSError) -> Exception:
    if error.errno in (errno.EPIPE, errno.ECONNRESET):
        return OutputGone()
    return OSError(error.errno, error.strerror, "standard output")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write a character that the stream's encoding lacks in plain ones."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if 0xDC80 <= ord(char) <= 0xDCFF:  # a byte of a file's name that is no text
        return bytes([ord(char) - 0xDC00]), error.start + 1
    simple = _INSTEAD.get(char)
    if simple is None:
        decomposed = unicodedata.normalize("NFKD", char)
        simple = "".join(c for c in decomposed if c.isascii() and c.isprintable()) or "?"
    return simple, error.start + 1
