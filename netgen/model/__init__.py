"""The model room: format, validation, the reference software model and its samples."""

from netgen.model.graph import (
    INPUT,
    Add,
    Bmru,
    Linear,
    Model,
    Node,
    Readout,
    Relu,
    is_signed,
    sources,
    to_dict,
)
from netgen.model.load import from_dict, load_model
from netgen.model.random import random_model
from netgen.model.reference import (
    decide,
    evaluate,
    hysteresis,
    margin,
    node_value,
    states_before,
    votes,
)
from netgen.model.samples import Samples, check_samples, load_samples, pick_indices

__all__ = [
    "INPUT",
    "Add",
    "Bmru",
    "Linear",
    "Model",
    "Node",
    "Readout",
    "Relu",
    "Samples",
    "check_samples",
    "decide",
    "evaluate",
    "from_dict",
    "hysteresis",
    "is_signed",
    "load_model",
    "load_samples",
    "margin",
    "node_value",
    "pick_indices",
    "random_model",
    "sources",
    "states_before",
    "to_dict",
    "votes",
]
