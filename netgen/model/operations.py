"""The model format with the operations of all installed blocks."""

from __future__ import annotations

from netgen.document import Json, list_at, table_at
from netgen.model.cell import realised
from netgen.schema import schema

_STATES: Json = {
    "type": "array",
    "items": {"enum": [0, 1]},
    "description": "States before frame 0; 0 where left out.",
}

_RUNGS: Json = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0},
    "description": "How many rungs of each unit are high before frame 0; 0 where left out.",
}


def _parameter(laddered: bool) -> dict[str, Json]:
    positive: dict[str, Json] = {"$ref": "#/$defs/positive"}
    return {"type": "array", "minItems": 1, "items": positive} if laddered else positive


def model_schema() -> dict[str, Json]:
    """Return the JSON Schema of models, with the operations that other packages bring.

    Raises
    ------
    ConfigurationError
        An installed block cannot be loaded.
    """
    whole = schema("model")
    definitions = dict(table_at(whole, "$defs"))
    node, usual = table_at(definitions, "node"), table_at(definitions, "relu", "properties")
    known = list(list_at(node, "properties", "op", "enum"))
    choices = list(list_at(node, "oneOf"))
    for op, block in realised().items():
        if op in definitions:
            continue
        kind = block.operation
        parameters: dict[str, Json] = {
            each.key: {**_parameter(kind.laddered), "description": each.meaning}
            for each in kind.parameters
        }
        if kind.memory:
            parameters["initial_state"] = _RUNGS if kind.laddered else _STATES
        properties: dict[str, Json] = {
            **usual,
            "op": {**table_at(usual, "op"), "const": op},
            **parameters,
        }
        defined: dict[str, Json] = {
            "type": "object",
            "description": f"An operation of the block {type(block).__module__}.",
            "required": [*usual, *(each.key for each in kind.parameters)],
            "additionalProperties": False,
            "properties": properties,
        }
        definitions[op] = defined
        known.append(op)
        choices.append({"$ref": f"#/$defs/{op}"})
    inner = table_at(node, "properties")
    operation = {**table_at(inner, "op"), "enum": known}
    definitions["node"] = {**node, "properties": {**inner, "op": operation}, "oneOf": choices}
    return {**whole, "$defs": definitions}
