"""Chips of which some groups of devices deviate: who does what to decisions."""

from __future__ import annotations

import numpy as np
import pytest
from ideal_twin import TECHNOLOGY, twin_of
from small_models import small_model

from netgen.behavioural.fast import fast_chips
from netgen.model import from_dict
from netgen.project.grouped import GroupedChips
from netgen.trim import CodeRange

MODEL = from_dict(small_model())
X = np.random.default_rng(4).uniform(0, 1.4, (40, 8, 3))


def chips(span: CodeRange | None = None) -> GroupedChips:
    return GroupedChips(fast_chips(twin_of(MODEL)), X, span)


def sigma(found: GroupedChips) -> np.ndarray:
    return 2 * found.fast.sigma(TECHNOLOGY, found.fast.twin.netlist.transistors)


def test_only_what_deviates_does_anything() -> None:
    grouped = chips()
    found = grouped.contributions(sigma(grouped) * (grouped.groups == "x"))
    assert found.groups[0].group == "x"
    assert found.groups[0].share > 0.9
    assert sum(entry.share for entry in found.groups) == pytest.approx(1)
    assert found.groups[0].alone == found.agreement < 1
    assert found.groups[0].without == 1
    for entry in found.groups[1:]:
        assert entry.alone == 1
        assert entry.without == found.agreement


def test_every_device_belongs_to_one_group() -> None:
    grouped = chips()
    found = grouped.contributions(sigma(grouped))
    assert sum(entry.devices for entry in found.groups) == len(grouped.fast.names)
    assert {"x", "reference", "thresh", "weights"} <= {entry.group for entry in found.groups}
    assert all(entry.alone > found.agreement for entry in found.groups if entry.share < 0.2)


def test_a_trim_takes_away_what_it_corrects() -> None:
    def lost(span: CodeRange | None) -> float:
        grouped = chips(span)
        only = sigma(grouped) * np.isin(grouped.groups, ["thresh", "width", "gain"])
        return float((grouped.decisions(only, 200) != grouped.software).mean())

    assert lost(CodeRange(10, 0.3, 3.0)) < 0.1 * lost(None)
