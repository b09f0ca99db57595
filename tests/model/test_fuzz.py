"""Whatever the file holds: a model that works, or a list of problems; never another error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import DELETED, small_model, spoiled

from netgen.errors import ModelError
from netgen.model import Model, evaluate, from_dict, load_model, to_dict


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Yield the JSON path of everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        path = f"{prefix}[{key}]" if isinstance(value, list) else f"{prefix}.{key}".lstrip(".")
        yield path
        if isinstance(inner, dict | list):
            yield from paths(inner, path)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**30), 2**63])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["x", "proj", "relu", "state", "cand_lin", "logits", "later", ".."])
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def problems(read: Callable[[], Model]) -> list[str]:
    """Return what is wrong with a model; where nothing is, the model must work."""
    try:
        model = read()
    except ModelError as error:
        found = list(error.problems)
    else:
        works(model)
        return []
    assert found
    assert all(len(problem.splitlines()) == 1 for problem in found)
    return found


def works(model: Model) -> None:
    assert from_dict(to_dict(model)).digest == model.digest
    values = evaluate(model, np.zeros((1, 2, model.input_size)))
    for node in model.nodes:
        assert values[node.name].shape == (1, 2, model.sizes[node.name])


@given(json_values)
def test_any_json_value(data: Any) -> None:
    assert problems(lambda: from_dict(data))


@settings(max_examples=400)
@given(st.sampled_from(sorted(paths(small_model()))), json_values | st.just(DELETED))
def test_one_field_replaced_by_anything(path: str, value: Any) -> None:
    problems(lambda: from_dict(spoiled(path, value)))


@settings(max_examples=200)
@given(st.permutations(range(9)), st.integers(1, 9))
def test_nodes_in_any_order_and_number(order: list[int], count: int) -> None:
    data = small_model()
    data["nodes"] = [data["nodes"][index] for index in order[:count]]
    found = problems(lambda: from_dict(data))
    assert (not found) == (order[:count] == list(range(9)))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "model.json"


@settings(max_examples=200)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.tuples(st.integers(0, 1200), st.integers(0, 1200)).map(
        lambda cut: (text := json.dumps(small_model()).encode())[: cut[0]] + text[cut[1] :]
    )
)
def test_any_file(scratch: Path, content: bytes) -> None:
    scratch.write_bytes(content)
    problems(lambda: load_model(scratch))
