"""A block of a package of its own: an operation that netgen does not know, through every room."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import netgen
from fake_technology import UNIT, fake_technology, ratio_drawn
from netlists import network_text
from small_models import document, linear

from netgen.api import Circuit as Built
from netgen.api import build, compare, make_samples, monte_carlo, simulate, twin
from netgen.behavioural.fast import fast_chips
from netgen.circuit import build_circuit
from netgen.circuit.blocks import block_of
from netgen.circuit.synthesis import synthesise
from netgen.document import number_at
from netgen.errors import ConfigurationError, ModelError
from netgen.model import Model, evaluate, from_dict, model_schema, to_dict
from netgen.model.cell import GROUP, realised
from netgen.netlist.area import areas
from netgen.netlist.meters import SupplyBranch
from netgen.netlist.read import read_network
from netgen.project import read_build, read_runs, verify
from netgen.project.twin import twin_of_build
from netgen.technology import Variation, sample_deviations

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PLUGIN = Path(__file__).parents[1] / "plugin"
ROOT = PLUGIN.parents[1]


def installed(folder: Path, name: str, entries: dict[str, str]) -> None:
    """Write the metadata that an installation leaves."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in entries.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]) + "\n")


@pytest.fixture(scope="module", autouse=True)
def _comparator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the package: its own entry points, from its own pyproject.toml."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path_factory.mktemp("site")
    installed(site, project["name"], project["entry-points"][GROUP])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGIN))
        patch.syspath_prepend(str(site))
        realised.cache_clear()
        yield
    realised.cache_clear()
    sys.modules.pop("netgen_comparator", None)


def comparing() -> dict[str, Any]:
    """Return a model of three comparators, one of which reads another."""
    nodes = [
        linear("sum", "x", [[1.0, 0.0], [0.5, 0.5]], [0.0, 0.1]),
        {"name": "candidate", "op": "relu", "input": "sum"},
        {
            "name": "above",
            "op": "comparator",
            "input": "candidate",
            "threshold": [0.5, 0.7],
            "height": [1.0, 0.8],
        },
        linear("next", "above", [[0.6, 0.5]], [0.05]),
        {"name": "both", "op": "relu", "input": "next"},
        {
            "name": "second",
            "op": "comparator",
            "input": "both",
            "threshold": [0.8],
            "height": [0.9],
        },
        linear("logits", "second", [[1.0], [-1.0]], [-0.3, 0.3]),
    ]
    return document("comparing", nodes, size=2, frames=(0, 3), classes=("above", "below"))


@pytest.fixture(scope="module")
def model() -> Model:
    return from_dict(comparing())


# Without a simulator


def test_its_operation_is_read_and_written(model: Model) -> None:
    assert [cell.op for cell in model.cells] == ["comparator", "comparator"]
    assert to_dict(from_dict(to_dict(model))) == to_dict(model)
    data = comparing()
    data["nodes"][2] |= {"initial_state": [0, 0], "threshold": [0.5, -1.0]}
    with pytest.raises(ModelError) as caught:
        from_dict(data)
    assert caught.value.problems[0].startswith("nodes[2].initial_state: is not known")
    assert "nodes[2].threshold[1]: -1 must be above 0" in caught.value.problems


def test_the_schema_has_its_operation(model: Model) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(to_dict(model), model_schema())
    data = comparing()
    del data["nodes"][2]["height"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, model_schema())
    assert netgen("schema", "model").output.count('"const": "comparator"') == 1


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("no_such_module:BLOCK", "no_such_module:BLOCK is no block (ModuleNotFoundError"),
        ("json:dumps", "json:dumps is no block (AttributeError"),
        ("netgen_comparator:BLOCK", "brings operation comparator, which is there already"),
    ],
)
def test_a_block_that_cannot_be_used_is_named(
    entry: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "other", {"second": entry})
    monkeypatch.syspath_prepend(str(tmp_path))
    realised.cache_clear()
    try:
        with pytest.raises(ConfigurationError) as caught:
            from_dict(comparing())
    finally:
        monkeypatch.undo()
        realised.cache_clear()
    assert caught.value.source == f"entry point second of {GROUP}"
    assert caught.value.problems[0].startswith(words)


def test_its_software_has_no_memory(model: Model) -> None:
    x = np.array([[[0.6, 0.0], [0.0, 0.0], [1.0, 1.0], [0.4, 0.4]]])
    values = evaluate(model, x)
    np.testing.assert_array_equal(values["above"][0, :, 0], [1.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(values["above"][0, :, 1], [0.0, 0.0, 0.8, 0.0])
    np.testing.assert_array_equal(values["second"][0, :, 0], [0.0, 0.0, 0.9, 0.0])


def test_its_cells_are_in_netlist_area_and_mismatch(model: Model) -> None:
    circuit = ratio_drawn(build_circuit(model, UNIT))
    technology = fake_technology()
    netlist, text = synthesise(circuit, technology), network_text(circuit, technology)
    assert text.count(".subckt comparator_5t cand threshold height out vdd vss") == 1
    assert "schmitt" not in text
    assert netlist.counts["cell"] == 5 * 3
    assert netlist.counts["bias"] >= 2 * 3
    assert netlist.counts["start"] == 0
    assert circuit.releases == 0
    assert areas(netlist, technology)[SupplyBranch("above", "cell")].transistors == 10
    shifts = sample_deviations(technology, Variation(1), netlist.transistors, 0, 4)
    assert shifts["second_0.m3"].shape == (4, 2)
    edited = read_network(
        text.replace("above_0_height 1e-09", "above_0_height 2e-09"), technology, netlist
    )
    assert edited.counts == netlist.counts
    assert edited.sources["above_0_height"].current == 2e-9
    assert {i.parameter for u in netlist.units for i in u.instances if i.role == "bias"} >= {
        "above.threshold[1]",
        "second.height[0]",
    }


def test_matched_transistors_are_in_its_subcircuit(model: Model) -> None:
    netlist = synthesise(ratio_drawn(build_circuit(model, UNIT)), fake_technology())
    for hint in block_of(model.cells[0]).matched():
        assert set(hint.devices) <= {device.name for device in netlist.blocks[hint.module].devices}


# With ngspice


SAMPLES = np.random.default_rng(2).choice([0.1, 0.3, 0.8, 1.2], (3, 4, 2))


@pytest.fixture(scope="module")
def built(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Built:
    samples = make_samples(SAMPLES, None, model)
    folder = tmp_path_factory.mktemp("foreign") / "out"
    return build(model, folder, technology="generic180", calibration=samples)


@pytest.mark.ngspice
@pytest.mark.parametrize("engine", ["monolithic", "staged"])
def test_it_is_simulated_compared_and_metered(
    built: Built, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netgen.report.comparison.write.plot_all", lambda *_: [])
    samples = make_samples(SAMPLES, None, built.model)
    simulate(built, samples, engine=engine)
    result = compare(built)
    assert not [check for check in result.checks if not check.passed]
    folder = read_build(built.folder)
    power = read_runs(folder).traces(0).power
    watts = dict(zip(power.branches, power.average_w.tolist(), strict=True))
    assert watts[SupplyBranch("above", "cell")] > 1e-10
    predicted = number_at(folder.record, "predicted_power", "average_w")
    assert predicted == pytest.approx(sum(watts.values()), rel=0.2)


@pytest.mark.ngspice
def test_its_chips_deviate_in_ngspice_and_in_the_twin(built: Built) -> None:
    samples = make_samples(SAMPLES[:1], None, built.model)
    chips = monte_carlo(built, samples, chips=2)
    predictions = twin(built, samples, chips=20)
    np.testing.assert_array_equal(predictions.classes[:2], chips.figures.decision)


@pytest.mark.ngspice
def test_its_twin_has_its_threshold(built: Built) -> None:
    chips = twin_of_build(read_build(built.folder))
    candidate = np.linspace(0.4, 0.6, 41)
    x = np.stack([candidate, np.zeros(41)], axis=1)[np.newaxis]
    nominal = chips.run({}, x).states["above"][0, 0, :, 0]
    assert candidate[np.argmax(nominal)] == pytest.approx(0.5, abs=0.011)
    # M2 conducts 10 % more: so much more candidate it takes
    shifted = chips.run({"above_0.m2": np.array([[0.0, 0.1]])}, x).states["above"][0, 0, :, 0]
    assert candidate[np.argmax(shifted)] == pytest.approx(0.55, abs=0.011)
    fast = fast_chips(chips)
    states = fast.run(fast.errors({"above_0.m2": np.array([[0.0, 0.1]])}), x).states["above"]
    assert candidate[np.argmax(states[0, 0, :, 0])] == pytest.approx(0.55, abs=0.011)


@pytest.mark.ngspice
def test_it_is_verified(built: Built) -> None:
    found = verify(read_build(built.folder), 1, lambda *_: None)
    assert not found.failures
    assert len(found.cells) == 3
    for cell in found.cells:
        assert abs(cell.threshold_error) < 0.01
        assert cell.width_error == 0
        assert abs(cell.output_error) < 0.01
