"""Simulation: one job, one process of its own, and a result only if it is complete."""

from netgen.simulation.cluster import DaskPool
from netgen.simulation.jobs import Attempt, Job, Waveforms
from netgen.simulation.raw import write_raw
from netgen.simulation.runner import LocalPool, run, run_all, simulator_version
from netgen.simulation.store import cache_folder, cached_arrays, key
from netgen.simulation.traces import Traces, load_traces, save_traces

__all__ = [
    "Attempt",
    "DaskPool",
    "Job",
    "LocalPool",
    "Traces",
    "Waveforms",
    "cache_folder",
    "cached_arrays",
    "key",
    "load_traces",
    "run",
    "run_all",
    "save_traces",
    "simulator_version",
    "write_raw",
]
