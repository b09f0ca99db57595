"""A result counts only if it is complete, and a failure is named by its cause."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netgen.simulators.ngspice.messages import (
    complaints,
    last_words,
    message_text,
    refine,
    result_of,
    untrue_start,
)
from netgen.simulators.results import AnalysisResult, check_result

TIME = np.array([0.0, 0.5e-3, 1e-3])


def result(**vectors: NDArray[np.float64]) -> AnalysisResult:
    return result_of([vectors], list(vectors))


def test_whole_result_counts() -> None:
    assert check_result(result(time=TIME, out=TIME), ["out"], 1e-3) is None


def test_notes_are_no_complaints() -> None:
    lines = [
        "Note: Starting dynamic gmin stepping",
        "Using SPARSE 1.3 as Direct Linear Solver",
        " ",
    ]
    assert complaints([*lines, "Warning: no DC value", "Error: x"]) == [
        "Warning: no DC value",
        "Error: x",
    ]


@pytest.mark.parametrize(
    ("vectors", "stop", "kind"),
    [
        ({}, 1e-3, "no_result"),
        ({"time": TIME[:0], "out": TIME[:0]}, 1e-3, "no_result"),
        ({"out": TIME[:1]}, 1e-3, "no_result"),
        ({"time": TIME[:2], "out": TIME[:2]}, 1e-3, "incomplete"),
        ({"time": TIME * (1 - 3e-6), "out": TIME}, 1e-3, "incomplete"),
        ({"time": TIME * np.nan, "out": TIME}, 1e-3, "incomplete"),
        ({"v-sweep": 1e-3 - TIME[:2], "out": TIME[:2]}, 0.0, "incomplete"),
        ({"time": TIME}, 1e-3, "missing_vector"),
        ({"time": TIME, "out": TIME[:1]}, 1e-3, "missing_vector"),
        ({"time": TIME, "out": TIME + np.inf}, 1e-3, "not_finite"),
        ({"frequency": TIME, "out": TIME * 1j}, 1e-3, "complex"),
    ],
)
def test_what_does_not_count(vectors: dict[str, NDArray[Any]], stop: float, kind: str) -> None:
    problem = check_result(result_of([vectors], ["out"]), ["out"], stop)
    assert problem is not None
    assert problem[0] == kind


@pytest.mark.parametrize("scale", ["time", "frequency", "v-sweep", "temp-sweep"])
@pytest.mark.parametrize("points", [TIME, -TIME, 1e-3 - TIME, TIME * (1 + 1e-7)])
def test_scale_may_run_either_way(scale: str, points: NDArray[np.float64]) -> None:
    stop = float(np.round(points[-1], 6))
    assert check_result(result(**{scale: points, "out": TIME}), ["out"], stop) is None


def test_single_point_has_no_scale() -> None:
    point = result(out=np.array([2.0]))
    assert point.scale.tolist() == [0.0]
    assert check_result(point, ["out"], None) is None


def test_plot_with_the_required_vectors_is_taken() -> None:
    spectrum = {"frequency": TIME, "onoise_spectrum": TIME}
    total = {"onoise_total": np.array([3.0])}
    assert result_of([spectrum, total], ["onoise_spectrum"]).scale_name == "frequency"
    assert result_of([spectrum, total], ["onoise_total"]).scale_name == ""
    assert result_of([spectrum, total], ["absent"]).vectors == total
    assert "frequency" not in result_of([spectrum], []).vectors


@pytest.mark.parametrize("kind", ["no_result", "incomplete"])
def test_text_names_the_cause(kind: str) -> None:
    start = "stderr doAnalyses: TRAN:  Timestep too small; initial timepoint: cause unrecorded."
    later = "stderr doAnalyses: TRAN:  Timestep too small; time = 1e-17"
    singular = "stderr Warning: singular matrix:  check node v1#branch"
    assert refine(kind, [start]) == refine(kind, [later]) == "timestep"
    assert refine(kind, [singular, start]) == "singular"
    assert refine(kind, [singular, later]) == "timestep"
    assert refine(kind, ["stderr something"]) == kind


def test_text_does_not_overrule_a_clear_failure() -> None:
    assert refine("missing_vector", ["stderr Timestep too small"]) == "missing_vector"


def test_what_a_complaint_quotes_of_other_files_is_hidden() -> None:
    said = ["stderr Error: not enough parameters in line", "stderr root:x:0:0:hunter2"]
    assert last_words("load", said, "t\nr1 a 0 1\n") == "Error: not enough parameters in line"
    said = ["stderr Error on line 2 or its substitute:", "stderr r1 a 0 hunter2"]
    assert last_words("load", said, "t\nr1 a 0 1\n") == "r1 a 0 …"


def test_last_words() -> None:
    run = ["stdout error_in 0", "stderr Timestep too small; time = 1", "stderr run aborted"]
    assert last_words("timestep", run) == "Timestep too small; time = 1"
    load = ["stderr Note: fine", "stderr Error: no file", "stderr Error: no file", "stderr so"]
    assert last_words("load", load, "title\nso on") == "Error: no file / so"
    assert last_words("crash", ["malloc(): corrupted top size"]) == "malloc(): corrupted top size"
    assert last_words("missing_vector", ["stdout No. of Data Rows : 7"]) == ""


def test_plain_line() -> None:
    assert message_text("stderr Error: stdout x") == "Error: stdout x"
    assert message_text("free(): invalid pointer") == "free(): invalid pointer"


@pytest.mark.parametrize("points", [(), (0.0, 4e-4), (1e-3,), (4e-4 + 0.9e-12,)])
def test_points_that_the_scale_holds(points: tuple[float, ...]) -> None:
    scale = np.array([0.0, 1e-4, 4e-4, 1e-3])
    assert check_result(result(time=scale, out=scale), ["out"], 1e-3, points) is None


@pytest.mark.parametrize("points", [(5e-4,), (0.0, 4e-4 + 2e-12, 1e-3), (-1e-4,)])
def test_a_source_that_was_not_followed(points: tuple[float, ...]) -> None:
    scale = np.array([0.0, 1e-4, 4e-4, 1e-3])
    found = check_result(result(time=scale, out=scale), ["out"], 1e-3, points)
    assert found is not None
    assert found[0] == "lost_point"


@pytest.mark.parametrize(
    "line",
    [
        "Trying gmin =   1.0000E-12 Warning: Further gmin increment",
        "Warning: Dynamic gmin stepping failed",
        "Trying gmin =   5.5980E-14 Warning: Last gmin step failed",
    ],
)
def test_a_first_point_after_a_failed_step_is_not_trusted_where_transistors_are_bypassed(
    line: str,
) -> None:
    """A row of 800 mirrors converged so at 13 µA instead of 0.4 nA."""
    good = "Trying gmin =   1.0000E-03 Note: One successful gmin step"
    deck = "* deck\n.option method=gear itl1=500 bypass={} \n.end"
    assert untrue_start(deck.format(1), [good, line])
    assert not untrue_start(deck.format(1), ["Note: Starting dynamic gmin stepping", good])
    assert not untrue_start(deck.format(0), [good, line])
