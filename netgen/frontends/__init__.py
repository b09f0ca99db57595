"""Front ends: models from the tools that people train with."""

from __future__ import annotations

from netgen.frontends.builder import ModelBuilder, Settings, Value, signed_channels
from netgen.frontends.port import FrontEnd, front_ends, read_model
from netgen.frontends.pytorch import from_torch
from netgen.frontends.rescale import rescale

__all__ = [
    "FrontEnd",
    "ModelBuilder",
    "Settings",
    "Value",
    "from_torch",
    "front_ends",
    "read_model",
    "rescale",
    "signed_channels",
]
