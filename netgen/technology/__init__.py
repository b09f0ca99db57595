"""The technology room: a PDK as data, and where its model files are installed."""

from netgen.technology.bins import ONE_MODEL, Models, models_of, with_bins
from netgen.technology.data import (
    POLARITIES,
    Device,
    Geometry,
    Mismatch,
    Polarity,
    Spread,
    Technology,
)
from netgen.technology.load import default_technology, load_technology, preferred, technologies
from netgen.technology.variation import Transistor, Variation, draw, normals

__all__ = [
    "ONE_MODEL",
    "POLARITIES",
    "Device",
    "Geometry",
    "Mismatch",
    "Models",
    "Polarity",
    "Spread",
    "Technology",
    "Transistor",
    "Variation",
    "default_technology",
    "draw",
    "load_technology",
    "models_of",
    "normals",
    "preferred",
    "technologies",
    "with_bins",
]
