"""The project room: what a build folder holds, and what fills it."""

from netgen.circuit import BIASES, Bias
from netgen.project.build import Design, build, design
from netgen.project.compare import compare
from netgen.project.export import FORMATS, TARGETS, Target, export
from netgen.project.folder import Folder, occupied
from netgen.project.options import BESIDE, BuildOptions, resolve_options
from netgen.project.population.simulate import (
    engine_of_population,
    populations,
    simulate_population,
)
from netgen.project.population.variants import MonteCarlo, Population, corners
from netgen.project.reading import Build, prepared, read_build
from netgen.project.runs import read_runs
from netgen.project.simulate import Finished, SimulationChoices, chosen_engine, simulate
from netgen.project.verify import read_verification, verify

__all__ = [
    "BESIDE",
    "BIASES",
    "FORMATS",
    "TARGETS",
    "Bias",
    "Build",
    "BuildOptions",
    "Design",
    "Finished",
    "Folder",
    "MonteCarlo",
    "Population",
    "SimulationChoices",
    "Target",
    "build",
    "chosen_engine",
    "compare",
    "corners",
    "design",
    "engine_of_population",
    "export",
    "occupied",
    "populations",
    "prepared",
    "read_build",
    "read_runs",
    "read_verification",
    "resolve_options",
    "simulate",
    "simulate_population",
    "verify",
]
