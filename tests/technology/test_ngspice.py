"""Technologies simulated: one added as an outsider would, and calibrated cells in each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from netgen.characterise import CellBench
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.circuit.blocks.schmitt9 import read_thresholds
from netgen.commands import main
from netgen.errors import ToolMissingError
from netgen.project import BuildOptions, resolve_options
from netgen.simulators import run_job

pytestmark = pytest.mark.ngspice

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "set-reset"
MODEL, SAMPLES = str(EXAMPLE / "model.json"), str(EXAMPLE / "samples.npz")


@pytest.fixture(autouse=True)
def _no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take longer than these simulations, and have tests of their own."""
    monkeypatch.setattr("netgen.report.comparison.write.plot_all", lambda *_: [])


def test_folder_of_an_outsider(tmp_path: Path) -> None:
    """What docs/add-your-own-pdk.md tells: a folder, and --technology wherever one is named."""
    mine, out = tmp_path / "my-pdk", tmp_path / "out"
    shutil.copytree(ROOT / "pdk" / "generic180", mine)
    description = mine / "technology.toml"
    text = description.read_text(encoding="utf-8").replace('name = "generic180"', 'name = "mine"')
    description.write_text(text, encoding="utf-8")
    words = ["run", MODEL, SAMPLES, "-o", str(out), "--samples", "0:2", "--jobs", "1"]
    done = CliRunner().invoke(main, [*words, "--technology", str(mine)], standalone_mode=False)
    assert done.exception is None or done.exception.args == (0,), done.output
    assert "2 of 2 decisions equal" in done.output
    record = json.loads((out / "build.json").read_text())
    assert (record["pdk"], record["technology_folder"]) == ("mine", str(mine))
    again = CliRunner().invoke(
        main, ["sim", str(out), SAMPLES, "--samples", "0:3", "--jobs", "1"], standalone_mode=False
    )
    assert again.exception is None, again.output
    assert "1 samples simulated" in again.output


def test_technology_named_twice_is_wrong_usage(tmp_path: Path) -> None:
    words = ["check", MODEL, "--pdk", "generic180", "--technology", str(tmp_path)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "give one of them" in done.output


@pytest.mark.parametrize("name", ["generic180", "sky130"])
def test_calibrated_cells(name: str, tmp_path: Path) -> None:
    """Thresholds of 20 pA … 2 nA, widths of 10 … 95 % of them."""
    try:
        technology, at, unit = resolve_options(BuildOptions(name), tmp_path)
    except ToolMissingError as error:
        pytest.skip(str(error))
    bench = CellBench(technology, at, unit, 1e-9, tmp_path, run_job)
    table = SCHMITT9.characterise(bench)
    random = np.random.default_rng(5)
    threshold, gain = np.exp(random.uniform(np.log(20e-12), np.log(2e-9), (2, 40)))
    width = threshold * random.uniform(0.1, 0.95, 40)
    biases = table.biases(np.array([threshold, width, gain]))
    cells = [SCHMITT9.biased(*bias) for bias in biases.T]
    rising, falling, output = read_thresholds(bench.held(cells)).T
    assert np.abs(rising / threshold - 1).max() < 0.005
    assert np.abs((rising - falling) / width - 1).max() < 0.01
    assert np.abs(output / gain - 1).max() < 0.005
