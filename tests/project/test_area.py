"""Area by group: within the budget, spent where the variance is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from fake_technology import UNIT, ratio_drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from ideal_twin import TECHNOLOGY, twin_of
from small_models import small_model

from netgen.circuit import build_circuit
from netgen.circuit.blocks.groups import MIRRORS
from netgen.errors import UsageError
from netgen.model import Model, Samples, from_dict, random_model
from netgen.netlist import Conditions
from netgen.project import BuildOptions
from netgen.project.area import FACTORS, AreaByGroup, area_by_group
from netgen.project.build import Design
from netgen.technology import scaled, with_sizes

MODEL = from_dict(small_model())
TWIN = twin_of(MODEL)


def labelled() -> Samples:
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 1.4, (12, 8, 3))
    labels = np.arange(12) % 2
    return Samples(x, labels, tuple(map(str, range(12))))


@pytest.fixture
def area(monkeypatch: pytest.MonkeyPatch) -> AreaByGroup:
    return by_group(monkeypatch)


def by_group(patch: pytest.MonkeyPatch, trimmed: bool = False) -> AreaByGroup:
    patch.setattr("netgen.project.area.twin_of", lambda *_: TWIN)
    patch.setattr("netgen.project.area.CHIPS", 300)
    patch.setattr("netgen.project.area.EVALUATED", 100)
    return AreaByGroup(drawn({}), labelled(), drawn, trimmed)


def drawn(sizes: Mapping[str, float], model: Model = MODEL) -> Design:
    """Draw the model; its mirrors stay as they are, whatever the size of their group."""
    unit = with_sizes(UNIT, {group: scaled(UNIT, by) for group, by in sizes.items()})
    circuit = ratio_drawn(build_circuit(model, unit))
    at = Conditions("typical", 25.0, 1.8)
    return Design(circuit, TECHNOLOGY, at, (), TWIN.known, labelled().x)


SPENT = AreaByGroup(drawn({}), labelled(), drawn)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=10, max_size=10), st.floats(0.6, 4))
def test_the_budget_is_kept_and_used(variances: list[float], budget: float) -> None:
    known = dict(zip(SPENT.groups, variances, strict=True))
    ones = dict.fromkeys(SPENT.groups, 1.0)
    found = SPENT.cheapest(known, budget)
    assert SPENT.area(ones) == 1
    smallest = SPENT.area(dict.fromkeys(SPENT.groups, FACTORS[0]))
    assert SPENT.area(found) <= max(budget, smallest) + 1e-9
    if min(variances) > 1e-3:  # the next step of every group is beyond the budget, or of no use
        assert SPENT.area(found) > min(0.85 * budget, 0.95 * SPENT.area(dict.fromkeys(ones, 6.0)))


def test_the_more_variance_the_larger(area: AreaByGroup) -> None:
    alike = {group: area.areas[group][5] for group in area.groups}  # as their areas
    favoured = area.cheapest(alike | {"thresh": 20 * alike["thresh"]}, 2.0)
    usual = area.cheapest(alike, 2.0)
    assert favoured["thresh"] > usual["thresh"]
    assert all(favoured[g] <= usual[g] for g in area.groups if g != "thresh")


def test_variances_fall_with_the_area_and_are_where_the_errors_are(area: AreaByGroup) -> None:
    ones = dict.fromkeys(area.groups, 1.0)
    small, large = (
        area.chips.variances(area.sigma(factors), 300) for factors in (ones, ones | {"x": 6.0})
    )
    assert set(small) == set(area.groups)
    shares = [found["x"] / sum(found.values()) for found in (small, large)]
    assert shares[1] < 0.2 * shares[0]


def test_trimmed_groups_are_drawn_no_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    found = by_group(monkeypatch, trimmed=True).within(1.0)
    assert min(found.factors[g] for g in ("thresh", "width", "gain", "candidates")) == 1.0
    assert found.area <= 1.0
    assert found.accuracy.chips == 100


@pytest.mark.parametrize("budget", [0.9, 1.5, 3.0])
def test_the_drawn_circuit_keeps_the_budget(area: AreaByGroup, budget: float) -> None:
    """Its mirrors do not become smaller or larger, which no estimate tells."""
    found = area.within(budget)
    assert 0.9 * budget < found.area <= budget
    assert found.accuracy.chips == 100


def test_a_budget_below_all_that_can_be_drawn(area: AreaByGroup) -> None:
    with pytest.raises(UsageError, match=r"--area 0\.1: the smallest that can be drawn is 0\."):
        area.within(0.1)


def test_mirrors_at_the_narrowest_width_do_not_become_smaller(area: AreaByGroup) -> None:
    mirrors = [name for name, group in area.group_of.items() if group == "weights"]
    for name in mirrors:
        now, small = area.design.netlist.transistors[name].geometry, area.resized(name, 0.5)
        assert small.width >= 0.22e-6 - 1e-12
        assert small.width / small.length == pytest.approx(now.width / now.length)
    line = next(name for name, group in area.group_of.items() if group == "x")
    assert area.resized(line, 0.5) == scaled(area.design.netlist.transistors[line].geometry, 0.5)


def test_a_yield_is_reached_with_little_area(
    area: AreaByGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netgen.project.area._HALVINGS", 2)
    found = area.reaching(0.05)
    assert found.kept >= 0.05
    assert found.area < 8
    with pytest.raises(UsageError, match=r"--yield 1\.1: at 8 × the area"):
        area.reaching(1.1)


def test_it_needs_labels_and_one_size_for_all() -> None:
    samples = labelled()
    unlabelled = Samples(samples.x, None, samples.ids)
    with pytest.raises(UsageError, match="labels"):
        area_by_group(MODEL, BuildOptions(), unlabelled, budget=1.0)
    with pytest.raises(UsageError, match="--size"):
        area_by_group(MODEL, BuildOptions(sizes={"x": 2.0}), samples, budget=1.0)


def test_by_node_the_area_goes_to_the_layer_where_the_variance_is() -> None:
    model = random_model(1, state=2, layers=2, inputs=2, frames=4, samples=1)[0]
    usual = drawn({}, model)
    area = AreaByGroup(usual, labelled(), lambda sizes: drawn(sizes, model), by_node=True)
    first, second = (f"l{layer}.state.thresh" for layer in (1, 2))
    alike = {group: area.areas[group][5] for group in area.groups}  # as their areas
    found = area.cheapest(alike | {second: 20 * alike[second]}, 2.0)
    assert found[second] > found[first]
    netlist = area.redrawn(found).netlist
    for name, group in area.group_of.items():
        if group.rpartition(".")[2] not in MIRRORS:
            size = area.resized(name, found[group])
            assert netlist.transistors[name].geometry.length == pytest.approx(size.length)
    assert {first, second, "l1.relu.weights", "x", "readout"} <= set(area.groups)
