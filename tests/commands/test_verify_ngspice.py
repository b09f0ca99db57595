"""A netlist's mirrors and cells measured by ngspice: as built it passes, spoiled it does not."""

from __future__ import annotations

import json
import runpy
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import netgen

from netgen.analysis import Tolerances, verified
from netgen.model import load_model, random_model
from netgen.project import Build, BuildOptions, build, read_build, read_verification, verify

ROOT = Path(__file__).parents[2]
TOOLS: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks" / "mutations.py"))
verify_module = import_module("netgen.project.verify")
pytestmark = pytest.mark.ngspice


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("verify") / "out"
    build(load_model(ROOT / "examples" / "set-reset" / "model.json"), folder, BuildOptions())
    return read_build(folder)


def test_a_netlist_as_built_has_the_learned_parameters(made: Build) -> None:
    result = netgen("verify", made.folder.path)
    assert result.exit_code == 0, result.output
    assert "the netlist has the learned parameters" in result.output
    found = read_verification(made)
    assert found is not None
    learned = {(m.node, m.row, m.source, m.column): m for m in found.mirrors}
    first = learned["candidate", 0, "x", 0]
    assert first.parameter == "drive.weight[0][0]"
    assert first.learned == 0.6
    assert first.measured == pytest.approx(0.6, rel=0.02)
    assert max(abs(m.error) for m in found.mirrors) < 0.003
    assert max(row.error for row in found.sums) < 0.002
    assert max(abs(cell.threshold_error) for cell in found.cells) < 1e-3
    assert max(abs(cell.width_error) for cell in found.cells) < 3e-3
    assert max(abs(cell.output_error) for cell in found.cells) < 1e-3
    data = json.loads(made.folder.verification.read_text(encoding="utf-8"))
    assert data["format"] == "netgen-verification"


@pytest.mark.parametrize(
    ("there", "instead", "cell"),
    [
        ("Xmemory_0_start memory_0_v0 reset_1 ", "*", "memory[0] is not set low"),
        ("Xmemory_1_start memory_1_v0 set_1_b ", "*", "memory[1] is not set high"),
        (
            "Xmemory_1_start memory_1_v0 ",
            "Xmemory_1_start memory_0_v0 ",
            "memory[1] is not set high",
        ),
    ],
)
def test_a_start_up_switch_that_does_not_hold_its_cell_is_named(
    tmp_path: Path, there: str, instead: str, cell: str
) -> None:
    """Without it the operating point may find the right state all the same."""
    folder = tmp_path / "out"
    build(load_model(ROOT / "examples" / "set-reset" / "model.json"), folder, BuildOptions())
    text = (folder / "netlist.cir").read_text(encoding="utf-8")
    assert there in text
    (folder / "netlist.cir").write_text(text.replace(there, instead), encoding="utf-8")
    result = netgen("verify", folder, "--edited-netlist")
    assert result.exit_code == 1
    assert cell in result.output


def test_sums_that_are_not_finite_are_a_failure(
    made: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = verify_module._sums
    monkeypatch.setattr(verify_module, "_sums", lambda *given: measured(*given) * np.nan)
    found = verify(made, 1, lambda *_: None)
    made.folder.verification.unlink()
    assert found.failures == {"candidate": "not finite", "logits": "not finite"}
    assert not any(check.passed for check in verified(found, Tolerances())[:1])


def test_a_layer_of_many_ports_is_placed_in_parts(
    made: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ngspice places no subcircuit with more than 1,004 nets."""
    whole = verify(made, 1, lambda *_: None)
    made.folder.verification.unlink(missing_ok=True)
    monkeypatch.setattr("netgen.netlist.verification.MOST_PORTS", 6)
    parts = verify(made, 1, lambda *_: None)
    assert not parts.failures
    for each, other in ((whole.mirrors, parts.mirrors), (whole.cells, parts.cells)):
        assert [repr(a) for a in each] == [repr(b) for b in other]


def test_a_layer_of_many_signals_is_measured_some_at_a_time(
    made: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    decks: list[int] = []
    whole = verify(made, 1, lambda _, total: decks.append(total))
    made.folder.verification.unlink(missing_ok=True)
    monkeypatch.setattr("netgen.analysis.comparison.sum_plan.TOGETHER", 1)
    monkeypatch.setattr("netgen.analysis.comparison.sum_plan.MIRRORS", 1)
    parts = verify(made, 1, lambda _, total: decks.append(total))
    assert decks[-1] > decks[0]
    assert not parts.failures
    assert [m.place for m in parts.mirrors] == [m.place for m in whole.mirrors]
    for one, other in zip(whole.mirrors, parts.mirrors, strict=True):
        assert other.measured == pytest.approx(one.measured, abs=2e-5)
    for row, again in zip(whole.sums, parts.sums, strict=True):
        assert (again.node, again.row) == (row.node, row.row)
        assert again.error == pytest.approx(row.error, abs=2e-5)


BY_GROUP = {"x": 2.0, "reference": 1.5, "candidates": 1.5, "thresh": 2.5, "states": 0.8}
BY_GROUP |= {"weights": 0.7, "readout": 0.5}
BY_NODE = BY_GROUP | {"l2.weights": 1.5, "l2.thresh": 1.2, "l2.cand.candidates": 2.0}
BY_NODE |= {"l1.state.states": 1.5, "l1.relu.rows": 2.0, "l2.state.width": 0.8}


@pytest.mark.parametrize("sizes", [BY_GROUP, BY_NODE], ids=["group", "node"])
def test_groups_of_devices_in_other_sizes_have_them_too(
    tmp_path: Path, sizes: dict[str, float]
) -> None:
    """Mirrors whose diode has another size than they have keep their ratios."""
    model = load_model(ROOT / "examples" / "set-reset" / "model.json")
    if sizes is BY_NODE:
        model, _ = random_model(2, state=1, layers=2, inputs=1, frames=4, samples=1)
    build(model, tmp_path / "out", BuildOptions(sizes=sizes))
    made = read_build(tmp_path / "out")
    assert netgen("verify", made.folder.path).exit_code == 0
    found = read_verification(made)
    assert found is not None
    assert max(abs(m.error) for m in found.mirrors) < 0.003
    assert max(row.error for row in found.sums) < 0.005
    assert max(abs(cell.threshold_error) for cell in found.cells) < 1e-3
    assert max(abs(cell.width_error) for cell in found.cells) < 3e-3
    assert max(abs(cell.output_error) for cell in found.cells) < 1e-3
    assert made.options.unit is not None
    assert made.options.unit.of("x").width == pytest.approx(4e-6)


def test_every_kind_of_fault_ends_with_status_1_and_names_the_node(made: Build) -> None:
    netlist = made.folder.netlist
    original = netlist.read_text(encoding="utf-8")
    mapping = made.folder.mapping.read_text(encoding="utf-8")
    spoiled = list(TOOLS["mutations"](original, mapping, 1))
    assert {m.kind for m in spoiled} == {
        *("weight +5%", "weight -5%", "weight deleted", "alpha -5%", "threshold +3%"),
        *("threshold -3%", "width +10%", "width -10%", "bias off", "nets swapped"),
    }
    try:
        for mutation in spoiled:
            netlist.write_text(mutation.netlist, encoding="utf-8")
            edited = read_build(made.folder.path, edited=True)
            assert read_verification(edited) is None  # what was measured is of another netlist
            result = netgen("verify", made.folder.path, "--edited-netlist")
            assert result.exit_code == 1, (mutation.kind, mutation.place, result.output)
            assert f" {mutation.node}[" in result.output, (mutation.kind, mutation.place)
            assert "DOES NOT HAVE the learned parameters" in result.output
    finally:
        netlist.write_text(original, encoding="utf-8")
