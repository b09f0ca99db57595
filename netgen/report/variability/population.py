"""What the report of a population of variants is made of."""

from __future__ import annotations

from dataclasses import dataclass

from netgen.analysis.variability.contributions import Contributions
from netgen.analysis.variability.population import CornerPoint, PopulationFigures
from netgen.analysis.variability.sensitivity import Sensitivity
from netgen.model import Model


@dataclass(frozen=True, eq=False)
class PopulationReport:
    """What the files of a population are made of.

    Attributes
    ----------
    name
        Of the population, as its folder is called.
    what
        What its variants are called: ``"chips"`` or ``"corners"``.
    sensitivity
        Of chips only, if there are enough.
    contributions
        What each group of devices does, where that is known.
    corners
        Where each case stands; empty for chips.
    facts
        Where it comes from, as (label, value).
    rerun
        The commands that repeat it.
    """

    name: str
    what: str
    model: Model
    figures: PopulationFigures
    sensitivity: Sensitivity | None
    corners: tuple[CornerPoint, ...]
    facts: tuple[tuple[str, str], ...]
    rerun: tuple[str, ...]
    contributions: Contributions | None = None
