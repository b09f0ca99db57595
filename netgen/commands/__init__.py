"""The command line: parses, calls and prints; everything heavy is imported when it is needed."""

from __future__ import annotations

from netgen.commands.group import main

__all__ = ["main"]
