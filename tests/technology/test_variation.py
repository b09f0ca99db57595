"""Random deviations: the same for the same chip anywhere, and as large as the process says."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from fake_technology import fake_technology
from hypothesis import given
from hypothesis import strategies as st

from netgen.errors import UsageError
from netgen.technology import Geometry, Technology, Variation, sample_deviations
from netgen.technology.data import Mismatch, Polarity, ProcessSpread
from netgen.technology.variation import normals


class Transistor(NamedTuple):
    """What the statistics of a transistor depend on."""

    polarity: Polarity
    geometry: Geometry


N = Transistor("nmos", Geometry(2e-6, 2e-6))
P = Transistor("pmos", Geometry(2e-6, 2e-6, 4))


def technology(process: bool = True) -> Technology:
    law: dict[Polarity, Mismatch] = {"nmos": Mismatch(4e-9, 1e-8), "pmos": Mismatch(6e-9, 2e-8)}
    spread: dict[Polarity, ProcessSpread] = {
        "nmos": ProcessSpread(0.015, 0.02),
        "pmos": ProcessSpread(0.02, 0.01),
    }
    return replace(fake_technology(), mismatch=law, process=spread if process else {})


def test_numbers_of_a_chip_are_the_same_anywhere() -> None:
    """These figures are part of what a seed means: they must not change."""
    wanted = [[-1.00968186708, 0.483244946859], [0.6912881170611, -1.571946015319]]
    assert normals(1, "l1_state_3.m1", 0, 2) == pytest.approx(np.array(wanted), abs=1e-12)


def test_runs_do_not_depend_on_each_other() -> None:
    many = normals(7, "x_0.diode", 0, 50)
    assert np.array_equal(many[31:33], normals(7, "x_0.diode", 31, 2))
    assert np.array_equal(many[49:], normals(7, "x_0.diode", 49, 1))


@pytest.mark.parametrize("other", [(2, "a"), (1, "b"), (12, "")])
def test_seeds_and_names_give_other_numbers(other: tuple[int, str]) -> None:
    assert not np.isclose(normals(1, "a", 0, 20), normals(*other, 0, 20)).any()


def test_numbers_are_standard_normal_and_uncorrelated() -> None:
    drawn = np.concatenate([normals(3, f"device {i}", 0, 400) for i in range(100)])
    assert drawn.mean(axis=0) == pytest.approx([0, 0], abs=4 / np.sqrt(40_000))
    assert drawn.std(axis=0) == pytest.approx([1, 1], abs=4 / np.sqrt(80_000))
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0, abs=0.02)
    neighbours = np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]
    assert neighbours == pytest.approx(0, abs=0.02)


def test_mismatch_is_as_large_as_the_area_allows() -> None:
    drawn = sample_deviations(technology(), Variation(5), {"n": N, "p": P}, 0, 4000)
    assert drawn["n"].std(axis=0) == pytest.approx([2e-3, 5e-3], rel=0.05)
    assert drawn["p"].std(axis=0) == pytest.approx([1.5e-3, 5e-3], rel=0.05)
    assert np.corrcoef(drawn["n"][:, 0], drawn["p"][:, 0])[0, 1] == pytest.approx(0, abs=0.06)


def test_process_is_common_to_a_polarity() -> None:
    variation = Variation(5, mismatch=False, process=True)
    drawn = sample_deviations(technology(), variation, {"a": N, "b": N, "p": P}, 0, 4000)
    assert np.array_equal(drawn["a"], drawn["b"])
    assert drawn["a"].std(axis=0) == pytest.approx([0.015, 0.02], rel=0.05)
    assert drawn["p"].std(axis=0) == pytest.approx([0.02, 0.01], rel=0.05)


def test_both_add_up() -> None:
    mismatch, process, both = (
        sample_deviations(technology(), Variation(5, *kinds), {"n": N}, 3, 2)["n"]
        for kinds in ((True, False), (False, True), (True, True))
    )
    assert both == pytest.approx(mismatch + process, abs=1e-15)


def test_process_nobody_described_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no statistics of its process: add \[process.nmos\]"):
        sample_deviations(technology(process=False), Variation(1, process=True), {"n": N}, 0)


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(1, 5))
def test_all_names_at_once_have_the_numbers_of_each(seed: int, first: int, count: int) -> None:
    names = {f"m{place}": Transistor("nmos", Geometry(1e-6, 1e-6)) for place in range(4)}
    together = sample_deviations(technology(), Variation(seed), names, first, count)
    sigma = np.array(technology().mismatch["nmos"].sigma(Geometry(1e-6, 1e-6)))
    for name, found in together.items():
        alone = normals(seed, name, first, count) * sigma
        assert np.array_equal(found, alone)
