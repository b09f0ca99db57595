"""Pages in a browser: two widths, two themes. Skipped where there is no Chromium or Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layout_records import picture, record
from reports import case, report_of, training_report

from netgen.report.index import write_page
from netgen.report.layout import layout_page
from netgen.report.studies.training import training_files
from netgen.report.variability.write import write_population

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

MEASURE = """() => {
  const least = (sizes) => Math.min(...sizes, 1000);
  const letters = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (walk.currentNode.textContent.trim() && !parent.closest("script, style"))
      letters.push(parseFloat(getComputedStyle(parent).fontSize));
  }
  const drawn = [...document.images].map((image) => {
    const text = new TextDecoder().decode(
      Uint8Array.from(atob(image.currentSrc.split(",")[1]), (c) => c.charCodeAt(0)));
    const svg = new DOMParser().parseFromString(text, "image/svg+xml");
    const scale = image.clientWidth / svg.documentElement.viewBox.baseVal.width;
    return least([...svg.querySelectorAll("text, tspan")].map((e) =>
      /font(?:-size)?:[^;]*?([\\d.]+)px/.exec(e.getAttribute("style") ?? ""))
      .filter((found) => found).map((found) => scale * found[1]));
  });
  return {
    overflow: document.documentElement.scrollWidth - innerWidth,
    letters: least(letters), drawn: least(drawn), images: document.images.length,
    paper: getComputedStyle(document.body).backgroundColor,
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if BROWSER is None:
        pytest.skip("no Chromium")
    api = pytest.importorskip("playwright.sync_api", reason="pip install fqnetgen[browser]")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    case(failures={7: "timeout"}).write(folder)
    chips = folder / "variability" / "mismatch_seed_1"
    chips.mkdir(parents=True)
    write_population(chips, report_of())
    page = training_files(training_report())["training.html"]
    (folder / "training.html").write_text(str(page), encoding="utf-8")
    compared = [("outputs settle, longest", "800 µs", "1.75 ms")]
    write_page(
        folder / "layout.html",
        layout_page("small", record(), picture(), compared, ["netgen layout DIR"], (60, 64)),
    )
    return {
        "comparison": folder / "report.html",
        "population": chips / "report.html",
        "training": folder / "training.html",
        "layout": folder / "layout.html",
        "index": folder / "index.html",
    }


@pytest.mark.parametrize("name", ["comparison", "population", "training", "layout", "index"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_a_page_can_be_read(
    browser: Any, pages: dict[str, Path], name: str, theme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(pages[name].as_uri())
    found = page.evaluate(MEASURE)
    assert found["overflow"] <= 0
    assert found["letters"] >= 10
    assert found["drawn"] >= 10
    assert found["images"] > 2 or name in ("index", "layout")
    assert (found["paper"] == "rgb(255, 255, 255)") == (theme == "light")
    violations = axe.Axe().run(page).response["violations"]
    serious = [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in GRAVE]
    assert serious == []
    assert errors == []
    page.close()


GRAVE = ("serious", "critical")


def test_traces_zoom_and_show_what_is_picked(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(pages["comparison"].as_uri())
    figure = page.locator(".waves").first
    lines, label = figure.locator("svg polyline"), figure.locator("svg text").last
    readout = label.text_content()
    count = lines.count()
    assert count > 0
    assert count % 2 == 0  # circuit and software
    ticks = figure.locator("svg").text_content()
    figure.get_by_label("Zoom in").click()
    assert figure.locator("svg").text_content() != ticks
    figure.get_by_label("All of the time").click()
    assert figure.locator("svg").text_content() == ticks
    figure.locator("input[type=checkbox]").first.uncheck()
    assert lines.count() == count - 2
    figure.locator("select").select_option(index=1)
    assert label.text_content() != readout
    page.close()
