"""Read and validate a model JSON: every violation at once, each with its path."""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias, get_args

import numpy as np

from netgen.document import Json
from netgen.errors import ModelError
from netgen.keys import decode_json, unknown_keys
from netgen.model.cell import Cell, first_states, realised
from netgen.model.fields import (
    DEEPEST,
    MISSING,
    FieldReader,
    is_whole,
    shown_place,
    shown_value,
    too_deep,
)
from netgen.model.graph import (
    FORMAT,
    INPUT,
    VERSIONS,
    Add,
    Bools,
    Floats,
    Linear,
    Model,
    Node,
    Readout,
    Relu,
    Rule,
)
from netgen.schema import keys, schema
from netgen.units import counted

MODEL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
NODE_NAME = re.compile(r"[A-Za-z0-9_.]{1,100}")
RULES: tuple[Rule, ...] = get_args(Rule)
_LONGEST_INTEGER = 309
"""Digits of the largest number a float holds."""

_SCHEMA = schema("model")
_TOP = keys(_SCHEMA)
_INPUT = keys(_SCHEMA, "properties", "input")
_READOUT = keys(_SCHEMA, "properties", "readout")
_NODE = {op: keys(_SCHEMA, "$defs", op) for op in ("linear", "relu", "add")}


def _keys(op: str) -> tuple[str, ...]:
    return _NODE[op] if op in _NODE else realised()[op].operation.keys()


_NodeAndSize: TypeAlias = tuple[Node | None, int | None]


def load_model(path: Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelError
        The file cannot be read, is not JSON, or violates the format; names every violation.
    """
    source = str(path)
    if zipfile.is_zipfile(path):
        raise ModelError(source, ["is a samples file; the model comes first, then the samples"])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ModelError(source, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ModelError(source, [f"not UTF-8 text (byte {error.start}); is it JSON?"]) from None
    try:
        data, repeated = decode_json(text, _integer)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ModelError(source, [f"not JSON: {error.msg} at {where}"]) from None
    except RecursionError:
        raise ModelError(source, [_TOO_DEEP]) from None
    if repeated:
        raise ModelError(source, repeated)
    return from_dict(data, source)


_TOO_DEEP = f"nested deeper than {DEEPEST} levels; a model needs five"


def _integer(text: str) -> int | float:
    """Read an integer; beyond a float's range it is as good as infinite, and reported so."""
    return int(text) if len(text.lstrip("-")) <= _LONGEST_INTEGER else math.inf


def from_dict(data: object, source: str = "model") -> Model:
    """Validate a decoded JSON object and return the model.

    Raises
    ------
    ModelError
        With every violation, each at its JSON path.
    """
    if too_deep(data):
        raise ModelError(source, [_TOO_DEEP])
    reader = _ModelReader()
    model = reader.model(data)
    if model is None:
        raise ModelError(source, reader.problems)
    return model


class _ModelReader(FieldReader):
    """Walks the object once; what it has read is only used when there are no problems."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[str, int | None] = {}
        self.signed: dict[str, bool] = {}
        self.operations: dict[str, Callable[[dict[str, Json], str, str], _NodeAndSize]] = {
            "linear": self.linear,
            "relu": self.relu,
            **{op: partial(self.cell, block.operation) for op, block in realised().items()},
            "add": self.add,
        }

    def model(self, data: object) -> Model | None:
        spec = self.record(data, "(top level)")
        if spec is None:
            return None
        if spec.get("format") != FORMAT:
            self.say("format", f'must be "{FORMAT}"')
        version = spec.get("version")
        if isinstance(version, bool) or version not in VERSIONS:
            known = ", ".join(map(str, VERSIONS))
            self.say(
                "version", f"{shown_value(version)} is not known; this netgen reads version {known}"
            )
        if self.problems:  # the fields of another format have other meanings
            return None
        self.problems += unknown_keys(spec, _TOP)
        name = self.name(spec.get("name", MISSING), "name", MODEL_NAME, "A-Z a-z 0-9 _ . -")
        unit = self.positive(spec.get("unit_current", MISSING), "unit_current")
        period = self.positive(spec.get("frame_period", MISSING), "frame_period")
        size, largest = self.input(spec.get("input", MISSING))
        self.sizes[INPUT], self.signed[INPUT] = size, False
        nodes = self.nodes(spec.get("nodes", MISSING))
        readout = self.readout(spec.get("readout", MISSING))
        classes = self.classes(spec.get("classes", MISSING), readout)
        meta = self.record(spec.get("meta", {}), "meta")
        self.plain(meta, "meta")
        if self.problems:
            return None
        assert name is not None
        assert unit is not None
        assert period is not None
        assert size is not None
        assert largest is not None
        assert readout is not None
        assert meta is not None
        return Model(
            name=name,
            unit_current=unit,
            frame_period=period,
            input_size=size,
            input_max=largest,
            nodes=tuple(nodes),
            readout=readout,
            classes=classes,
            meta=MappingProxyType(meta),
        )

    def input(self, value: object) -> tuple[int | None, float | None]:
        spec = self.record(value, "input")
        if spec is None:
            return None, None
        self.problems += unknown_keys(spec, _INPUT, "input")
        size = spec.get("size", MISSING)
        if not is_whole(size) or size < 1:
            self.say("input.size", "must be a whole number of at least 1")
            size = None
        return size, self.positive(spec.get("max", MISSING), "input.max")

    def nodes(self, value: object) -> list[Node]:
        if not isinstance(value, list) or not value:
            self.say("nodes", "must be a list of at least one node")
            return []
        nodes = []
        for index, entry in enumerate(value):
            path = f"nodes[{index}]"
            spec = self.record(entry, path)
            if spec is None:
                continue
            name = self.name(
                spec.get("name", MISSING), f"{path}.name", NODE_NAME, "A-Z a-z 0-9 _ ."
            )
            if name in self.sizes:
                self.say(f"{path}.name", f"{shown_value(name)} is taken; node names must be unique")
            op = self.choice(spec.get("op", MISSING), f"{path}.op", tuple(self.operations))
            self.problems += unknown_keys(spec, _keys(op), path) if op else []
            node, size = self.operations[op](spec, path, name or "") if op else (None, None)
            if node is not None:
                nodes.append(node)
            if name:  # a later node may name it: do not report it as unknown as well
                self.sizes.setdefault(name, size)
                self.signed.setdefault(name, op in ("linear", "add"))
        return nodes

    def source(self, value: object, path: str) -> str | None:
        if not isinstance(value, str):
            self.wrong_kind(value, path, "a name")
            return None
        if value not in self.sizes:
            self.say(path, f"{shown_value(value)} is neither {INPUT!r} nor an earlier node")
            return None
        return value

    def linear(self, spec: dict[str, Json], path: str, name: str) -> _NodeAndSize:
        source = self.source(spec.get("input", MISSING), f"{path}.input")
        width = self.sizes[source] if source is not None else None
        bias = self.vector(spec.get("bias", MISSING), f"{path}.bias")
        rows = spec.get("weight", MISSING)
        columns = width, f"the input {source!r}"
        weight = self.matrix(rows, f"{path}.weight", "out × in", (None, ""), columns)
        if not isinstance(rows, list) or not rows:
            return None, None if bias is None else len(bias)
        if bias is not None and len(bias) != len(rows):
            counts = f"{counted(len(bias), 'entries')}; weight has {counted(len(rows), 'rows')}"
            self.say(f"{path}.bias", f"has {counts}")
        if source is None or bias is None or weight is None:
            return None, len(rows)
        return Linear(name, source, weight, bias), len(rows)

    def relu(self, spec: dict[str, Json], path: str, name: str) -> _NodeAndSize:
        source = self.source(spec.get("input", MISSING), f"{path}.input")
        return (None, None) if source is None else (Relu(name, source), self.sizes[source])

    def cell(self, kind: type[Cell], spec: dict[str, Json], path: str, name: str) -> _NodeAndSize:
        source = self.source(spec.get("input", MISSING), f"{path}.input")
        size = self.sizes[source] if source is not None else None
        if source is not None and self.signed[source]:
            self.say(
                f"{path}.input", f"{source!r} is signed; put a relu between it and the {kind.op}"
            )
        what = f"the input {source!r}"
        values: dict[str, Floats] = {}
        rungs, rungs_of = None, ""
        for key in (parameter.key for parameter in kind.parameters):
            value, where = spec.get(key, MISSING), f"{path}.{key}"
            if kind.laddered:
                array = self.matrix(value, where, "units × rungs", (size, what), (rungs, rungs_of))
            else:
                array = self.vector(value, where, size, what)
            if array is None:
                continue
            values[key] = array
            for place in np.argwhere(array <= 0).tolist():
                self.say(where + shown_place(place), f"{array[tuple(place)]:g} must be above 0")
            if size is None:
                size, what = len(array), key
            if kind.laddered and rungs is None:
                rungs, rungs_of = array.shape[1], key
        whole = len(values) == len(kind.parameters)
        for key, trigger, problem in kind.violations(values):
            place = [*divmod(trigger, rungs)] if rungs is not None else [trigger]
            self.say(f"{path}.{key}{shown_place(place)}", problem)
        initial = self.initial_state(spec, f"{path}.initial_state", size, what, rungs or 1)
        if source is None or not whole:
            return None, size
        if initial is None:
            initial = np.zeros(values[kind.level_key].size, dtype=np.bool_)
        initial.setflags(write=False)
        make: Callable[..., Cell] = kind
        return make(name, source, initial_state=initial, **values), size

    def initial_state(
        self, spec: dict[str, Json], path: str, size: int | None, what: str, rungs: int
    ) -> Bools | None:
        if "initial_state" not in spec:
            return None
        vector = self.vector(spec["initial_state"], path, size, what)
        if vector is None:
            return None
        high = vector.astype(np.intp)
        wanted = "0 or 1" if rungs == 1 else f"a whole number of 0 … {rungs}"
        for unit in np.flatnonzero((vector != high) | (high < 0) | (high > rungs)):
            self.say(f"{path}[{unit}]", f"must be {wanted}")
        return first_states(high, rungs)

    def add(self, spec: dict[str, Json], path: str, name: str) -> _NodeAndSize:
        names = spec.get("inputs", MISSING)
        if not isinstance(names, list) or len(names) < 2:
            self.say(f"{path}.inputs", "must be a list of two or more names")
            return None, None
        sources = [self.source(entry, f"{path}.inputs[{i}]") for i, entry in enumerate(names)]
        known = [entry for entry in sources if entry is not None]
        sizes = {entry: self.sizes[entry] for entry in known if self.sizes[entry] is not None}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{entry} has {size}" for entry, size in sizes.items())
            self.say(f"{path}.inputs", f"sizes must agree: {listed}")
        size = next(iter(sizes.values()), None)
        return (Add(name, tuple(known)), size) if len(known) == len(names) else (None, size)

    def readout(self, value: object) -> Readout | None:
        spec = self.record(value, "readout")
        if spec is None:
            return None
        self.problems += unknown_keys(spec, _READOUT, "readout")
        node = spec.get("node", MISSING)
        if not isinstance(node, str):
            self.wrong_kind(node, "readout.node", "a name")
            node = None
        elif node == INPUT or node not in self.sizes:
            self.say("readout.node", f"{shown_value(node)} is not a node")
            node = None
        rule = self.choice(spec.get("rule", MISSING), "readout.rule", RULES)
        frames = spec.get("frames", MISSING)
        if (
            not isinstance(frames, list)
            or len(frames) != 2
            or not all(map(is_whole, frames))
            or not 0 <= frames[0] < frames[1]
        ):
            self.say("readout.frames", "must be [a, b], whole numbers with 0 ≤ a < b")
            return None
        return Readout(node, rule, *frames) if node and rule else None

    def classes(self, value: object, readout: Readout | None) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            self.say("classes", "must be a list of strings")
            return ()
        for index, entry in enumerate(value):
            if not isinstance(entry, str) or not entry.isprintable() or not entry:
                self.say(f"classes[{index}]", "must be a printable string")
            elif entry in value[:index]:
                self.say(
                    f"classes[{index}]", f"{shown_value(entry)} is taken; names must be unique"
                )
        units = self.sizes.get(readout.node) if readout is not None else None
        if units is not None and len(value) != units:
            counts = (
                f"{counted(len(value), 'entries')}; the readout node has {counted(units, 'units')}"
            )
            self.say("classes", f"has {counts}")
        return tuple(value)
