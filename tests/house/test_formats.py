"""Every JSON file that netgen writes has a format, a version and a schema with every field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import netgen, write_model, write_samples
from fake_tools import FakeSimulator
from formats import check_files, formats, written

from netgen.document import table_at, text_at
from netgen.schema import head, schema, schema_names

jsonschema = pytest.importorskip("jsonschema")
OPEN = ("netgen-model.meta",)
"""Objects of other people's fields."""
EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset"


def parts(name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every object, array and value of a schema with its place in it."""

    def walk(part: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if not isinstance(part, dict):
            return
        yield path, part
        for key, inner in part.get("properties", {}).items():
            yield from walk(inner, f"{path}.{key}")
        for key in ("items", "additionalProperties"):
            yield from walk(part.get(key), f"{path}[]")
        for key in ("prefixItems", "oneOf"):
            for place, inner in enumerate(part.get(key, ())):
                yield from walk(inner, f"{path}[{place}]")

    yield from walk(schema(name), f"netgen-{name}")
    for key, part in table_at({"$defs": {}, **schema(name)}, "$defs").items():
        yield from walk(part, f"{name}:{key}")


def described(name: str, field: Mapping[str, Any]) -> bool:
    """Tell whether a field says what it is, by itself or by the definition it refers to."""
    if "$ref" in field and "description" not in field:
        field = table_at(schema(name), "$defs", field["$ref"].rpartition("/")[2])
    if "oneOf" in field and "description" not in field:
        field = table_at(field, "oneOf", 0)
        return described(name, field)
    return len(str(field.get("description", ""))) > 1


@pytest.mark.parametrize("name", schema_names())
def test_schemas_are_valid_and_describe_every_field(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    missing = [
        f"{path}.{key}"
        for path, part in parts(name)
        for key, field in part.get("properties", {}).items()
        if not described(name, field)
    ]
    missing += [
        f"{path}[{place}]"
        for path, part in parts(name)
        for place, field in enumerate(part.get("prefixItems", ()))
        if not described(name, field)
    ]
    assert missing == []


@pytest.mark.parametrize("name", schema_names())
def test_no_object_takes_fields_that_are_not_described(name: str) -> None:
    for path, part in parts(name):
        if part.get("type") == "object" and path not in OPEN and "oneOf" not in part:
            assert "additionalProperties" in part, path
            assert part["additionalProperties"] is not True, path
            if "properties" in part:
                assert part["additionalProperties"] is False, path
                assert set(part["required"]) <= set(part["properties"]), path


@pytest.mark.parametrize("name", schema_names())
def test_every_file_says_its_format_and_version(name: str) -> None:
    known = head(name)
    assert known["format"] == f"netgen-{name}" or name == "model"
    assert text_at(schema(name), "title").endswith(f"version {known['version']}")
    assert formats()[text_at(known, "format")] == name


@pytest.fixture
def pipeline(tmp_path: Path, simulator: FakeSimulator, coarse_plots: None) -> Path:
    """A folder of results of the quick simulator."""
    model, samples = write_model(tmp_path / "in"), write_samples(tmp_path / "in" / "samples.npz")
    out = tmp_path / "out"
    assert netgen("run", model, samples, "-o", out / "run").exit_code == 0
    simulator.failing = {1: "timestep"}
    some = ("--monte-carlo", 2, "--samples", "0,1")
    assert netgen("sim", out / "run", samples, *some).exit_code == 5
    assert netgen("variability", out / "run").exit_code == 0
    assert netgen("power", out / "run").exit_code in (0, 3)
    options = ("--supplies", "1.6,1.8")
    assert netgen("sweep", model, samples, "-o", out / "sweep", *options).exit_code == 0
    return out


def test_files_of_a_quick_run_fit_their_schemas(pipeline: Path) -> None:
    seen = check_files(written(pipeline))
    wanted = {"build", "design", "mapping", "model", "tolerances", "simulation", "report"}
    wanted |= {"population", "failure", "variability", "sweep", "results", "pictures"}
    assert seen >= {f"netgen-{name}" for name in wanted}


@pytest.mark.ngspice
def test_files_of_a_circuit_fit_their_schemas(tmp_path: Path) -> None:
    model, samples, out = EXAMPLE / "model.json", EXAMPLE / "samples.npz", tmp_path / "out"
    two = ("--samples", "0:2")
    assert netgen("run", model, samples, "-o", out, *two).exit_code == 0
    assert netgen("sim", out, samples, "--monte-carlo", 1, *two).exit_code == 0
    assert netgen("sim", out, samples, "--corners", "typical/1.8/27", *two).exit_code == 0
    for command in (("variability", out), ("power", out), ("twin", out, samples, "--chips", 4)):
        assert netgen(*command).exit_code == 0
    seen = check_files(written(out))
    wanted = {"build", "verification", "report", "power", "twin", "population", "variability"}
    assert seen >= {f"netgen-{name}" for name in wanted}
