"""A sample of the fault campaign; ``benchmarks/faults.py`` runs all of it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from fault_tools import edit

ROOT = Path(__file__).parents[2]


@pytest.mark.ngspice
@pytest.mark.slow
def test_sample_of_the_campaign() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "faults.py", "--injections", "12", "--seed", "7"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split()[:2] == ["all", "12"]


def test_same_seed_same_edit(tmp_path: Path) -> None:
    def edited(seed: int) -> tuple[str, bytes | None]:
        path = tmp_path / "record.json"
        path.write_text('{"a": [1, 2, {"b": "x"}], "c": 0.5}')
        said = edit(path, random.Random(seed), tmp_path / "nothing")
        return said, path.read_bytes() if path.exists() else None

    once = [edited(seed) for seed in range(60)]
    assert once == [edited(seed) for seed in range(60)]
    assert len({said.split()[0] for said, _ in once}) >= 9
