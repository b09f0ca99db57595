"""The technology room: a PDK as data, and where its model files are installed."""

from netgen.technology.bins import ONE_MODEL, Models, models_of, with_bins
from netgen.technology.data import (
    POLARITIES,
    DeviceModel,
    Geometry,
    Mismatch,
    Polarity,
    ProcessSpread,
    Technology,
    UnitMirror,
    scaled,
    sizes_of,
    with_sizes,
)
from netgen.technology.load import default_technology, load_technology, preferred, technologies
from netgen.technology.variation import Transistor, Variation, normals, sample_deviations

__all__ = [
    "ONE_MODEL",
    "POLARITIES",
    "DeviceModel",
    "Geometry",
    "Mismatch",
    "Models",
    "Polarity",
    "ProcessSpread",
    "Technology",
    "Transistor",
    "UnitMirror",
    "Variation",
    "default_technology",
    "load_technology",
    "models_of",
    "normals",
    "preferred",
    "sample_deviations",
    "scaled",
    "sizes_of",
    "technologies",
    "with_bins",
    "with_sizes",
]
