"""The model format with the operations of all installed blocks."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from netgen.model.cell import realised
from netgen.schema import schema

_STATES = {
    "type": "array",
    "items": {"enum": [0, 1]},
    "description": "States before frame 0; 0 where left out.",
}


def model_schema() -> dict[str, Any]:
    """Return the JSON Schema of models, with the operations that other packages bring.

    Raises
    ------
    ConfigurationError
        An installed block cannot be loaded.
    """
    found = deepcopy(dict(schema("model")))
    definitions = found["$defs"]
    node, usual = definitions["node"], definitions["relu"]["properties"]
    for op, block in realised().items():
        if op in definitions:
            continue
        kind = block.operation
        parameters: dict[str, Any] = {
            each.key: {"$ref": "#/$defs/positive", "description": each.meaning}
            for each in kind.parameters
        }
        if kind.memory:
            parameters["initial_state"] = _STATES
        definitions[op] = {
            "type": "object",
            "description": f"An operation of the block {type(block).__module__}.",
            "required": [*usual, *(each.key for each in kind.parameters)],
            "additionalProperties": False,
            "properties": {**usual, "op": {**usual["op"], "const": op}, **parameters},
        }
        node["properties"]["op"]["enum"].append(op)
        node["oneOf"].append({"$ref": f"#/$defs/{op}"})
    return found
