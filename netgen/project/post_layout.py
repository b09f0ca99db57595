"""A build simulated with the wires of its layout, beside the build without."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from netgen.analysis import Comparison
from netgen.analysis import compare as compare_samples
from netgen.characterise import CellSpeed
from netgen.document import text_at
from netgen.errors import ConfigurationError
from netgen.files import write_whole
from netgen.model import Model
from netgen.project.design import read_netlist
from netgen.project.folder import Folder
from netgen.project.footprint import loaded
from netgen.project.layout import (
    NETWORK,
    extracted,
    layout_folder,
    layout_record,
    write_layout_page,
)
from netgen.project.reading import Build, Wires, held, prepared
from netgen.project.runs import Runs, read_runs
from netgen.project.studies.times import speeds_of_build
from netgen.schema import head
from netgen.simulation import Traces
from netgen.units import engineering

DOCUMENT = "post_layout.json"
FORMAT = "post-layout"
WITHIN = 0.01
"""An output has settled where it stays within this share of the logits' full scale."""


@dataclass(frozen=True)
class PostLayoutFolder(Folder):
    """A build folder whose simulated samples are those with the layout's wires."""

    @property
    def runs(self) -> Path:
        """Where simulations with wires leave their traces."""
        return self.path / "layout" / "sim"

    @property
    def body(self) -> Path:
        """The network with its wires, as seen from the test benches."""
        return Path("..") / NETWORK

    def remove_reports(self, circuit: bool = False) -> None:
        """Remove files about earlier samples with wires."""
        (self.path / "layout" / DOCUMENT).unlink(missing_ok=True)


def post_layout(build: Build) -> Build:
    """Return a build as it is to be simulated with the wires of its layout.

    Raises
    ------
    ConfigurationError
        It has no layout, or that of another circuit.
    """
    _, wires = extracted(build)
    digest = text_at(layout_record(build), "files", NETWORK)
    folder = PostLayoutFolder(build.folder.path)
    return replace(build, folder=folder, wires=Wires(wires, digest))


@dataclass(frozen=True)
class Figures:
    """What a circuit did with samples."""

    samples: int  #: How many.
    #: ``decision_agreement``, ``state_agreement``, ``logit_rmse_same_state_fs_max``: as in
    #: ``report.json``.
    decision_agreement: float | None
    state_agreement: float | None
    logit_rmse_same_state_fs_max: float | None
    #: ``settling_90_s``, ``settling_worst_s``: how long after the beginning of a frame an output
    #: still is more than 1 % of full scale from where the frame ends: of 90 % of frames and
    #: outputs, and the longest. None where the engine does not show transients.
    settling_90_s: float | None
    settling_worst_s: float | None
    power_w: float | None  #: Mean supply power.


@dataclass(frozen=True)
class SideBySide:
    """A circuit without and with its wires, over the samples that both have."""

    schematic: Figures
    extracted: Figures

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Names of figures for people, and their values without and with the wires."""
        return [(name, of(self.schematic), of(self.extracted)) for name, of in _ROWS.items()]


def _share(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def _time(value: float | None) -> str:
    return "-" if value is None else engineering(value, "s")


_ROWS: Mapping[str, Callable[[Figures], str]] = {
    "decisions as software, SPICE": lambda f: _share(f.decision_agreement),
    "states as software": lambda f: _share(f.state_agreement),
    "worst same-state error": lambda f: _share(f.logit_rmse_same_state_fs_max, 4),
    "outputs seen to settle, 90 %": lambda f: _time(f.settling_90_s),
    "outputs seen to settle, longest": lambda f: _time(f.settling_worst_s),
    "supply power": lambda f: "-" if f.power_w is None else engineering(f.power_w, "W"),
}


def side_by_side(build: Build) -> SideBySide:
    """Compare a build with software, without and with its wires; write ``layout/post_layout.json``.

    Raises
    ------
    ConfigurationError
        Not both were simulated, or with no sample in common.
    """
    laid = post_layout(build)
    runs = [read_runs(each) for each in (build, laid)]
    done = [
        i for i in runs[0].asked
        if i in runs[1].asked and all(i not in r.failures and r.holds(i) for r in runs)
    ]  # fmt: skip
    same = bool(done) and np.array_equal(runs[0].samples.pick(done).x, runs[1].samples.pick(done).x)
    if not same:
        problem = "has no sample that was simulated with and without wires; run netgen sim again"
        raise ConfigurationError(str(laid.folder.runs), [problem])
    speeds = speeds_of_build(build)
    comparison = SideBySide(
        *(
            _figures(build, figures, done, times)
            for figures, times in zip(runs, (speeds, _slowed(laid, speeds)), strict=True)
        )
    )
    content = {**head(FORMAT), **asdict(comparison)}
    with held(build):
        write_whole(layout_folder(build) / DOCUMENT, json.dumps(content, indent=1) + "\n")
        write_layout_page(build, comparison.rows)
    return comparison


def _slowed(laid: Build, speeds: Mapping[str, CellSpeed] | None) -> Mapping[str, CellSpeed] | None:
    """Return the times of cells with the wires of a layout."""
    if not speeds or laid.wires is None:
        return speeds
    technology, _, _ = prepared(laid)
    return loaded(speeds, read_netlist(laid, technology), laid.wires.capacitances)


def _figures(
    build: Build, runs: Runs, done: list[int], speeds: Mapping[str, CellSpeed] | None
) -> Figures:
    compared: Comparison = compare_samples(
        build.model, runs.samples.pick(done), map(runs.traces, done), {}, speeds
    )
    scale = compared.logit_full_scale
    times = np.array([t for i in done for t in _settling(build.model, runs.traces(i), scale)])
    return Figures(
        len(done),
        compared.decision_agreement,
        compared.state_agreement,
        compared.logit_rmse_same_state_fs_max,
        float(np.percentile(times, 90)) if times.size else None,
        float(times.max()) if times.size else None,
        float(np.mean([runs.traces(i).power_w for i in done])),
    )


def _settling(model: Model, traces: Traces, scale: float) -> Iterator[float]:
    """Yield how long each output takes to settle in each frame, s."""
    if not traces.shows_transients:
        return
    node = model.readout.node
    ends, wave = traces.frames[node], traces.waves[node]
    edges = np.searchsorted(traces.time, np.arange(len(ends) + 1) * model.frame_period)
    for frame, values in enumerate(ends):
        frame_points = slice(edges[frame], edges[frame + 1])
        time = traces.time[frame_points] - frame * model.frame_period
        off = np.abs(wave[frame_points] - values) > WITHIN * scale
        inside = time < 0.99 * model.frame_period
        for unit in range(len(values)):
            late = time[off[:, unit] & inside]
            yield float(late[-1]) if late.size else 0.0
