"""The technology room: a PDK as data, and where its model files are installed."""

from netgen.technology.bins import ONE_MODEL, Models, models_of, with_bins
from netgen.technology.data import (
    POLARITIES,
    DeviceModel,
    Geometry,
    Polarity,
    Technology,
    scaled,
    size_name,
    size_names,
    sizes_of,
    with_sizes,
)
from netgen.technology.load import (
    default_technology,
    load_technology,
    pdk_root,
    preferred,
    technologies,
)
from netgen.technology.variation import Transistor, Variation, sample_deviations

__all__ = [
    "ONE_MODEL",
    "POLARITIES",
    "DeviceModel",
    "Geometry",
    "Models",
    "Polarity",
    "Technology",
    "Transistor",
    "Variation",
    "default_technology",
    "load_technology",
    "models_of",
    "pdk_root",
    "preferred",
    "sample_deviations",
    "scaled",
    "size_name",
    "size_names",
    "sizes_of",
    "technologies",
    "with_bins",
    "with_sizes",
]
