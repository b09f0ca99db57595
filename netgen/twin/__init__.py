"""The behavioural twin: the software model with the characterised errors of every device."""

from netgen.twin.run import Twin, TwinResult

__all__ = ["Twin", "TwinResult"]
