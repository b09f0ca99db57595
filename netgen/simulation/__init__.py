"""Simulation: engines that take a network through a sample, and the traces of its nodes."""

from netgen.simulation.traces import Traces, load_traces, save_traces, trace_key

__all__ = ["Traces", "load_traces", "save_traces", "trace_key"]
