"""Simulators: a port, jobs and pools in front of it, and ngspice behind it."""

from netgen.simulators.cluster import DaskPool, Requirements, required_versions
from netgen.simulators.jobs import Attempt, Job, Waveforms
from netgen.simulators.port import Finding, Response, Session, Simulator, chosen_simulator
from netgen.simulators.runner import LocalPool, job_of, run_all, run_job, simulator_version
from netgen.simulators.store import cache_folder, cached_arrays, key

__all__ = [
    "Attempt",
    "DaskPool",
    "Finding",
    "Job",
    "LocalPool",
    "Requirements",
    "Response",
    "Session",
    "Simulator",
    "Waveforms",
    "cache_folder",
    "cached_arrays",
    "chosen_simulator",
    "job_of",
    "key",
    "required_versions",
    "run_all",
    "run_job",
    "simulator_version",
]
