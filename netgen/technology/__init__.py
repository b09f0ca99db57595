"""The technology room: a PDK as data, and where its model files are installed."""

from netgen.technology.data import POLARITIES, Device, Geometry, Polarity, Technology
from netgen.technology.load import DEFAULT, load_technology, technologies

__all__ = [
    "DEFAULT",
    "POLARITIES",
    "Device",
    "Geometry",
    "Polarity",
    "Technology",
    "load_technology",
    "technologies",
]
