"""What the public interface returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netgen.analysis import Check, Comparison
from netgen.analysis.variability.population import PopulationFigures
from netgen.model import Model
from netgen.project import Build, read_build, read_runs

if TYPE_CHECKING:
    from netgen.report.plot import Figure


@dataclass(frozen=True, eq=False)
class Circuit:
    """A built circuit: a folder with its netlist."""

    folder: Path  #: Where its files are.
    model: Model  #: What it computes.

    @property
    def netlist(self) -> str:
        """The netlist, as SPICE text."""
        return self.build.read(self.build.folder.netlist.name)

    @cached_property
    def build(self) -> Build:
        """The record of the build."""
        return read_build(self.folder)

    @property
    def transistors(self) -> int:
        """How many transistors the circuit has."""
        return self.build.transistors

    def _repr_html_(self) -> str:
        record = self.build.record
        rows = {
            "model": self.model.name,
            "technology": f"{record['pdk']}, {record['corner']}",
            "transistors": str(self.transistors),
            "folder": str(self.folder),
        }
        return _table([rows])


@dataclass(frozen=True, eq=False)
class Result:
    """A comparison of circuit and software."""

    circuit: Circuit
    comparison: Comparison  #: Every figure and array.
    checks: tuple[Check, ...]  #: Each tolerance with the figure it limits.

    @property
    def passed(self) -> bool:
        """Whether every tolerance holds."""
        return all(check.passed for check in self.checks)

    @property
    def logits(self) -> NDArray[np.float64]:
        """Readout of the circuit, (samples, frames, classes), software units."""
        return self.comparison.circuit[self.circuit.model.readout.node]

    @property
    def logits_software(self) -> NDArray[np.float64]:
        """Readout of the software, (samples, frames, classes)."""
        return self.comparison.software[self.circuit.model.readout.node]

    def rows(self) -> list[dict[str, object]]:
        """Return one record a sample, as data-frame libraries take them."""
        classes = self.circuit.model.classes
        return [
            {
                "sample": entry.sample,
                "id": entry.id,
                "class_software": classes[entry.class_software],
                "class_circuit": classes[entry.class_circuit],
                "agrees": entry.agrees,
                "frame_agreement": entry.frame_agreement,
                "logit_rmse_same_state_fs": entry.logit_rmse_same_state_fs,
                "power_w": entry.power_w,
            }
            for entry in self.comparison.samples
        ]

    def plot(self, sample: int = 0) -> Figure:
        """Return a Matplotlib figure: the readout currents of one compared sample over time.

        Parameters
        ----------
        sample
            Its position among the compared samples.
        """
        from netgen.report.comparison.sample_plots import SampleView, plot_logits

        entry = self.comparison.samples[sample]
        traces = read_runs(self.circuit.build).traces(entry.sample)
        return plot_logits(
            SampleView("Sample", sample, entry, self.comparison, self.circuit.model, traces)
        )

    def _repr_html_(self) -> str:
        verdict = "agree" if self.passed else "do not agree"
        checks = [
            {
                "figure": check.name,
                "value": "–" if check.value is None else f"{check.value:.6g}",
                "limit": f"{check.relation} {check.limit:g}",
                "holds": "yes" if check.passed else "no",
            }
            for check in self.checks
        ]
        return f"<p>circuit and software {verdict} (nominal, no mismatch)</p>{_table(checks)}"


@dataclass(frozen=True, eq=False)
class Chips:
    """Transistor-level runs of chips with random deviations."""

    circuit: Circuit
    figures: PopulationFigures  #: Every figure, (chips, samples).

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Which decisions are the software's, (chips, samples)."""
        agreement: NDArray[np.bool_] = self.figures.decision == self.figures.software
        return agreement

    def rows(self) -> list[dict[str, object]]:
        """Return one record for each chip and sample."""
        figures, classes = self.figures, self.circuit.model.classes
        return [
            {
                "chip": variant,
                "sample": sample,
                "class_software": classes[figures.software[column]],
                "class_circuit": classes[figures.decision[row, column]],
                "state_agreement": float(figures.state_agreement[row, column]),
                "power_w": float(figures.power_w[row, column]),
            }
            for row, variant in enumerate(figures.variants)
            for column, sample in enumerate(figures.samples)
            if figures.simulated[row, column]
        ]

    def _repr_html_(self) -> str:
        return _agreement(self.agrees, "chips in SPICE")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Decisions of chips as the behavioural twin predicts them."""

    classes: NDArray[np.int64]  #: (chips, samples).
    software: NDArray[np.int64]  #: What software decides, (samples,).

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Which decisions are the software's, (chips, samples)."""
        agreement: NDArray[np.bool_] = self.classes == self.software
        return agreement

    def _repr_html_(self) -> str:
        return _agreement(self.agrees, "chips by the twin")


def _agreement(agrees: NDArray[np.bool_], what: str) -> str:
    row = {
        what: str(len(agrees)),
        "samples": str(agrees.shape[1]),
        "decisions as software": f"{agrees.mean():.1%}",
        "all as software": f"{agrees.all(axis=1).mean():.1%}",
    }
    return _table([row])


def _table(rows: Iterable[Mapping[str, str]]) -> str:
    listed = list(rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in (listed[0] if listed else {}))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in row.values()) + "</tr>"
        for row in listed
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
