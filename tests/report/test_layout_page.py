"""The page of a layout: what its record says, nothing half-said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from layout_records import picture, record
from pages import Page

from netgen.report.index import write_page
from netgen.report.layout import layout_page
from netgen.schema import schema


def page_of(folder: Path, clean: bool, compared: list[tuple[str, str, str]]) -> Page:
    again = ["netgen layout DIR"]
    page = layout_page("small", record(clean), picture(), compared, again, (60, 64))
    write_page(folder / "layout.html", page)
    return Page(folder, "layout.html")


def test_the_record_is_one_of_the_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads(json.dumps(record())), schema("layout"))


def test_all_of_a_clean_layout_is_there(tmp_path: Path) -> None:
    page = page_of(tmp_path, True, [("outputs settle, longest", "800 µs", "1.75 ms")])
    for said in ("1000 µm²", "40 fF", "116 run", "0 broken", "68 transistors, 37 nets", "match",
                 "x_0_n", "<a>", "9.2", "2 of 5 upside down", "as one", "1.75 ms",
                 "8 smaller ones", "netgen layout DIR"):  # fmt: skip
        assert said in page.text, said
    for said in ("64 transistors as 68 gates", "ideal sources in place of these 4: 60",
                 "several gates side by side: 68", "not counted: 16"):  # fmt: skip
        assert said in page.text, said
    assert "NOT" not in page.text
    assert "metal4" not in page.text
    assert "NaN" not in page.source
    assert "layout.html" in Page(tmp_path, "index.html").references


def test_a_layout_that_is_not_clean_says_why(tmp_path: Path) -> None:
    page = page_of(tmp_path, False, [])
    for said in ("NOT clean", "1 broken", "first at (1.000, 2.000) µm", "NO match",
                 "net out is not in the layout", "design rules, M1.1: 2", "not run: it failed",
                 "651 rules", "2 errors", "Not simulated with its wires"):  # fmt: skip
        assert said in page.text, said


@pytest.mark.parametrize("clean", [True, False])
def test_the_picture_is_inside_and_nothing_is_fetched(tmp_path: Path, clean: bool) -> None:
    page = page_of(tmp_path, clean, [])
    sources = [each for each in page.references if not each.startswith("#")]
    assert sources
    assert all(each.startswith("data:image/svg+xml;base64,") for each in sources)
