"""The report's files: JSON by contract, a self-contained page, JUnit XML, plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from pages import PNG, Page, read_json
from reports import Case, build, case, provenance
from synthetic_traces import traces_of

import netgen.report.comparison.write
import netgen.report.plot
from netgen.analysis import Tolerances, verdict
from netgen.commands.actions import say_checks
from netgen.model import Samples
from netgen.report import write_report
from netgen.report.plot import Plot

CONTRACT = set(
    """
    samples frames units decision_agreement frame_agreement state_agreement state_agreement_clear
    logit_rmse_fs logit_rmse_same_state_fs logit_rmse_same_state_fs_max
    accuracy_software accuracy_circuit power_w energy_j per_node per_sample simulation
    """.split()  # noqa: SIM905
)


pytestmark = pytest.mark.usefixtures("pictures")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Case]:
    folder = tmp_path_factory.mktemp("report")
    made = case(failures={7: "timeout", 5: "timeout", 6: "crash"})
    made.write(folder)
    return folder, made


def test_json_carries_the_contract(written: tuple[Path, Case]) -> None:
    folder, made = written
    document, result = read_json(folder), made.comparison()
    assert set(document) >= CONTRACT
    assert (document["format"], document["version"]) == ("netgen-report", 1)
    assert (document["samples"], document["frames"], document["units"]) == (3, 12, 2)
    for name in ("decision_agreement", "state_agreement_clear", "logit_rmse_fs", "energy_j"):
        assert document[name] == getattr(result, name)
    assert document["decision_agreement"] == pytest.approx(2 / 3)
    assert document["energy_j"] == pytest.approx(document["power_w"] * 12 * 0.01)
    assert document["verdict"] == "fail"
    assert document["model"]["sha256"] == made.model.digest


def test_json_tells_nodes_and_samples(written: tuple[Path, Case]) -> None:
    folder, made = written
    document, result = read_json(folder), made.comparison()
    assert [entry["node"] for entry in document["per_node"]] == [n.name for n in made.model.nodes]
    for entry in document["per_node"]:
        assert {"rmse", "max_error", "correlation", "rmse_same_state", "observed"} <= set(entry)
        assert ("flips" in entry) == (entry["op"] == "bmru")
    assert [entry["sample"] for entry in document["per_sample"]] == [0, 1, 2, 5, 6, 7]
    flipped = document["per_sample"][1]
    assert flipped["id"] == "one"
    assert flipped["class_software"] != flipped["class_circuit"]
    assert flipped["margin"] == result.samples[1].margin_software
    first = flipped["first_divergence"]
    assert set(first) == {"frame", "node", "unit", "cause"}
    assert flipped["flips"] == sum(flipped["flips_by_cause"].values()) > 0
    failed = document["per_sample"][3]
    assert failed["failure"] == "timeout"
    assert failed["class_circuit"] is None
    assert set(failed) == set(flipped)


def test_json_tells_the_simulation(written: tuple[Path, Case]) -> None:
    simulation = read_json(written[0])["simulation"]
    assert simulation == {
        "simulator": "ngspice",
        "version": "39",
        "engine": "monolithic",
        "races_unseen": 0,
        "states_unseen": 0,
        "input_edge_s": [0.0],
        "cpu_s": 7.5,
        "cpu_s_per_sample": 2.5,
        "timepoints": 3 * 12 * 8,
        "attempts": {"fast": 3},
        "failures": {"timeout": 2, "crash": 1},
    }


def test_the_page_stands_alone(written: tuple[Path, Case]) -> None:
    page = Page(written[0])
    page.assert_stands_alone()


def test_the_page_reads_from_the_verdict_down(written: tuple[Path, Case]) -> None:
    text = " ".join(Page(written[0]).text.split())
    place = 0
    for part in (
        "The circuit does not agree",
        "decides 2 of 3 samples as software does",
        "The simulation of 3 more failed. Out of tolerance: failures, decision_agreement",
        "Numbers against tolerances",
        "Where circuit and software part, and why",
        "States that nothing explains",
        "simulation failed: timeout",
        "Over time",
        "Errors by node",
        "464 transistors",
        "l1.post_lin.weight[2][3]: 0.0023 is below 0.007",
        "models/<b>model</b>.json",
        "netgen compare out",
    ):
        place = text.index(part, place)


def test_plots_are_in_the_folder_and_in_the_page(written: tuple[Path, Case]) -> None:
    folder, made = written
    plots = sorted((folder / "plots").glob("*.png"))
    assert [plot.name for plot in plots] == [
        "error-histograms.png",
        "hysteresis.png",
        "node-errors.png",
        "sample-1-candidates-l1.state.png",
        "sample-1-logits.png",
        "sample-1-states.png",
    ]
    assert all(plot.read_bytes().startswith(PNG) for plot in plots)
    assert Page(folder).tags.count("img") == len(plots)
    assert made.asked == [1]  # of the worst margin and of the largest error, loaded once
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "index.html",
        "junit.xml",
        "plots",
        "report.html",
        "report.json",
    ]


def cases(folder: Path, suite: str) -> dict[str, list[str]]:
    """The results (tags) of every test case of a suite, by name."""
    root = ElementTree.parse(folder / "junit.xml").getroot()
    (found,) = (s for s in root if s.get("name", "").endswith(suite))
    results = {c.get("name", ""): [result.tag for result in c] for c in found}
    flat = [tag for tags in results.values() for tag in tags]
    assert int(found.get("tests", "")) == len(results) == len(found)
    for kind, total in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(found.get(total, "")) == flat.count(kind)
    return results


def test_junit_has_a_case_for_each_sample_and_tolerance(written: tuple[Path, Case]) -> None:
    folder, made = written
    assert cases(folder, "samples") == {
        "0: zero": [],
        "1: one": ["failure"],
        "2: two": [],
        "5": ["error"],
        "6": ["error"],
        "7": ["error"],
    }
    checks = verdict(made.comparison(), Tolerances())
    assert cases(folder, "tolerances") == {
        check.name: ["skipped"] if check.unjudged else [] if check.passed else ["failure"]
        for check in checks
    }
    root = ElementTree.parse(folder / "junit.xml").getroot()
    (failure,) = root.iterfind(".//testcase[@name='1: one']/failure")
    assert "first divergence in frame 0, l1.state" in failure.get("message", "")


def drawn(*files: str) -> Callable[..., list[Plot]]:
    """Stand in for drawing: where a test is not about the pictures, they need not be drawn."""
    return lambda *_: [Plot(file, "errors", file, "", PNG) for file in files]


def test_a_difference_that_is_tolerated_is_not_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netgen.report.comparison.write, "plot_all", drawn())
    made = case()
    comparison = made.comparison()
    checks = verdict(comparison, Tolerances(0.5, 0.0, 0.0, 0.0, 1.0, 1.0))
    assert all(
        check.passed for check in checks if "error" not in check.name and "rmse" not in check.name
    )
    write_report(tmp_path, comparison, made.model, checks, provenance(build()), made.load)
    assert cases(tmp_path, "samples")["1: one"] == ["skipped"]


def test_agreement_reads_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netgen.report.comparison.write, "plot_all", drawn())
    made = case(ids=("alone",))
    assert all(check.passed for check in made.write(tmp_path, build(below_floor=())))
    assert read_json(tmp_path)["verdict"] == "pass"
    page = Page(tmp_path)
    assert "The circuit agrees" in page.text
    assert "the technology can realise every weight" in page.text
    assert "States that nothing explains" not in page.text
    assert cases(tmp_path, "samples") == {"0: alone": []}


def test_what_there_is_nothing_of_neither_holds_nor_misses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = case(("one",), None)
    without_cells(made)
    made.traces[0] = traces_of(made.model, made.samples.x[0], 0)
    unjudged = [check for check in made.write(tmp_path) if check.unjudged]
    assert "state_agreement" in [check.name for check in unjudged]
    assert Page(tmp_path).text.count("– not judged") == len(unjudged)
    assert cases(tmp_path, "tolerances")["state_agreement"] == ["skipped"]
    say_checks(tuple(unjudged))
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.split()[0] == "–" and "not judged" in line for line in lines)


def test_classes_that_are_never_decided_are_named(tmp_path: Path) -> None:
    made = case(("one",), None)
    found = made.comparison()
    other = made.model.classes[1 - found.samples[0].class_software]
    assert found.never_decided(made.model.classes) == (
        f"class {other} is never decided in these samples"
    )
    many = [*made.model.classes, *(f"c{at}" for at in range(9))]
    assert found.never_decided(many).endswith(" and 2 more are never decided in these samples")
    made.write(tmp_path)
    assert f"Class {other} is never decided in these samples" in Page(tmp_path).text


def test_the_provenance_has_no_path_of_a_machine_and_no_option_that_nobody_set(
    tmp_path: Path,
) -> None:
    options = {"supply": "1.8 V", "sizes": "{}", "codes": "None"}
    made = build(options=options, tools={"pdk_sha256": "abc"}, models=(("/pdk/a/b.ngspice", "f"),))
    case(("one",), None).write(tmp_path, made)
    text = Page(tmp_path).text
    for said in ("option supply", "file b.ngspice", "SHA-256 of the technology's files"):
        assert said in text, said
    for said in ("option sizes", "option codes", "/pdk/a", "version of pdk"):
        assert said not in text, said


HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" & 'both' {{ 7 * 7 }} $\\frac{1}{$ _x_",
    "nul \x00 bell \x07 lone \ud800 end \ufffe 漢字 \u202e",
)


def test_hostile_names_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netgen.report.comparison.write, "plot_all", drawn())
    made = case(ids=HOSTILE)
    made.model = replace(made.model, classes=("<i>class</i>", "& \ud800"))
    made.write(tmp_path, build(corner="<script>", below_floor=("<script>",), hysteresis=None))
    page = Page(tmp_path)
    page.assert_stands_alone()
    assert "i" not in page.tags
    assert HOSTILE[0] in page.text
    assert HOSTILE[1] in page.text
    assert "nul \ufffd bell \ufffd lone \ufffd end \ufffd 漢字" in page.text
    names = list(cases(tmp_path, "samples"))
    assert names[0] == f"0: {HOSTILE[0]}"
    assert names[2].startswith("2: nul \ufffd bell")
    assert [entry["id"] for entry in read_json(tmp_path)["per_sample"]] == list(HOSTILE)


def test_hostile_class_names_can_be_drawn(tmp_path: Path) -> None:
    made = case(ids=("alone",))
    made.model = replace(made.model, classes=("_$x^2$ $ 漢字", "$\\undefined{ \ud800 \x00"))
    made.write(tmp_path)
    assert len(Page(tmp_path).references) > 7


def test_everything_failed(tmp_path: Path) -> None:
    made = case()
    made.samples = Samples(np.empty((0, 12, 3)), None, ())
    made.traces, made.failures = {}, {0: "crash", 1: "<crash>"}
    checks = made.write(tmp_path, build(hysteresis=None))
    assert not any(check.passed for check in checks)
    document = read_json(tmp_path)
    assert document["samples"] == 0
    assert document["decision_agreement"] is None
    assert document["simulation"]["failures"] == {"crash": 1, "<crash>": 1}
    assert document["simulation"]["cpu_s_per_sample"] is None
    assert [entry["failure"] for entry in document["per_sample"]] == ["crash", "<crash>"]
    assert "No sample could be simulated (2 failed)." in Page(tmp_path).text
    assert list((tmp_path / "plots").glob("*.png")) == []


def without_cells(made: Case) -> None:
    """Keep the projection alone, as readout, with its two units for classes."""
    readout = replace(made.model.readout, node="proj")
    made.model = replace(made.model, nodes=made.model.nodes[:1], readout=readout)


def many_of_everything(made: Case) -> None:
    """Add nothing: the network is large already."""


@pytest.mark.parametrize(
    ("network", "change"),
    [
        ({"frames": 2, "layers": 1, "state": 2}, without_cells),
        ({"frames": 1, "layers": 1, "state": 1, "classes": 1}, many_of_everything),
        ({"frames": 30, "layers": 2, "state": 17, "classes": 12}, many_of_everything),
    ],
)
def test_other_networks(
    tmp_path: Path, network: dict[str, int], change: Callable[[Case], None]
) -> None:
    made = case(("one",), None, **network)
    change(made)
    made.traces = {0: traces_of(made.model, made.samples.x[0])}
    checks = made.write(tmp_path)
    assert all(check.passed for check in checks)
    document = read_json(tmp_path)
    assert document["units"] == sum(len(cell.level) for cell in made.model.cells)
    assert (document["state_agreement"] is None) == (not made.model.cells)
    Page(tmp_path)


def test_waves_that_were_not_recorded_are_left_out(tmp_path: Path) -> None:
    made = case(ids=("alone",))
    made.traces = {at: replace(t, waves={}, time=np.empty(0)) for at, t in made.traces.items()}
    made.write(tmp_path)
    assert (tmp_path / "plots" / "sample-0-logits.png").read_bytes().startswith(PNG)


def test_a_second_report_replaces_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netgen.report.comparison.write, "plot_all", drawn("old.png", "both.png"))
    case().write(tmp_path)
    (tmp_path / "plots" / "notes.txt").write_text("mine")
    monkeypatch.setattr(netgen.report.comparison.write, "plot_all", drawn("new.png", "both.png"))
    case(ids=("alone",)).write(tmp_path)
    names = sorted(path.name for path in (tmp_path / "plots").glob("[!.]*"))
    assert names == ["both.png", "new.png", "notes.txt"]
    assert read_json(tmp_path)["samples"] == 1


def test_the_same_input_gives_the_same_files(tmp_path: Path) -> None:
    made = case(ids=("alone",))
    contents = []
    for name in ("first", "second"):
        made.write(tmp_path / name / "out")
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]
    assert made.asked == [0, 0]  # of the worst margin and of the largest error at once
