"""What all tests share: when tests with a simulator run, golden files, and drawn examples."""

from __future__ import annotations

import ctypes.util
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from fake_tools import FakeSimulator

hypothesis.settings.register_profile(
    "netgen", database=None, deadline=None, derandomize=True, print_blob=False
)
hypothesis.settings.load_profile("netgen")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every
# process they start: some of them are there to be interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("netgen")
    group.addoption(
        "--simulator",
        choices=("required", "if-available", "disabled"),
        default="required" if os.environ.get("CI") else "if-available",
        help="whether tests that need ngspice must run (the default where CI is set), may, or not",
    )
    group.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files anew instead of comparing with them",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--simulator") == "required" and not _library_is_there():
        pytest.exit("libngspice is missing: apt-get install libngspice0", returncode=4)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--simulator") == "disabled":
        reason = "--simulator disabled"
    elif _library_is_there():
        return
    else:
        reason = "libngspice is missing: apt-get install libngspice0"
    for item in items:
        if item.get_closest_marker("ngspice"):
            item.add_marker(pytest.mark.skip(reason=reason))


def _library_is_there() -> bool:
    named = os.environ.get("NGSPICE_LIBRARY_PATH")
    return Path(named).exists() if named else ctypes.util.find_library("ngspice") is not None


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Characterise once for all tests, and leave the user's cache alone."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the workers' folders lie in the one of the run
        base = base.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETGEN_CACHE", str(base / "cache"))
        yield


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSimulator:
    """Put a technology without files and a simulator that responds at once in place of the real."""
    from fake_tools import install

    (tmp_path / "pdk").mkdir()
    return install(monkeypatch, tmp_path / "pdk")


@pytest.fixture(scope="module")
def coarse_plots() -> Iterator[None]:
    """Draw with few pixels: faster, all else equal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netgen.report.plot.DPI", 30)
        yield


@pytest.fixture(scope="module")
def pictures(coarse_plots: None) -> Iterator[None]:
    """Show a list of pictures where SVG would stand."""
    from pages import PICTURE_LIST

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netgen.report.plot._svg", lambda _: PICTURE_LIST)
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in ``tests/golden`` (see ``--update-golden``)."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing; write it with pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare
