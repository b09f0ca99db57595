"""The behavioural twin: the software model with the characterised errors of every device."""

from netgen.behavioural.run import Twin, TwinResult

__all__ = ["Twin", "TwinResult"]
