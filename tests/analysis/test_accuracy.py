"""Balanced accuracy of populations, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from netgen.analysis.variability.accuracy import balanced_accuracy, population_accuracy
from netgen.document import number_at
from netgen.report.variability.accuracy import accuracy_document, accuracy_lines

LABELS = np.array([0, 0, 0, 1])
DECISIONS = np.array([[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]])


def test_classes_count_alike_whatever_their_size() -> None:
    expected = [1.0, (2 / 3 + 1) / 2, 0.5, 1.0]
    np.testing.assert_allclose(balanced_accuracy(DECISIONS, LABELS), expected)


def test_population() -> None:
    found = population_accuracy(DECISIONS, LABELS, LABELS)
    each = np.array([1.0, 5 / 6, 0.5, 1.0])
    assert (found.chips, found.samples, found.software) == (4, 4, 1.0)
    assert found.mean == pytest.approx(each.mean())
    error = 1.96 * each.std(ddof=1) / 2
    assert found.interval == pytest.approx((each.mean() - error, 1.0), abs=1e-4)
    assert found.low == pytest.approx(np.quantile(each, 0.05))
    assert (found.near.hits, found.close.hits, found.far.hits) == (2, 2, 2)
    assert found.constant.hits == 1
    document = accuracy_document(found)
    assert number_at(document, "near", "share") == 0.5
    lines = accuracy_lines(found, "chips")
    assert "chips that give one answer to every sample: 1 of 4, 25.00 %" in lines[2]


def test_a_chip_as_good_as_software_counts_though_software_errs() -> None:
    software = np.array([0, 0, 1, 1])
    found = population_accuracy(software[np.newaxis], software, LABELS)
    assert found.software == pytest.approx(5 / 6)
    assert found.near.hits == 1
    assert found.interval == (found.mean, found.mean)


def test_one_class_has_no_constant_chips() -> None:
    labels = np.zeros(3, dtype=np.intp)
    assert population_accuracy(np.zeros((2, 3), dtype=np.intp), labels, labels).constant.hits == 0
