"""Read and validate a model JSON: every violation at once, each with its path."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from netgen.errors import ModelError
from netgen.model.graph import (
    FORMAT,
    INPUT,
    VERSIONS,
    Add,
    Bmru,
    Linear,
    Model,
    Node,
    Readout,
    Relu,
)

MODEL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
NODE_NAME = re.compile(r"[A-Za-z0-9_.]{1,100}")
RULES = ("majority_vote", "mean", "last")
_MISSING = object()


def load_model(path: Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelError
        The file cannot be read, is not JSON, or violates the format; names every violation.
    """
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ModelError(source, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ModelError(source, [f"not UTF-8 text (byte {error.start}); is it JSON?"]) from None
    try:
        data = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ModelError(source, [f"not JSON: {error.msg} at {where}"]) from None
    except RecursionError:
        raise ModelError(source, ["nested too deeply to be a model"]) from None
    except ValueError as error:  # repeated keys, or an integer of thousands of digits
        raise ModelError(source, [str(error)]) from None
    return from_dict(data, source)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    repeated = (
        sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
    )
    if repeated:
        raise ValueError(f"an object names {repeated[0]!r} twice; keep one")
    return dict(pairs)


def from_dict(data: Any, source: str = "model") -> Model:
    """Validate a decoded JSON object and return the model.

    Raises
    ------
    ModelError
        With every violation, each at its JSON path.
    """
    reader = _Reader()
    model = reader.model(data)
    if reader.problems or model is None:
        raise ModelError(source, reader.problems)
    return model


class _Reader:
    """Walks the object once, collecting violations; values are only used when there are none."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.sizes: dict[str, int | None] = {}
        self.signed: dict[str, bool] = {}

    def say(self, path: str, problem: str) -> None:
        self.problems.append(f"{path}: {problem}")

    def model(self, data: Any) -> Model | None:
        if not isinstance(data, dict):
            self.say("(top level)", f"must be an object, not {_kind(data)}")
            return None
        if data.get("format") != FORMAT:
            self.say("format", f'must be "{FORMAT}"')
        version = data.get("version")
        if isinstance(version, bool) or version not in VERSIONS:
            known = ", ".join(map(str, VERSIONS))
            self.say(
                "version", f"{_shown(version)} is not known; this netgen reads version {known}"
            )
        if self.problems:
            return None
        name = self.name(data, "name", MODEL_NAME, "A-Z a-z 0-9 _ . -")
        unit = self.positive(data, "unit_current", "unit_current")
        period = self.positive(data, "frame_period", "frame_period")
        size, largest = self.input(data)
        self.sizes[INPUT], self.signed[INPUT] = size, False
        nodes = self.nodes(data)
        readout = self.readout(data)
        classes = self.classes(data, readout)
        meta = data.get("meta", {})
        if not isinstance(meta, dict):
            self.say("meta", f"must be an object, not {_kind(meta)}")
        if self.problems:
            return None
        assert size is not None
        assert readout is not None
        return Model(
            name,
            unit,
            period,
            size,
            largest,
            tuple(nodes),
            readout,
            classes,
            MappingProxyType(meta),
        )

    def name(self, data: dict[str, Any], path: str, pattern: re.Pattern[str], allowed: str) -> str:
        name = data.get("name", _MISSING)
        if not isinstance(name, str):
            self.say(
                path, "missing" if name is _MISSING else f"must be a string, not {_kind(name)}"
            )
        elif not pattern.fullmatch(name) or not name.strip("."):
            self.say(path, f"{_shown(name)} may only hold {allowed}, at most 100, not dots alone")
        else:
            return name
        return ""

    def number(self, value: Any, path: str) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.say(
                path, "missing" if value is _MISSING else f"must be a number, not {_kind(value)}"
            )
            return None
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.say(path, "not finite")
            return None
        return number

    def positive(self, data: dict[str, Any], key: str, path: str) -> float:
        number = self.number(data.get(key, _MISSING), path)
        if number is not None and number <= 0:
            self.say(path, f"{number:g} must be above 0")
        return 1.0 if number is None else number

    def input(self, data: dict[str, Any]) -> tuple[int | None, float]:
        spec = data.get("input", _MISSING)
        if not isinstance(spec, dict):
            self.say(
                "input", "missing" if spec is _MISSING else f"must be an object, not {_kind(spec)}"
            )
            return None, 1.0
        size = spec.get("size", _MISSING)
        if not _is_int(size) or size < 1:
            self.say("input.size", "must be a whole number of at least 1")
            size = None
        return size, self.positive(spec, "max", "input.max")

    def nodes(self, data: dict[str, Any]) -> list[Node]:
        specs = data.get("nodes", _MISSING)
        if not isinstance(specs, list) or not specs:
            self.say("nodes", "must be a list of at least one node")
            return []
        nodes = []
        for index, spec in enumerate(specs):
            path = f"nodes[{index}]"
            if not isinstance(spec, dict):
                self.say(path, f"must be an object, not {_kind(spec)}")
                continue
            name = self.name(spec, f"{path}.name", NODE_NAME, "A-Z a-z 0-9 _ .")
            if name in self.sizes:
                self.say(f"{path}.name", f"{_shown(name)} is taken; node names must be unique")
            before = len(self.problems)
            reader: dict[
                str, Callable[[dict[str, Any], str, str], tuple[Node | None, int | None]]
            ] = {
                "linear": self.linear,
                "relu": self.relu,
                "bmru": self.bmru,
                "add": self.add,
            }
            op = spec.get("op", _MISSING)
            if not isinstance(op, str) or op not in reader:
                shown = "missing" if op is _MISSING else f"{_shown(op)} is not known"
                self.say(f"{path}.op", f"{shown}; choose one of {', '.join(reader)}")
                node, size = None, None
            else:
                node, size = reader[op](spec, path, name)
            if node is not None and len(self.problems) == before:
                nodes.append(node)
            if name:  # a later node may name it: do not report it as unknown as well
                self.sizes.setdefault(name, size)
                self.signed.setdefault(name, op in ("linear", "add"))
        return nodes

    def source(self, value: Any, path: str) -> str | None:
        if not isinstance(value, str):
            self.say(
                path, "missing" if value is _MISSING else f"must be a name, not {_kind(value)}"
            )
            return None
        if value not in self.sizes:
            self.say(path, f"{_shown(value)} is neither {INPUT!r} nor an earlier node")
            return None
        return value

    def vector(self, value: Any, path: str, size: int | None, what: str) -> np.ndarray | None:
        """Read a list of numbers; ``size`` None accepts any length of at least one."""
        if not isinstance(value, list):
            self.say(
                path, "missing" if value is _MISSING else f"must be a list, not {_kind(value)}"
            )
            return None
        if size is not None and len(value) != size:
            self.say(path, f"has {len(value)} entries; {what} wants {size}")
            return None
        if not value:
            self.say(path, "is empty")
            return None
        numbers = [self.number(entry, f"{path}[{i}]") for i, entry in enumerate(value)]
        if any(number is None for number in numbers):
            return None
        return _frozen(np.array(numbers, dtype=np.float64))

    def linear(self, spec: dict[str, Any], path: str, name: str) -> tuple[Node | None, int | None]:
        source = self.source(spec.get("input", _MISSING), f"{path}.input")
        width = self.sizes[source] if source is not None else None
        bias = self.vector(spec.get("bias", _MISSING), f"{path}.bias", None, "")
        rows = spec.get("weight", _MISSING)
        if not isinstance(rows, list) or not rows:
            self.say(f"{path}.weight", "must be a list of rows (out × in)")
            return None, None if bias is None else len(bias)
        what = f"the input {source!r}" if source is not None else "the row above"
        vectors = []
        for index, row in enumerate(rows):
            vectors.append(self.vector(row, f"{path}.weight[{index}]", width, what))
            if width is None and vectors[-1] is not None:
                width = len(vectors[-1])
        if bias is not None and len(bias) != len(rows):
            self.say(f"{path}.bias", f"has {len(bias)} entries; weight has {len(rows)} rows")
        complete = [vector for vector in vectors if vector is not None]
        if source is None or bias is None or len(complete) < len(rows):
            return None, len(rows)
        return Linear(name, source, _frozen(np.array(complete)), bias), len(rows)

    def relu(self, spec: dict[str, Any], path: str, name: str) -> tuple[Node | None, int | None]:
        source = self.source(spec.get("input", _MISSING), f"{path}.input")
        return (None, None) if source is None else (Relu(name, source), self.sizes[source])

    def bmru(self, spec: dict[str, Any], path: str, name: str) -> tuple[Node | None, int | None]:
        source = self.source(spec.get("input", _MISSING), f"{path}.input")
        size = self.sizes[source] if source is not None else None
        if source is not None and self.signed[source]:
            self.say(f"{path}.input", f"{source!r} is signed; put a relu between it and the bmru")
        what = f"the input {source!r}"
        values: dict[str, np.ndarray | None] = {}
        for key in ("alpha", "beta_lo", "beta_hi"):
            vector = self.vector(spec.get(key, _MISSING), f"{path}.{key}", size, what)
            values[key] = vector
            for unit in np.flatnonzero(vector <= 0) if vector is not None else ():
                self.say(f"{path}.{key}[{unit}]", f"{vector[unit]:g} must be above 0")
            if size is None and vector is not None:
                size, what = len(vector), f"the unit count of {key}"
        low, high = values["beta_lo"], values["beta_hi"]
        if low is not None and high is not None and len(low) == len(high):
            for unit in np.flatnonzero(low >= high):
                problem = f"{low[unit]:g} must be below beta_hi ({high[unit]:g})"
                self.say(f"{path}.beta_lo[{unit}]", problem)
        initial = self.initial_state(spec, f"{path}.initial_state", size)
        if (
            source is None
            or size is None
            or initial is None
            or any(v is None for v in values.values())
        ):
            return None, size
        return Bmru(name, source, initial_state=initial, **values), size  # type: ignore[arg-type]

    def initial_state(self, spec: dict[str, Any], path: str, size: int | None) -> np.ndarray | None:
        if "initial_state" not in spec:
            return None if size is None else _frozen(np.zeros(size, dtype=np.bool_))
        vector = self.vector(spec["initial_state"], path, size, "the node")
        for unit in np.flatnonzero((vector != 0) & (vector != 1)) if vector is not None else ():
            self.say(f"{path}[{unit}]", "must be 0 or 1")
        return None if vector is None else _frozen(vector == 1)

    def add(self, spec: dict[str, Any], path: str, name: str) -> tuple[Node | None, int | None]:
        names = spec.get("inputs", _MISSING)
        if not isinstance(names, list) or len(names) < 2:
            self.say(f"{path}.inputs", "must be a list of two or more names")
            return None, None
        found = [self.source(entry, f"{path}.inputs[{i}]") for i, entry in enumerate(names)]
        known = [entry for entry in found if entry is not None]
        sizes = {entry: self.sizes[entry] for entry in known if self.sizes[entry] is not None}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{entry} has {size}" for entry, size in sizes.items())
            self.say(f"{path}.inputs", f"sizes must agree: {listed}")
        size = next(iter(sizes.values()), None)
        return (Add(name, tuple(known)), size) if len(known) == len(names) else (None, size)

    def readout(self, data: dict[str, Any]) -> Readout | None:
        spec = data.get("readout", _MISSING)
        if not isinstance(spec, dict):
            self.say(
                "readout",
                "missing" if spec is _MISSING else f"must be an object, not {_kind(spec)}",
            )
            return None
        node = spec.get("node", _MISSING)
        if not isinstance(node, str) or node == INPUT or node not in self.sizes:
            self.say(
                "readout.node",
                f"{_shown(node)} is not a node" if node is not _MISSING else "missing",
            )
            node = None
        rule = spec.get("rule", _MISSING)
        if not isinstance(rule, str) or rule not in RULES:
            shown = "missing" if rule is _MISSING else f"{_shown(rule)} is not known"
            self.say("readout.rule", f"{shown}; choose one of {', '.join(RULES)}")
            rule = None
        frames = spec.get("frames", _MISSING)
        if (
            not isinstance(frames, list)
            or len(frames) != 2
            or not all(map(_is_int, frames))
            or not 0 <= frames[0] < frames[1]
        ):
            self.say("readout.frames", "must be [a, b], whole numbers with 0 ≤ a < b")
            return None
        if node is None or rule is None:
            return None
        return Readout(node, rule, *frames)  # type: ignore[arg-type]

    def classes(self, data: dict[str, Any], readout: Readout | None) -> tuple[str, ...]:
        classes = data.get("classes", _MISSING)
        if not isinstance(classes, list) or not classes:
            self.say("classes", "must be a list of strings")
            return ()
        for index, entry in enumerate(classes):
            if not isinstance(entry, str) or not entry.isprintable() or not entry:
                self.say(f"classes[{index}]", "must be a printable string")
        units = self.sizes.get(readout.node) if readout is not None else None
        if units is not None and len(classes) != units:
            problem = f"has {len(classes)} entries; the readout node has {units} units"
            self.say("classes", problem)
        return tuple(classes)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
