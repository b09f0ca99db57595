"""The technology room: a PDK as data, and where its model files are installed."""

from netgen.technology.bins import with_bins
from netgen.technology.data import (
    POLARITIES,
    Device,
    Geometry,
    Mismatch,
    Polarity,
    Technology,
)
from netgen.technology.load import default_technology, load_technology, preferred, technologies

__all__ = [
    "POLARITIES",
    "Device",
    "Geometry",
    "Mismatch",
    "Polarity",
    "Technology",
    "default_technology",
    "load_technology",
    "preferred",
    "technologies",
    "with_bins",
]
