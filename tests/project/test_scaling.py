"""Scaling: power laws are fitted, and the model is held against ngspice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import netgen, says

from netgen.analysis.power.scaling import power_law


def test_exact_power_laws_are_found() -> None:
    sizes = np.array([4.0, 8, 16, 32])
    law = power_law(list(sizes), list(3e-9 * sizes**1.5))
    assert law is not None
    assert law.exponent == pytest.approx(1.5)
    assert law.factor == pytest.approx(3e-9)
    assert (law.low, law.high) == pytest.approx((1.5, 1.5))
    assert law.at(10) == pytest.approx(3e-9 * 10**1.5)


def test_interval_holds_the_exponent_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    sizes = 2.0 ** np.arange(2, 9)
    held = 0
    for _ in range(400):
        law = power_law(
            list(sizes), list(sizes**2 * np.exp(0.1 * random.standard_normal(len(sizes))))
        )
        assert law is not None
        held += law.low <= 2 <= law.high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, 0.0, 2.0], [1.0, -1.0, 2.0]])
def test_nothing_to_fit(values: list[float]) -> None:
    assert power_law(range(1, len(values) + 1), values) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sizes", "4,x"), "write whole numbers"),
        (("--sizes", "4,4"), "write different numbers"),
        (("--sizes", "0,4"), "above 0"),
        (("--samples", "0:2"), "bring their own"),
    ],
)
def test_wrong_usage(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    result = netgen("scaling", "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert said in says(result)[0]


@pytest.mark.ngspice
def test_model_and_circuit_agree_at_every_size(tmp_path: Path) -> None:
    options = ("--sizes", "2,3,5", "--frames", 6, "--layers", 1, "--confirm", 3)
    result = netgen("scaling", "-o", tmp_path / "out", "--pdk", "generic180", *options)
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "out" / "scaling.json").read_text())
    measured = [size["measured_w"] for size in record["sizes"]]
    assert [bool(parts) for parts in measured] == [True, True, False]
    for size in record["sizes"][:2]:
        for part, watts in size["measured_w"].items():
            assert size["predicted_w"][part] == pytest.approx(watts, rel=0.05), part
    transistors = [size["area"]["transistors"] for size in record["sizes"]]
    assert transistors == sorted(transistors)
    assert set(record["exponents"]) >= {"recurrent", "feedforward", "total", "area"}
    assert (tmp_path / "out" / "scaling.png").is_file()
