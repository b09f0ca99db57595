"""What the report of a population of variants is made of."""

from __future__ import annotations

from dataclasses import dataclass

from netgen.analysis.variability.contributions import Contributions
from netgen.analysis.variability.population import CornerPoint, PopulationFigures
from netgen.analysis.variability.sensitivity import Sensitivity
from netgen.model import Model


@dataclass(frozen=True, eq=False)
class PopulationReport:
    """What the files of a population are made of."""

    name: str  #: Of the population, as its folder is called.
    what: str  #: What its variants are called: ``"chips"`` or ``"corners"``.
    model: Model
    figures: PopulationFigures
    sensitivity: Sensitivity | None  #: Of chips only, if there are enough.
    corners: tuple[CornerPoint, ...]  #: Where each variant stands; empty for chips.
    facts: tuple[tuple[str, str], ...]  #: Where it comes from, as (label, value).
    rerun: tuple[str, ...]  #: The commands that repeat it.
    #: What each group of devices does, where that is known.
    contributions: Contributions | None = None
