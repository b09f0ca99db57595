"""The files of a population: JSON by contract, a self-contained page, plots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pages import PICTURE_LIST, PNG, Page, read_json
from reports import report_of
from synthetic_traces import traces_of

from netgen.analysis.variability.population import CornerPoint, measure
from netgen.model import random_model
from netgen.report.pictures import write_pictures
from netgen.report.style import WIDE
from netgen.report.variability.population import PopulationReport
from netgen.report.variability.studies import AreaPoint, plot_corners
from netgen.report.variability.write import write_area, write_population

CORNERS = tuple(
    CornerPoint(corner, vdd, at, bias)
    for bias in ("ideal", "mirrored")
    for corner in ("ff", "ss")
    for vdd in (1.62, 1.98)
    for at in (-20.0, 85.0)
)


pytestmark = pytest.mark.usefixtures("pictures")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PopulationReport]:
    folder = tmp_path_factory.mktemp("chips")
    made = report_of()
    write_population(folder, made)
    return folder, made


def test_json_carries_the_contract(written: tuple[Path, PopulationReport]) -> None:
    document, figures = read_json(written[0]), written[1].figures
    assert (document["format"], document["version"]) == ("netgen-variability", 1)
    assert document["runs"] == {
        "asked": 48,
        "simulated": 45,
        "failed": 1,
        "not_simulated_yet": 2,
        "failures": {"timestep": 1},
    }
    assert (document["cases"], document["cases_whole"]) == (24, 23)
    assert document["yield"]["trials"] == 23
    assert document["yield"]["share"] == figures.yielded.hits / 23
    assert document["yield"]["wilson"] == list(figures.yielded.wilson or ())
    assert document["decision_agreement"] == figures.agrees.sum() / 46
    assert set(document["spread"]) == {
        *("state_agreement", "frame_agreement", "lead_fs", "power_w"),
        *("winner_agreement", "winner_lead"),
        *("logit_rmse_fs", "logit_rmse_same_state_fs"),
    }
    assert document["spread"]["power_w"]["count"] == 45


def test_json_tells_samples_and_cases(written: tuple[Path, PopulationReport]) -> None:
    document, figures = read_json(written[0]), written[1].figures
    assert [entry["sample"] for entry in document["per_sample"]] == [3, 8]
    assert [entry["failed"] for entry in document["per_sample"]] == [1, 0]
    assert [entry["not_simulated_yet"] for entry in document["per_sample"]] == [1, 1]
    assert document["per_sample"][0]["votes"]["hits"] == figures.votes()[0].hits
    failed, missing = document["per_case"][1:3]
    assert failed["decisions"][0] is None
    assert (failed["done"], failed["failed"]) == (2, 1)
    assert missing["decisions"] == [None, None]
    assert (missing["done"], missing["power_w"]) == (0, None)


def test_json_tells_who_is_to_blame(written: tuple[Path, PopulationReport]) -> None:
    found = read_json(written[0])["sensitivity"]
    assert (found["chips"], found["chips_left_out"]) == (22, 2)
    assert len(found["deviations"]) == 12
    assert found["expected_by_chance"] == pytest.approx(0.12)
    shares = [entry["share"] for entry in found["deviations"]]
    assert shares == sorted(shares, reverse=True)
    assert "shift" not in found["deviations"][0]
    assert {entry["name"] for entry in found["groups"]} == {f"p.weight[{i}]" for i in range(6)}


def test_the_page_stands_alone(written: tuple[Path, PopulationReport]) -> None:
    page = Page(written[0])
    page.assert_stands_alone()
    assert page.source.count(PICTURE_LIST) == 2 * 5  # wide and narrow


def test_the_page_says_what_failed_and_what_is_missing(
    written: tuple[Path, PopulationReport],
) -> None:
    text = " ".join(Page(written[0]).text.split())
    figures = written[1].figures
    for part in (
        f"{figures.agrees.sum()} of 46 runs decide as software does",
        "Failed, and so not deciding as software: 1 run.",
        "Not simulated yet: 2 runs",
        "1 × timestep",
        f"Yield: {figures.yielded.hits} of 23 chips",
        "Not judged for lack of runs: 1 chip.",
        "over 22 chips (2 lack runs and are left out)",
        "chance alone would give 0.1",
    ):
        assert part in text


def test_plots_lie_beside(written: tuple[Path, PopulationReport]) -> None:
    names = {path.name for path in written[0].glob("*.png")}
    assert names == {"votes.png", "bands.png", "margins.png", "spreads.png", "sensitivity.png"}
    assert all(path.read_bytes().startswith(PNG) for path in written[0].glob("*.png"))


def test_hostile_names_do_no_harm(tmp_path: Path) -> None:
    write_population(tmp_path, report_of(hostile="<script>$x^{</script>\x00"))
    page = Page(tmp_path)
    page.assert_stands_alone()
    assert "\x00" not in page.source


def test_corners_are_drawn_for_each_bias(tmp_path: Path) -> None:
    made = report_of(corners=CORNERS)
    write_population(tmp_path, made)
    document = read_json(tmp_path)
    assert (tmp_path / "corners.png").is_file()
    assert not (tmp_path / "sensitivity.png").exists()
    assert document["sensitivity"] is None
    first = document["per_case"][0]
    assert (first["corner"], first["vdd"], first["temperature"]) == ("ff", 1.62, -20)
    assert "Yield:" not in Page(tmp_path).text
    drawn = plot_corners(made.figures, made.corners, WIDE)
    titles = [axes.get_title("left") for axes in drawn.axes]
    assert sum("ideal" in title for title in titles) == 3
    assert sum("mirrored" in title for title in titles) == 3
    cells = [text.get_text() for text in drawn.axes[0].texts]
    assert len(cells) == 8
    assert cells[1] == f"{50 * made.figures.agrees[1].sum():.3g}"  # one run of two failed
    assert cells[2] == "–"  # not simulated yet


@pytest.mark.parametrize("kind", ["timeout", None])
def test_nothing_to_draw(tmp_path: Path, kind: str | None) -> None:
    write_pictures(tmp_path, "variability", {"bands.png": PNG})  # of an earlier analysis
    made = report_of([[kind, "crash"]] * 3)
    write_population(tmp_path, made)
    assert [path.name for path in tmp_path.glob("*.png")] == ["votes.png"]
    assert "decide as software does" in Page(tmp_path).text
    assert read_json(tmp_path)["spread"]["power_w"] is None


def test_model_without_cells(tmp_path: Path) -> None:
    model, samples = random_model(3, state=2, layers=0, frames=12, inputs=3, samples=2)
    chips = [[traces_of(model, samples.x[at], at) for at in range(2)] for _ in range(3)]
    figures = measure(model, samples, (0, 1), ["a", "b", "c"], chips)
    write_population(tmp_path, replace(report_of(), model=model, figures=figures, sensitivity=None))
    document = read_json(tmp_path)
    assert document["spread"]["state_agreement"] is None
    assert document["accuracy_circuit"] is None


def test_trade_off_of_two_areas(tmp_path: Path) -> None:
    figures = report_of().figures
    points = [AreaPoint(5e-6, 5e-6, figures), AreaPoint(2e-6, 2e-6, figures)]
    write_area(tmp_path / "area.png", points)
    assert (tmp_path / "area.png").read_bytes().startswith(PNG)
