"""The JSON Schemas agree with the readers, and `netgen init` writes a model that runs."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netgen.commands import main
from netgen.errors import ModelError
from netgen.model import from_dict, load_model, load_samples
from netgen.model.operations import model_schema
from netgen.project.starter import MODEL
from netgen.schema import schema

jsonschema = pytest.importorskip("jsonschema")
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/model.json"))


def fits(data: Any, name: str = "model") -> bool:
    return bool(jsonschema.Draft202012Validator(schema(name)).is_valid(data))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_fit_the_schema(path: Path) -> None:
    assert fits(json.loads(path.read_text(encoding="utf-8")))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of an object, ``meta`` left out."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        if (*path, key) == ("meta",):
            continue
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


def changed(place: tuple[Any, ...], new: Any, remove: bool = False) -> Any:
    data = copy.deepcopy(MODEL)
    target: Any = data
    for key in place[:-1]:
        target = target[key]
    if remove:
        del target[place[-1]]
    else:
        target[place[-1]] = new
    return data


@pytest.mark.parametrize("new", [None, "text", -1, True, [], {}, 1e400])
@pytest.mark.parametrize("place", list(places(MODEL)), ids=lambda place: ".".join(map(str, place)))
def test_what_the_schema_refuses_the_reader_refuses(place: tuple[Any, ...], new: Any) -> None:
    data = changed(place, new)
    if not fits(data):
        with pytest.raises(ModelError):
            from_dict(data)


@pytest.mark.parametrize("place", list(places(MODEL)), ids=lambda place: ".".join(map(str, place)))
def test_what_is_missing_both_miss(place: tuple[Any, ...]) -> None:
    if isinstance(place[-1], str) and place[-1] not in ("initial_state", "meta"):
        data = changed(place, None, remove=True)
        assert not fits(data)
        with pytest.raises(ModelError):
            from_dict(data)


@pytest.mark.parametrize("inside", [(), ("input",), ("readout",), ("nodes", 0), ("nodes", 2)])
def test_an_unknown_key_is_refused_by_both(inside: tuple[Any, ...]) -> None:
    data = changed((*inside, "weigth"), 1)
    assert not fits(data)
    with pytest.raises(ModelError, match="weigth: is not known"):
        from_dict(data)


def test_schema_prints_names_and_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(["schema"])
    assert status.value.code == 0
    assert "model:" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["schema", "model"])
    assert json.loads(capsys.readouterr().out) == model_schema()
    with pytest.raises(SystemExit) as status:
        main(["schema", "nothing"])
    assert status.value.code == 2


def test_init_writes_a_model_and_samples_and_never_over_others(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as status:
        main(["init", str(tmp_path / "new")])
    assert status.value.code == 0
    model = load_model(tmp_path / "new" / "model.json")
    samples = load_samples(tmp_path / "new" / "samples.npz", model)
    from netgen.model import decide, evaluate

    logits = evaluate(model, samples.x)[model.readout.node]
    assert list(decide(model.readout, logits)) == list(samples.y if samples.y is not None else ())
    (tmp_path / "new" / "model.json").write_text(before := "mine", encoding="utf-8")
    with pytest.raises(SystemExit) as status:
        main(["init", str(tmp_path / "new")])
    assert status.value.code == 2
    assert (tmp_path / "new" / "model.json").read_text(encoding="utf-8") == before
