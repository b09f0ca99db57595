"""A plot on paper of two widths, in the colours of two themes; axes that do not exaggerate."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from pages import PICTURE_LIST, PNG

from netgen.report.plot import Plot, render
from netgen.report.style import CLASSES, SOFTWARE, THEME, WIDE, Sheet, share_axis, value_axis

SPACE = "{http://www.w3.org/2000/svg}"


def draw(sheet: Sheet) -> Figure:
    fig, panels = sheet.panels(2, 2.0)
    for axes, colour in zip(panels, (SOFTWARE, CLASSES[0]), strict=True):
        axes.plot([0, 1], [0, 1], color=colour)
        axes.set_xlabel("time (ms)", fontsize=8)
    return fig


@pytest.fixture(scope="module")
def made() -> Plot:
    return render("x.png", "group", "title", "caption", "what is seen", draw)


def drawing(uri: str) -> ElementTree.Element:
    return ElementTree.fromstring(base64.b64decode(uri.removeprefix(PICTURE_LIST)))


def test_letters_stay_letters_of_a_size_that_can_be_read(made: Plot) -> None:
    assert made.png.startswith(PNG)
    for uri, pixels in ((made.wide, 1160), (made.narrow, 358)):
        root = drawing(uri)
        points = float(root.attrib["viewBox"].split()[2])
        letters = [text for text in root.iter(f"{SPACE}text") if text.text == "time (ms)"]
        assert len(letters) == 2
        assert 8 * pixels / points >= 10


def test_a_narrow_sheet_has_its_panels_one_above_the_other(made: Plot) -> None:
    def shape(uri: str) -> float:
        _, _, width, height = map(float, drawing(uri).attrib["viewBox"].split())
        return width / height

    assert shape(made.wide) == pytest.approx(10 / 2)
    assert shape(made.narrow) == pytest.approx(3.75 / 4)


def test_colours_are_those_of_the_readers_theme(made: Plot) -> None:
    text = base64.b64decode(made.wide.removeprefix(PICTURE_LIST)).decode()
    style, body = text.split("</style>", 1)
    assert "prefers-color-scheme:dark" in style
    for name in ("ink", "c0"):
        assert f"--{name}:{THEME[name][1]}" in style
        assert f"stroke: var(--{name})" in body
    assert SOFTWARE not in body


@pytest.mark.parametrize(
    "shares", [[1.0], [0.0], [0.99999, 1.0], [0.5, 0.500001], [0.2, 1.0], [0.0, 0.001], []]
)
def test_shares_show_no_change_of_a_thousandth_at_full_height(shares: list[float]) -> None:
    axes = WIDE.figure(2.0).subplots()
    share_axis(axes, shares)
    low, high = axes.get_ylim()
    assert high - low >= 0.02
    assert low <= min(shares, default=1) <= max(shares, default=1) <= high
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    ticks = axes.get_yticks()
    assert all(-1e-6 <= tick <= 1 + 1e-6 for tick in ticks)
    assert all(text.get_text().endswith(" %") for text in axes.get_yticklabels())


def test_values_show_at_least_a_fiftieth_of_themselves() -> None:
    axes = WIDE.figure(2.0).subplots()
    value_axis(axes, [100.0, 100.001])
    low, high = axes.get_ylim()
    assert high - low >= 2.0
