"""``report.json``: the public contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from netgen import __version__
from netgen.analysis import Check, Comparison, NodeComparison, SampleComparison, Verification
from netgen.analysis.comparison.baseline import BaselineComparison
from netgen.analysis.comparison.error_budget import ErrorBudget, NoErrorBudget
from netgen.analysis.comparison.results import UnexplainedState
from netgen.analysis.comparison.ties import TIE
from netgen.document import Json, whole_at
from netgen.model import Model
from netgen.report.comparison.provenance import Provenance
from netgen.report.power.document import power_document
from netgen.schema import head


def checks_document(checks: Sequence[Check]) -> dict[str, Json]:
    """Return figures with their limits, and the verdict on them, as a JSON object."""
    return {
        **head("checks"),
        "netgen": __version__,
        "verdict": _verdict(checks),
        "checks": _checks(checks),
    }


def _verdict(checks: Sequence[Check]) -> str:
    return "pass" if all(check.passed for check in checks) else "fail"


def _checks(checks: Sequence[Check]) -> list[dict[str, Json]]:
    return [asdict(check) | {"looser": check.looser} for check in checks]


def report_document(
    comparison: Comparison,
    model: Model,
    checks: Sequence[Check],
    provenance: Provenance,
    budget: ErrorBudget | NoErrorBudget,
    verification: Verification | None = None,
    baseline: BaselineComparison | None = None,
) -> dict[str, Json]:
    """Return the report as a JSON object; figures that do not exist are null, never NaN."""
    figures = (
        "decision_agreement",
        "frame_agreement",
        "state_agreement",
        "state_agreement_clear",
        "state_clear_share",
        "winner_agreement",
        "winner_agreement_software",
        "logit_rmse_fs",
        "logit_rmse_fs_max",
        "logit_rmse_same_state_fs",
        "logit_rmse_same_state_fs_max",
        "logit_rmse_same_state_own",
        "logit_rmse_same_state_own_max",
        "node_error_max",
        "logit_full_scale",
        "accuracy_software",
        "accuracy_circuit",
        "power_w",
        "energy_j",
    )
    return {
        **head("report"),
        "verdict": _verdict(checks),
        "scope": provenance.build.scope,
        "checks": _checks(checks),
        "model": {"name": model.name, "sha256": model.digest, "classes": list(model.classes)},
        "samples": len(comparison.samples),
        "frames": comparison.frames,
        "units": comparison.units,
        "readout_frames": list(comparison.readout_frames),
        "ties": {"within_fs": TIE, "samples": comparison.ties, "frames": comparison.tied_frames},
        "state_changes": {
            "software": comparison.changes_software,
            "circuit": comparison.changes_circuit,
        },
        "state_differences": {
            "primary": comparison.differences_primary,
            "propagated": comparison.differences_propagated,
        },
        **{name: getattr(comparison, name) for name in figures},
        "settling": asdict(comparison.settling) | {"said": comparison.settling.summary()},
        "power": None if comparison.power is None else power_document(comparison.power),
        "per_node": [_node(entry, comparison) for entry in comparison.nodes],
        "unexercised": [asdict(entry) for entry in comparison.unexercised],
        "verification": None if verification is None else _verification(verification),
        "baseline": None if baseline is None else _baseline(baseline),
        "per_sample": _per_sample(comparison),
        "unexplained": [_unexplained(entry) for entry in comparison.unexplained],
        "error_ladder": _error_budget(budget),
        "simulation": _simulation(comparison),
        "provenance": _provenance(provenance),
    }


def _unexplained(entry: UnexplainedState) -> dict[str, Json]:
    names = {"falling": "beta_lo", "rising": "beta_hi"}  # of the format
    return {names.get(name, name): value for name, value in asdict(entry).items()}


def _error_budget(budget: ErrorBudget | NoErrorBudget) -> dict[str, Json]:
    """Return the budget with the keys of the file format."""
    names = {"entries": "rungs"}
    return {names.get(key, key): value for key, value in asdict(budget).items()}


def _verification(verification: Verification) -> dict[str, Json]:
    """Return how much was measured; the figures themselves are in ``verify.json``."""
    return {
        "weights": len(verification.mirrors),
        "rows": len(verification.sums),
        "cells": len(verification.cells),
        "failures": dict(verification.failures),
        "cpu_s": verification.cpu_s,
    }


def _baseline(comparison: BaselineComparison) -> dict[str, Json]:
    return asdict(comparison) | {"passed": not comparison.regressed}


def _node(entry: NodeComparison, comparison: Comparison) -> dict[str, Json]:
    free, same = entry.free_running, entry.same_state
    record: dict[str, Json] = {
        "node": entry.node,
        "op": entry.op,
        "units": entry.units,
        "observed": entry.observed,
        "rmse": free.rmse,
        "max_error": free.max_error,
        "correlation": free.correlation,
        "rmse_same_state": same.rmse,
        "max_error_same_state": same.max_error,
        "correlation_same_state": same.correlation,
        "unit_errors": [e.error for e in comparison.unit_errors if e.node == entry.node],
    }
    if entry.flips is not None:
        record["flips"] = sum(entry.flips.values())
        record["flips_by_cause"] = {str(cause): count for cause, count in entry.flips.items()}
        record["races"] = entry.races
        record["transients"] = entry.transients
    return record


def _per_sample(comparison: Comparison) -> list[dict[str, Json]]:
    records = [_sample(entry) for entry in comparison.samples]
    empty = dict.fromkeys(records[0]) if records else {}
    records += [
        empty | {"sample": sample, "failure": kind} for sample, kind in comparison.failures.items()
    ]
    return sorted(records, key=lambda record: whole_at(record, "sample"))


def _sample(entry: SampleComparison) -> dict[str, Json]:
    record = asdict(entry)
    record["y"] = record.pop("label")
    record["margin"] = record.pop("margin_software")
    record["flips"] = sum(entry.flips.values())
    record["flips_by_cause"] = dict(entry.flips)
    return record | {"failure": None}


def _simulation(comparison: Comparison) -> dict[str, Json]:
    cost, count = comparison.cost, len(comparison.samples)
    parts = [name.partition("-") for name in cost.simulators]  # such as "ngspice-39"
    return {
        "simulator": ", ".join(dict.fromkeys(name for name, _, _ in parts)) or None,
        "version": ", ".join(dict.fromkeys(version for _, _, version in parts)) or None,
        "engine": ", ".join(cost.engines) or None,
        "races_unseen": cost.unseen,
        "states_unseen": cost.unseen_states,
        "input_edge_s": list(cost.input_edges),
        "cpu_s": cost.cpu_s,
        "cpu_s_per_sample": cost.cpu_s / count if count else None,
        "timepoints": cost.timepoints,
        "attempts": dict(cost.attempts),
        "failures": dict(Counter(comparison.failures.values())),
    }


def _provenance(provenance: Provenance) -> dict[str, Json]:
    build = provenance.build
    return {
        "netgen": __version__,
        "created": provenance.created,
        "model_file": provenance.model_file,
        "samples_file": provenance.samples_file,
        "pdk": build.pdk,
        "corner": build.corner,
        "options": dict(build.options),
        "tools": dict(build.tools),
        "devices": build.devices,
        "devices_by_block": dict(build.devices_by_block),
        "area_by_block": {kind: asdict(area) for kind, area in build.area_by_block.items()},
        "predicted_power_w": build.predicted_power_w,
        "below_floor": list(build.below_floor),
        "models": [{"path": path, "sha256": digest} for path, digest in build.models],
        "edited": list(build.edited),
        "rerun": list(provenance.rerun),
    }
