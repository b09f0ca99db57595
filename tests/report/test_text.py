"""Numbers and names as a person reads them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netgen.analysis import CAUSES, Check
from netgen.analysis.comparison.tolerances import LIMITS
from netgen.report.text import CAUSE_MEANINGS, COUNTS, MEANINGS, limit, measured, percent, printable


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50.00 %"),
        (0.99997, "99.997 %"),
        (1 - 1e-7, "99.99999 %"),
        (0.000001, "0.0001 %"),
        (3.0, "300.00 %"),
    ],
)
def test_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


@given(st.floats(0, 1))
def test_only_all_reads_as_all_and_none_as_none(share: float) -> None:
    value = float(percent(share).removesuffix(" %"))
    if 1e-13 < share < 1 - 1e-13:
        assert 0 < value < 100


@given(st.text(st.characters(codec=None)))
def test_printable_text_can_be_written_anywhere(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    element = ElementTree.Element("case", name=shown)
    parsed = ElementTree.fromstring(ElementTree.tostring(element, encoding="utf-8"))
    assert parsed.get("name") == shown


def test_every_check_and_cause_has_its_meaning() -> None:
    names = {entry.removesuffix("_min") for entry in LIMITS} | set(COUNTS)
    assert set(MEANINGS) == names
    assert tuple(CAUSE_MEANINGS) == CAUSES


def test_checks_as_text() -> None:
    failures = Check("failures", 2, "≤", 0, False)
    assert (measured(failures), limit(failures)) == ("2", "≤ 0")
    share = Check("frame_agreement", 0.98765, "≥", 0.99, False)
    assert (measured(share), limit(share)) == ("98.77 %", "≥ 99 %")
    assert measured(Check("state_agreement", None, "≥", 0.99, True)) == "–"
