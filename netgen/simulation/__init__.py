"""Simulation: one job, one process of its own, and a result only if it is complete."""

from netgen.simulation.cluster import DaskPool, Requirements, required_versions
from netgen.simulation.jobs import Attempt, Job, Waveforms
from netgen.simulation.raw import write_raw
from netgen.simulation.runner import LocalPool, run, run_all, simulator_version
from netgen.simulation.store import cache_folder, cached_arrays, key
from netgen.simulation.traces import Traces, load_traces, save_traces, trace_key

__all__ = [
    "Attempt",
    "DaskPool",
    "Job",
    "LocalPool",
    "Requirements",
    "Traces",
    "Waveforms",
    "cache_folder",
    "cached_arrays",
    "key",
    "load_traces",
    "required_versions",
    "run",
    "run_all",
    "save_traces",
    "simulator_version",
    "trace_key",
    "write_raw",
]
