"""The project room: what a build folder holds, and the steps that fill it."""

from netgen.project.build import Build, BuildOptions, Design, build, design, prepare, read_build
from netgen.project.compare import compare
from netgen.project.export import FORMATS, export
from netgen.project.folder import Folder
from netgen.project.simulate import SimulationChoices, Step, chosen_engine, simulate

__all__ = [
    "FORMATS",
    "Build",
    "BuildOptions",
    "Design",
    "Folder",
    "SimulationChoices",
    "Step",
    "build",
    "chosen_engine",
    "compare",
    "design",
    "export",
    "prepare",
    "read_build",
    "simulate",
]
