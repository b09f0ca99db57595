"""Noise immunity of networks: calibrated by their circuit's rows, judged by the software model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from netgen.analysis.noise.devices import SummingNoise, characterise_summing
from netgen.analysis.noise.network import Case, Immunity, NoiseSampling, Place, result_count, study
from netgen.errors import UsageError
from netgen.model import Model
from netgen.project.build import bench_of
from netgen.project.options import BuildOptions, resolve_options
from netgen.project.results import results, write_results
from netgen.report.index import write_index
from netgen.report.studies.noise import noise_files

KIND = "noise"


@dataclass(frozen=True)
class NoiseChoices:
    """What noise networks are tried with."""

    places: tuple[Place, ...]  #: Where it is added.
    levels: tuple[float, ...]  #: Units rms.
    sampling: NoiseSampling

    def result_count(self, cases: Sequence[Case]) -> int:
        """Return how many results there will be."""
        return result_count(cases, self.places, self.levels)


def noise_immunity(
    cases: Sequence[Case],
    options: BuildOptions,
    choices: NoiseChoices,
    output: Path,
    replace: bool = False,
) -> Iterator[Immunity]:
    """Yield what noise does to networks, and write noise.json and plots at the end.

    Parameters
    ----------
    replace
        Whether to replace the study of other networks.

    Raises
    ------
    UsageError
        The folder cannot be used, or two networks have the same name.
    ToolMissingError
        ngspice or the PDK is not installed.
    """
    names = [case.model.name for case in cases]
    if len(set(names)) < len(names):
        raise UsageError("two networks have the same name; rename one in its JSON")
    technology, at, unit = resolve_options(options)

    def rows(model: Model) -> SummingNoise:
        return characterise_summing(bench_of(technology, at, unit, model.unit_current))

    immunities = []
    with results(output, KIND, ", ".join(names), replace):
        for result in study(cases, choices.places, choices.levels, choices.sampling, rows):
            immunities.append(result)
            yield result
        write_results(output, KIND, noise_files(immunities, choices.sampling, technology.name))
        write_index(output)
