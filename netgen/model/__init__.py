"""The model room: format, validation, the reference software model and its samples."""

from netgen.model.cell import Cell, cell_class, switched
from netgen.model.graph import (
    INPUT,
    Add,
    Linear,
    Model,
    Node,
    Readout,
    Relu,
    is_signed,
    op_of,
    sources,
    to_dict,
)
from netgen.model.load import from_dict, load_model
from netgen.model.operations import model_schema
from netgen.model.random import random_model
from netgen.model.reference import decide, evaluate, margin, node_value, states_before
from netgen.model.samples import Samples, check_samples, load_samples, pick_indices

__all__ = [
    "INPUT",
    "Add",
    "Cell",
    "Linear",
    "Model",
    "Node",
    "Readout",
    "Relu",
    "Samples",
    "cell_class",
    "check_samples",
    "decide",
    "evaluate",
    "from_dict",
    "is_signed",
    "load_model",
    "load_samples",
    "margin",
    "model_schema",
    "node_value",
    "op_of",
    "pick_indices",
    "random_model",
    "sources",
    "states_before",
    "switched",
    "to_dict",
]
