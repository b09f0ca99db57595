"""A submission of the example: its sheet's currents come from a simulation through pads."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from command_line import netgen

from netgen.model import evaluate, load_model, load_samples

pytest.importorskip("klayout.db")
pytestmark = pytest.mark.ngspice
EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset"
SAMPLE = 1
"""Its inputs change."""


def test_the_sheet_expects_what_software_says(tmp_path: Path) -> None:
    folder, licence = tmp_path / "dir", tmp_path / "mine.txt"
    licence.write_text("As you like.\n")
    model = EXAMPLE / "model.json"
    target = ("--target", "ttgf-1x2", "--author", 'A "B" C', "--license", licence)
    for words in (
        ("build", model, "-o", folder, "--pdk", "gf180mcu", "--vdd", "3.3"),
        ("sim", folder, EXAMPLE / "samples.npz", "--samples", SAMPLE),
        ("tapeout", folder, *target),
    ):
        done = netgen(*words)
        assert done.exit_code == 0, done.output
    made = folder / "tapeout" / "ttgf-1x2"
    assert (made / "LICENSE").read_text() == "As you like.\n"
    assert 'author: "A \\"B\\" C"' in (made / "info.yaml").read_text()
    sheet = (made / "docs" / "info.md").read_text()
    assert "500 Ω and 5 pF at each" in sheet
    assert "without a pin: logits_2_out, logits_3_out." in sheet
    rows = [
        [float(word) for word in line.strip("| ").split("|")]
        for line in sheet.splitlines()
        if re.match(r"\| \d+ \|", line)
    ]
    loaded = load_model(model)
    x = load_samples(EXAMPLE / "samples.npz", loaded).x[SAMPLE]
    software = evaluate(loaded, x[np.newaxis])[loaded.readout.node][0]
    found = np.array(rows)
    assert found[:, 0].tolist() == list(range(len(x)))
    np.testing.assert_allclose(found[:, 1:4], x, atol=5e-4)  # 1.0 is 1 nA
    np.testing.assert_allclose(found[:, 4:], software[:, :2], atol=0.01)
    assert np.ptp(found[:, 4]) > 0.5
