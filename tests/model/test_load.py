"""A model file is read as it stands, or refused with every violation at its JSON path."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import DELETED, linear, small_model, spoiled

from netgen.circuit.blocks.schmitt9 import Bmru
from netgen.errors import ModelError
from netgen.model import Linear, Relu, from_dict, is_signed, load_model, sources, to_dict


def problems(data: Any) -> list[str]:
    with pytest.raises(ModelError) as caught:
        from_dict(data)
    assert caught.value.problems
    assert all(len(problem.splitlines()) == 1 for problem in caught.value.problems)
    return list(caught.value.problems)


def test_valid_model_is_read_as_it_stands() -> None:
    model = from_dict(small_model())
    assert [type(node) for node in model.nodes[:5]] == [Linear, Relu, Linear, Relu, Bmru]
    assert dict(model.sizes) == dict.fromkeys(
        ["proj", "relu", "cand_lin", "cand", "state", "post_lin", "post", "out", "logits"], 2
    ) | {"x": 3}
    assert [is_signed(model.by_name[name]) for name in ("proj", "relu", "state", "out")] == [
        True,
        False,
        False,
        True,
    ]
    assert sources(model.by_name["out"]) == ("proj", "post")
    assert (model.readout.start, model.readout.stop, model.readout.rule) == (1, 4, "majority_vote")
    assert to_dict(model) == small_model()


def test_arrays_are_read_only() -> None:
    model = from_dict(small_model())
    first, cell = model.nodes[0], model.cells[0]
    assert isinstance(first, Linear)
    arrays = (first.weight, first.bias, cell.level, cell.falling, cell.rising, cell.initial_state)
    assert not any(array.flags.writeable for array in arrays)


def test_initial_state_defaults_to_zero() -> None:
    model = from_dict(spoiled("nodes[4].initial_state", DELETED))
    np.testing.assert_array_equal(model.cells[0].initial_state, [False, False])


def test_meta_is_free_and_may_be_absent() -> None:
    data = small_model() | {"meta": {"comment": "free", "extra": [1, {"alpha": None}]}}
    assert from_dict(data).meta == data["meta"]
    del data["meta"]
    assert from_dict(data).meta == {}


def test_unknown_keys_are_told_with_the_nearest_known_one() -> None:
    data = small_model() | {"comment": "not here", "frame_perod": 0.02}
    data["input"]["min"] = 0.0
    data["readout"]["frame"] = [0, 1]
    nodes = data["nodes"]
    nodes[0]["activation"] = "tanh"
    nodes[1]["inputs"] = ["proj"]
    nodes[4]["initial_sate"] = nodes[4].pop("initial_state")
    nodes[4]["a\nb"] = 1
    nodes[7]["bias"] = [0.0, 0.0]
    assert problems(data) == [
        "comment: is not known; known here: format, version, name, unit_current, frame_period, "
        "input, nodes, readout, classes, meta",
        "frame_perod: is not known; did you mean frame_period?",
        "input.min: is not known; known here: size, max",
        "nodes[0].activation: is not known; known here: name, op, input, weight, bias",
        "nodes[1].inputs: is not known; did you mean input?",
        "nodes[4].initial_sate: is not known; did you mean initial_state?",
        "nodes[4].a\\nb: is not known; known here: name, op, input, alpha, beta_lo, beta_hi, "
        "initial_state",
        "nodes[7].bias: is not known; known here: name, op, inputs",
        "readout.frame: is not known; did you mean frames?",
    ]


def test_keys_that_are_there_twice_are_told_with_their_paths(tmp_path: Path) -> None:
    text = json.dumps(small_model())
    text = text.replace('"alpha": [', '"alpha": [2.0, 2.0], "alpha": [', 1)
    text = text.replace('"by hand"}', '"by hand", "name": "by machine"}', 1)
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert sorted(caught.value.problems) == [
        "meta.trainer.name: is there twice; keep one",
        "nodes[4].alpha: is there twice; keep one",
    ]


def test_classes_of_one_name_are_told() -> None:
    assert problems(small_model() | {"classes": ["left", "left"]}) == [
        'classes[1]: "left" is taken; names must be unique'
    ]


def test_network_without_recurrent_node_and_cells_on_the_input_are_valid() -> None:
    feedforward = small_model() | {"nodes": [linear("logits", "x", [[1, 0, 0], [0, 1, 0]], [0, 0])]}
    assert from_dict(feedforward).cells == ()
    cell = {"op": "bmru", "alpha": [1] * 3, "beta_lo": [0.1] * 3, "beta_hi": [0.2] * 3}
    chain = small_model()
    chain["nodes"] = [
        {"name": "first", "input": "x"} | cell,
        {"name": "second", "input": "first"} | cell,
        linear("logits", "second", [[1, 0, 0], [0, 1, 0]], [0, 0]),
    ]
    assert len(from_dict(chain).cells) == 2


def test_digest_names_the_content() -> None:
    shuffled = dict(reversed(small_model().items()))
    assert from_dict(small_model()).digest == from_dict(shuffled).digest
    assert from_dict(small_model()).digest != from_dict(spoiled("nodes[0].bias[0]", 1e-9)).digest


NOT_EARLIER = "is neither 'x' nor an earlier node"
OPERATIONS = "choose one of linear, relu, ladder, bmru, add"
SPOILED: list[tuple[str, Any, list[str]]] = [
    # head
    ("format", "onnx", ['format: must be "netgen-model"']),
    ("version", 2, ["version: 2 is not known; this netgen reads version 1"]),
    ("version", True, ["version: true is not known; this netgen reads version 1"]),
    ("version", DELETED, ["version: null is not known; this netgen reads version 1"]),
    ("name", DELETED, ["name: missing"]),
    ("name", 7, ["name: must be a string, not a number"]),
    ("unit_current", 0, ["unit_current: 0 must be above 0"]),
    ("unit_current", math.nan, ["unit_current: not finite"]),
    ("frame_period", "0.01", ["frame_period: must be a number, not a string"]),
    ("frame_period", True, ["frame_period: must be a number, not a truth value"]),
    ("input", [3, 1.5], ["input: must be an object, not a list"]),
    ("input.size", 0, ["input.size: must be a whole number of at least 1"]),
    ("input.size", 3.0, ["input.size: must be a whole number of at least 1"]),
    ("input.max", DELETED, ["input.max: missing"]),
    ("input.max", -1.5, ["input.max: -1.5 must be above 0"]),
    ("meta", [], ["meta: must be an object, not a list"]),
    ("meta.trainer.name", [0.0, math.inf], ["meta.trainer.name[1]: not finite"]),
    # nodes
    (
        "nodes[1]",
        "relu",
        ["nodes[1]: must be an object, not a string", f'nodes[2].input: "relu" {NOT_EARLIER}'],
    ),
    ("nodes[3].op", "tanh", [f'nodes[3].op: "tanh" is not known; {OPERATIONS}']),
    ("nodes[3].op", DELETED, [f"nodes[3].op: missing; {OPERATIONS}"]),
    ("nodes[8].op", ["linear"], [f'nodes[8].op: ["linear"] is not known; {OPERATIONS}']),
    (
        "nodes[1].name",
        "proj",
        [
            'nodes[1].name: "proj" is taken; node names must be unique',
            f'nodes[2].input: "relu" {NOT_EARLIER}',
        ],
    ),
    (
        "nodes[0].name",
        "x",
        [
            'nodes[0].name: "x" is taken; node names must be unique',
            f'nodes[1].input: "proj" {NOT_EARLIER}',
            f'nodes[7].inputs[0]: "proj" {NOT_EARLIER}',
        ],
    ),
    # sources
    ("nodes[1].input", "state", [f'nodes[1].input: "state" {NOT_EARLIER}']),
    ("nodes[1].input", "relu", [f'nodes[1].input: "relu" {NOT_EARLIER}']),
    ("nodes[1].input", "nobody", [f'nodes[1].input: "nobody" {NOT_EARLIER}']),
    ("nodes[6].input", DELETED, ["nodes[6].input: missing"]),
    ("nodes[6].input", ["post_lin"], ["nodes[6].input: must be a name, not a list"]),
    (
        "nodes[4].input",
        "cand_lin",
        ["nodes[4].input: 'cand_lin' is signed; put a relu between it and the bmru"],
    ),
    (
        "nodes[4].input",
        "proj",
        ["nodes[4].input: 'proj' is signed; put a relu between it and the bmru"],
    ),
    ("nodes[7].inputs", ["proj"], ["nodes[7].inputs: must be a list of two or more names"]),
    ("nodes[7].inputs[1]", "later", [f'nodes[7].inputs[1]: "later" {NOT_EARLIER}']),
    ("nodes[7].inputs[1]", "x", ["nodes[7].inputs: sizes must agree: proj has 2, x has 3"]),
    # weights
    ("nodes[2].weight[1][0]", math.nan, ["nodes[2].weight[1][0]: not finite"]),
    ("nodes[2].weight[1][0]", -math.inf, ["nodes[2].weight[1][0]: not finite"]),
    ("nodes[2].weight[1][0]", 10**400, ["nodes[2].weight[1][0]: not finite"]),
    ("nodes[2].weight[1][0]", None, ["nodes[2].weight[1][0]: must be a number, not null"]),
    (
        "nodes[2].weight[1][0]",
        False,
        ["nodes[2].weight[1][0]: must be a number, not a truth value"],
    ),
    ("nodes[2].weight[1]", [1.0], ["nodes[2].weight[1]: has 1 entry; the input 'relu' wants 2"]),
    ("nodes[2].weight[1]", 1.0, ["nodes[2].weight[1]: must be a list, not a number"]),
    ("nodes[2].weight", [], ["nodes[2].weight: must be a list of rows (out × in)"]),
    ("nodes[0].weight[0]", [1], ["nodes[0].weight[0]: has 1 entry; the input 'x' wants 3"]),
    ("nodes[2].bias", [0.0], ["nodes[2].bias: has 1 entry; weight has 2 rows"]),
    ("nodes[2].bias", DELETED, ["nodes[2].bias: missing"]),
    ("nodes[2].bias[1]", math.inf, ["nodes[2].bias[1]: not finite"]),
    # cells
    ("nodes[4].alpha[1]", 0, ["nodes[4].alpha[1]: 0 must be above 0"]),
    ("nodes[4].beta_lo[0]", -0.1, ["nodes[4].beta_lo[0]: -0.1 must be above 0"]),
    ("nodes[4].beta_lo[0]", 0.75, ["nodes[4].beta_lo[0]: 0.75 must be below beta_hi (0.75)"]),
    ("nodes[4].beta_hi[1]", 0.1, ["nodes[4].beta_lo[1]: 0.2 must be below beta_hi (0.1)"]),
    ("nodes[4].beta_hi", [1.0], ["nodes[4].beta_hi: has 1 entry; the input 'cand' wants 2"]),
    ("nodes[4].beta_hi", DELETED, ["nodes[4].beta_hi: missing"]),
    ("nodes[4].initial_state[0]", 0.5, ["nodes[4].initial_state[0]: must be 0 or 1"]),
    (
        "nodes[4].initial_state",
        [1],
        ["nodes[4].initial_state: has 1 entry; the input 'cand' wants 2"],
    ),
    ("nodes[4].initial_state", None, ["nodes[4].initial_state: must be a list, not null"]),
    # readout and classes
    ("readout", DELETED, ["readout: missing"]),
    ("readout.node", "x", ['readout.node: "x" is not a node']),
    ("readout.node", DELETED, ["readout.node: missing"]),
    (
        "readout.rule",
        "median",
        ['readout.rule: "median" is not known; choose one of majority_vote, mean, last'],
    ),
    ("readout.frames", [4, 4], ["readout.frames: must be [a, b], whole numbers with 0 ≤ a < b"]),
    ("readout.frames", [-1, 4], ["readout.frames: must be [a, b], whole numbers with 0 ≤ a < b"]),
    ("readout.frames", [0, 4.0], ["readout.frames: must be [a, b], whole numbers with 0 ≤ a < b"]),
    ("readout.frames", 4, ["readout.frames: must be [a, b], whole numbers with 0 ≤ a < b"]),
    ("classes", ["one"], ["classes: has 1 entry; the readout node has 2 units"]),
    ("classes", "ab", ["classes: must be a list of strings"]),
    ("classes[1]", "two\nlines", ["classes[1]: must be a printable string"]),
    ("classes[1]", 1, ["classes[1]: must be a printable string"]),
]


@pytest.mark.parametrize(("path", "value", "expected"), SPOILED)
def test_violation_is_reported_at_its_path(path: str, value: Any, expected: list[str]) -> None:
    assert problems(spoiled(path, value)) == expected


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../up", "a\\b", "a b", "a\nX1 0 1", "a\n", "é", "a;b", "x" * 101],
)
def test_name_that_could_leave_a_folder_or_inject_a_line_is_refused(name: str) -> None:
    for path in ("name", "nodes[8].name"):
        found = problems(spoiled(path, name))
        assert found[0].startswith(f"{path}: ")
        assert "may only hold A-Z a-z 0-9 _ ." in found[0]


def test_dash_is_for_model_names_only() -> None:
    assert from_dict(spoiled("name", "kws-seven-d4")).name == "kws-seven-d4"
    assert problems(spoiled("nodes[8].name", "log-its"))[0].startswith("nodes[8].name: ")


def test_every_violation_is_reported_at_once() -> None:
    data = small_model()
    data["name"] = "a/b"
    data["unit_current"] = -1
    data["nodes"][0]["weight"][1][2] = math.nan
    data["nodes"][2]["bias"] = [0.0, 0.0, 0.0]
    data["nodes"][4]["beta_lo"] = [0.9, 0.9]
    data["nodes"][7]["inputs"][0] = "nobody"
    data["readout"]["rule"] = "median"
    paths = [problem.split(":")[0] for problem in problems(data)]
    assert paths == [
        "name",
        "unit_current",
        "nodes[0].weight[1][2]",
        "nodes[2].bias",
        "nodes[4].beta_lo[0]",
        "nodes[4].beta_lo[1]",
        "nodes[7].inputs[0]",
        "readout.rule",
    ]


def test_message_names_file_and_path() -> None:
    with pytest.raises(ModelError) as caught:
        from_dict(spoiled("nodes[4].beta_lo[0]", 2.0), "folder/model.json")
    assert str(caught.value) == (
        "folder/model.json: nodes[4].beta_lo[0]: 2 must be below beta_hi (0.75)"
    )
    assert caught.value.exit_status == 3


@pytest.mark.parametrize("data", [None, 1, "model", [small_model()], True, math.nan])
def test_top_level_must_be_an_object(data: Any) -> None:
    assert problems(data)[0].startswith("(top level): must be an object, not ")


def test_absurd_input_size_takes_no_memory() -> None:
    data = small_model()
    data["input"]["size"] = 10**15
    data["nodes"] = [
        {"name": "memory", "op": "bmru", "input": "x", "alpha": [1], "beta_lo": [1], "beta_hi": [2]}
    ]
    assert problems(data)[:1] == [
        "nodes[0].alpha: has 1 entry; the input 'x' wants 1000000000000000"
    ]


# Files


def load(tmp_path: Path, content: str | bytes) -> str:
    """Return the one problem of a file with this content, without the file's name."""
    path = tmp_path / "model.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    (problem,) = caught.value.problems
    assert str(caught.value) == f"{path}: {problem}"
    return problem


def test_file_is_read_exactly(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text("\ufeff" + json.dumps(small_model()), encoding="utf-8")
    assert to_dict(load_model(path)) == small_model()


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(ModelError, match="cannot be read: ") as caught:
            load_model(path)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ("{'a': 1}", "not JSON: Expecting property name enclosed in double quotes at line 1"),
        (json.dumps(small_model())[:-1], "not JSON: Expecting ',' delimiter at line 1"),
        ("import torch", "not JSON: Expecting value"),
        (b"\x80\x04\x95\x00", "not UTF-8 text (byte 0); is it JSON?"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper than 64 levels"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested deeper than 64 levels"),
        ("[" * 70 + "]" * 70, "nested deeper than 64 levels"),
        ('{"format": "netgen-model", "format": "x"}', "format: is there twice; keep one"),
        ('{"version": {"a\\n": 1, "a\\n": 2}}', "version.a\\n: is there twice; keep one"),
    ],
)
def test_file_that_is_no_model_document(
    tmp_path: Path, content: str | bytes, expected: str
) -> None:
    assert load(tmp_path, content).startswith(expected)


def test_numbers_that_only_json_of_python_knows(tmp_path: Path) -> None:
    text = json.dumps(spoiled("nodes[2].weight[0][1]", "HERE"))
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 100_000):
        problem = load(tmp_path, text.replace('"HERE"', number))
        assert problem == "nodes[2].weight[0][1]: not finite"


def test_huge_integers_elsewhere(tmp_path: Path) -> None:
    text = json.dumps(spoiled("input.size", "HERE"))
    assert load(tmp_path, text.replace('"HERE"', "9" * 5000)).startswith("input.size: must be")
    text = json.dumps(spoiled("version", "HERE"))
    assert load(tmp_path, text.replace('"HERE"', "9" * 5000)).startswith("version: ")


def test_meta_nested_up_to_the_limit_survives_a_round_trip() -> None:
    deep: Any = 1.0
    for _ in range(60):
        deep = [deep]
    model = from_dict(spoiled("meta.trainer", deep))
    assert from_dict(to_dict(model)).digest == model.digest
    for _ in range(1000):
        deep = {"a": deep}
    assert problems(spoiled("meta.trainer", deep))[0].startswith("nested deeper than 64 levels")
