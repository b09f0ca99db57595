"""Packages that are optional: what to install for an extra, wherever netgen came from."""

from __future__ import annotations

import re
import shlex
from importlib.metadata import PackageNotFoundError, requires

DISTRIBUTION = "fqnetgen"
_REQUIREMENT = re.compile(r"([^;]+);\s*extra\s*==\s*[\"'](\w+)[\"']")


def install(extra: str) -> str:
    """Return the command that installs the packages of an extra.

    Examples
    --------
    >>> install("onnx")
    "pip install 'onnx>=1.16'"
    """
    try:
        listed = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # not installed as a package: from its source folder
        return f"pip install {shlex.quote(f'.[{extra}]')} in the folder of netgen's source"
    matches = [_REQUIREMENT.fullmatch(requirement) for requirement in listed]
    names = [match[1].strip() for match in matches if match and match[2] == extra]
    return " ".join(["pip install", *map(shlex.quote, names)])
