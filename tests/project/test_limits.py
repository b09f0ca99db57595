"""Units that no circuit can have are refused before anything is simulated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netgen.commands import main
from netgen.model import from_dict
from netgen.project.limits import doubtful
from netgen.project.starter import MODEL


def check(tmp_path: Path, options: list[str], **changes: object) -> int:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**MODEL, **changes}), encoding="utf-8")
    with pytest.raises(SystemExit) as status:
        main(["check", str(path), "--pdk", "generic180", *options])
    return int(status.value.code or 0)


@pytest.mark.parametrize("current", [1, 1e-5, 1e-14])
def test_a_unit_current_out_of_weak_inversion_is_refused_with_its_range(
    tmp_path: Path, current: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, [], unit_current=current, frame_period=10) == 3
    message = capsys.readouterr().err
    assert "unit_current" in message
    assert "1 pA to 1 µA" in message


def test_a_supply_that_the_devices_do_not_stand_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, ["--vdd", "4"]) == 2
    assert "stand 1.98 V" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"frame_period": 1e-6}, "frame_period is 1 µs"),
        ({"unit_current": 1e-7}, "unit_current is 100 nA"),
        ({"unit_current": 1e-11, "frame_period": 0.01}, "frame_period is 10 ms"),
    ],
)
def test_units_that_were_never_tried_are_warned_about(
    changes: dict[str, object], named: str
) -> None:
    assert any(named in line for line in doubtful(from_dict({**MODEL, **changes})))


def test_the_units_of_the_examples_are_not() -> None:
    assert list(doubtful(from_dict(MODEL))) == []
