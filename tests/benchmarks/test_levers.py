"""The benchmark of levers keeps its rows by what they were made of."""

from __future__ import annotations

import json
from pathlib import Path

import levers
import pytest

SHARES = {"mean": 0.9, "low": 0.8} | {key: {"share": 0.5} for key in ("near", "close", "far")}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that are run; each leaves what the benchmark reads of it."""
    found: list[str] = []

    def run(*words: str) -> None:
        found.append(words[0])
        if words[0] == "trim":
            Path(words[words.index("-o") + 1]).write_text("{}")
            return
        folder = Path(words[words.index("-o") + 1] if "-o" in words else words[1])
        folder.mkdir(exist_ok=True)
        area = {"drawn_m2": 2e-8, "gate_m2": 1e-8}
        build = {"area": area, "predicted_power": {"average_w": 1e-7}}
        twin = {"balanced_accuracy": SHARES, "decision_agreement": 0.95}
        document = build if words[0] == "build" else twin
        (folder / f"{words[0]}.json").write_text(json.dumps(document))

    monkeypatch.setattr(levers, "netgen", run)
    return found


def test_only_what_changed_is_made_again(calls: list[str], tmp_path: Path) -> None:
    trained = tmp_path / "trained"
    trained.mkdir()
    for name in ("model.json", "validation.npz", "samples.npz"):
        (trained / name).write_text(name)
    lever = levers.Lever("trim", (), ())

    def row(chips: int = 10) -> list[str]:
        calls.clear()
        return list(levers.Bench(trained, tmp_path / "out", chips).row(lever))

    first = row()
    assert first[0] == "20,000"
    assert first[3] == "90.0%"
    assert calls == ["build", "trim", "twin"]
    assert row() == first
    assert calls == []  # nothing is made twice
    row(chips=20)
    assert calls == ["trim", "twin"]
    (trained / "samples.npz").write_text("others")  # what is judged on says nothing of the circuit
    row()
    assert calls == ["twin"]
    (trained / "validation.npz").write_text("others")
    row()
    assert calls == ["build", "trim", "twin"]


def test_rows_of_other_options_lie_apart(tmp_path: Path) -> None:
    for name in ("model.json", "validation.npz", "samples.npz"):
        (tmp_path / name).write_text(name)
    bench = levers.Bench(tmp_path, tmp_path / "out", 1000)
    rows = [*levers.UNTRIMMED, *levers.TRIMMED]
    places = {bench.judged(lever) for lever in rows}
    assert len(places) == len(rows)
    assert not places & {bench.judged(lever, "spice", "12") for lever in rows}
