"""The one gain of a mirror: bins of the models, stretches between them, and ngspice."""

from __future__ import annotations

import runpy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fake_technology import UNIT, UNIT_CURRENT, fake_gain, fake_mirrors, fake_technology

from netgen.characterise.gain import Axes, MirrorTables
from netgen.characterise.mirrors import falling
from netgen.characterise.path import path_points
from netgen.model import load_model
from netgen.project import BuildOptions, design
from netgen.sizing.size import _Path
from netgen.technology import Geometry, Models

ROOT = Path(__file__).parents[2]
LONGEST = 25e-6
TECHNOLOGY = replace(fake_technology(), max_series=2, length=(fake_technology().length[0], LONGEST))
EDGES = (0.0, 5e-6, 1.0)
"""Lengths at which the bins of the model begin and end, m."""
MODELS = Models(np.array([(0.0, 1.0, a, b) for a, b in pairwise(EDGES)]), LONGEST)
AXES = Axes(np.geomspace(8e-12, 1e-8, 13), np.linspace(0.18, 0.9, 5), 1.8, 0.0259)


def binned(geometry: Geometry, step: float) -> float:
    """Return the factor of a gain in its bin, and of two transistors in series."""
    series = TECHNOLOGY.series(geometry.length)
    long = geometry.length / series >= EDGES[1] * (1 - 1e-9)
    return (step if long else 1.0) * (1.05 if series > 1 else 1.0)


def tables(step: float) -> MirrorTables:
    """Tabulate a gain that jumps where the model changes."""
    points = path_points(TECHNOLOGY, "nmos", UNIT, MODELS)
    currents, drains = AXES.currents[:, None], AXES.drains[None, :]
    factor = AXES.saturation("nmos", AXES.drains)
    gain = np.array([fake_gain(p, currents, drains) * factor * binned(p, step) for p in points])
    return MirrorTables(AXES, {("n", "nmos"): falling(points, gain, MODELS)}, np.zeros(13))


def test_a_bin_holds_its_lower_edge() -> None:
    width = np.full(3, 1e-6)
    length = np.array([4.995e-6, 5e-6, LONGEST + 1e-8])
    assert MODELS.place(width, length).tolist() == [[1, 1], [1, 2], [2, 2]]


def test_the_path_has_a_point_on_either_side_of_a_change() -> None:
    lengths = {round(p.length * 1e9) for p in path_points(TECHNOLOGY, "nmos", UNIT, MODELS)}
    assert {4995, 5000, 25000, 25010} <= lengths


def test_the_longest_transistor_may_be_as_long_as_a_stretch_that_narrows() -> None:
    """The longest is where the path turns: a unit mirror a fifth as long has such a path."""
    corners = TECHNOLOGY.path("nmos", UNIT)
    turn = next(a.length for a, b in pairwise(corners) if a.length == b.length)
    models = Models(np.array([(0.0, 1.0, 0.0, 1.0)]), turn)
    points = path_points(TECHNOLOGY, "nmos", UNIT, models)
    assert {corners[0], corners[-1]} <= {*points}


@pytest.mark.parametrize("step", [0.9, 1.0, 1.1])
def test_a_device_has_the_gain_of_its_own_model(step: float) -> None:
    known = tables(step)
    corners = TECHNOLOGY.path("nmos", UNIT)
    a, b = next((a, b) for a, b in pairwise(corners) if a.length < EDGES[1] <= b.length)
    for length in (4.6e-6, 4.95e-6, 4.995e-6, 5e-6, 5.05e-6):
        assert a.width == b.width
        geometry = Geometry(a.width, length)
        if step > 1 and length >= EDGES[1]:
            continue  # there the path turns back: nothing is drawn
        for volts in (0.12, 0.3, 0.65):
            current = np.array(3.3e-10)
            found = known.of_one("n", "nmos", geometry, current, np.array(volts))
            factor = AXES.saturation("nmos", np.array(volts)) * binned(geometry, step)
            expected = fake_gain(geometry, 3.3e-10, volts) * factor
            np.testing.assert_allclose(found, expected, rtol=3e-4)


@pytest.mark.parametrize("step", [0.8, 0.95, 1.1, 1.3])
def test_weights_beside_a_jump_are_drawn_as_wanted(step: float) -> None:
    """Where the gain leaps over a weight, length or width make up for it within one model."""
    known = tables(step)
    path = _Path(known, "n", "nmos", TECHNOLOGY)
    wanted = np.geomspace(3, 0.01, 300)
    gains = next(path.gains(np.full(300, 1e-9), np.array([0.4])))
    width, length, count = path.invert(wanted, gains)
    geometry = [Geometry(w, le, int(c)) for w, le, c in zip(width, length, count, strict=True)]
    factor = AXES.saturation("nmos", np.array(0.4))
    true = [float(fake_gain(g, 1e-9, 0.4)) * binned(g, step) * float(factor) for g in geometry]
    at = np.full(300, 1e-9), np.array([0.4])
    said = known.gain("n", "nmos", (width, length, count), *at)
    np.testing.assert_allclose(said, true, rtol=1e-3)
    assert np.median(np.abs(np.array(true) / wanted - 1)) < 1e-3
    assert np.abs(np.array(true) / wanted - 1).max() < 5e-3


@pytest.mark.ngspice
@pytest.mark.parametrize("technology", ["gf180mcu", "generic180"])
def test_gain_of_drawn_devices_against_ngspice(technology: str) -> None:
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "gain.py"))
    model = load_model(ROOT / "examples" / "set-reset" / "model.json")
    found = benchmark["gain_errors"](design(model, BuildOptions(technology)), 7, 4)
    errors = np.abs(np.concatenate([values.ravel() for values in found.values]))
    assert errors.size > 100
    assert np.median(errors) < 2e-4
    assert errors.max() < 7e-3


def test_curves_are_the_same_gain() -> None:
    """What the twin evaluates for many chips is what everybody else asks for."""
    known = fake_mirrors(fake_technology(), UNIT, 1.8)
    for table in known.tables.values():
        surfaces = table.gain[:3]
        logs = np.log(np.geomspace(1e-3, 30, 97) * UNIT_CURRENT).reshape(1, 1, -1)
        expected = np.einsum("kc,ncd->nkd", known.axes.of_current(np.exp(logs[0, 0])), surfaces)
        found = known.axes.curves(surfaces).at(np.broadcast_to(logs, (2, 3, 97)))
        np.testing.assert_allclose(found, [expected, expected], rtol=1e-12)
