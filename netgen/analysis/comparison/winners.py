"""What the decision on the chip says of every frame, against largest logits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from netgen.analysis.comparison.ties import leaders, tied
from netgen.model.graph import Floats
from netgen.simulation.traces import Traces

LEAD = 0.01
"""A lead of the largest current over the next, as a share of it, that the circuit must tell."""


@dataclass
class WinnerTally:
    """Gathers the levels of a chip's decision from traces, one by one."""

    levels: list[Floats] = field(default_factory=list)

    def watched(self, traces: Iterable[Traces]) -> Iterator[Traces]:
        """Yield traces unchanged, each one added."""
        for trace in traces:
            if trace.winners.size:
                self.levels.append(trace.winners)
            yield trace

    def agreement(self, circuit: Floats, software: Floats, full_scale: float) -> WinnerAgreement:
        """Return how often exactly the class of the largest logit is named.

        Parameters
        ----------
        circuit, software
            Logits, (samples, frames, classes), software units.
        full_scale
            Of the software logits: what ties are shares of.
        """
        if not self.levels:
            return WinnerAgreement(None, None)
        named = np.stack(self.levels) > 0.5
        leads = relative_lead(circuit) >= LEAD
        near = leaders(software, full_scale)
        pairs = (leaders(circuit, 0.0), leads), (near, ~tied(near))
        return WinnerAgreement(
            *(
                float((named == class_).all(axis=-1)[counted].mean()) if counted.any() else None
                for class_, counted in pairs
            )
        )


def relative_lead(currents: Floats) -> Floats:
    """Return the largest current's lead over the next as a share of it, (…,) of (…, classes)."""
    if currents.shape[-1] == 1:
        return np.ones(currents.shape[:-1])
    *_, second, first = np.moveaxis(np.sort(currents, axis=-1), -1, 0)
    lead: Floats = (first - second) / np.maximum(first, np.finfo(np.float64).tiny)
    return lead


@dataclass(frozen=True)
class WinnerAgreement:
    """Shares of frames in which the chip names the class of the largest logit alone."""

    circuit: float | None  #: Of the circuit's own logits, where the largest leads by :data:`LEAD`.
    software: float | None  #: Of software's, where these are no tie.
