"""The libraries of the extra ``[train]``, imported late so that their absence is a clear error."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from netgen.errors import ToolMissingError
from netgen.extras import install


def need(module: str) -> ModuleType:
    """Import a library of the extra.

    Raises
    ------
    ToolMissingError
        It is not installed, or a library it stands on is not.
    """
    try:
        return import_module(module)
    except (ImportError, OSError) as error:  # soundfile raises OSError without libsndfile
        raise ToolMissingError(
            f"{module} cannot be loaded ({error}); install it with: {install('train')}"
        ) from None
