"""Tolerances: defaults, configuration files, and the verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from synthetic_traces import traces_of

from netgen.analysis import (
    Comparison,
    Tolerances,
    Verification,
    compare,
    keep_tolerances,
    kept_tolerances,
    load_tolerances,
    override,
    verdict,
)
from netgen.analysis.comparison.tolerances import LIMITS, VERIFIED
from netgen.errors import ConfigurationError
from netgen.model import random_model


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    model, samples = random_model(1, frames=20, samples=1)
    return compare(model, samples, [traces_of(model, samples.x[0])])


@pytest.mark.parametrize(
    ("figure", "value", "passed"),
    [
        ("decision_agreement", 0.98, True),
        ("decision_agreement", 0.9799, False),
        ("frame_agreement", 0.99, True),
        ("frame_agreement", 0.9899, False),
        ("state_agreement", 0.99, True),
        ("state_agreement", 0.9899, False),
        ("state_agreement_clear", 1.0, True),
        ("state_agreement_clear", 0.99999, False),
        ("state_agreement_clear", None, True),
        ("logit_rmse_same_state_fs_max", 0.01, True),
        ("logit_rmse_same_state_fs_max", 0.0101, False),
    ],
)
def test_the_limit_itself_passes(
    comparison: Comparison, figure: str, value: float | None, passed: bool
) -> None:
    checks = verdict(replace(comparison, **{figure: cast(Any, value)}), Tolerances())
    assert {check.name for check in checks if not check.passed} == (set() if passed else {figure})
    (check,) = (check for check in checks if check.name == figure)
    assert check.value == value
    assert check.relation == ("≤" if "rmse" in figure else "≥")


def test_each_tolerance_is_a_figure_and_is_checked(comparison: Comparison) -> None:
    checks = verdict(comparison, Tolerances(), Verification((), (), ()))
    assert "winner_agreement" not in {check.name for check in checks}  # there is no such block
    decided = replace(comparison, winner_agreement=1.0)
    checks = verdict(decided, Tolerances(), Verification((), (), ()))
    assert len(checks) == 2 + len(LIMITS)
    assert all(check.passed for check in checks)
    counts = ("failures", "verification_failures")
    assert [check.limit for check in checks if check.name not in counts] == [
        getattr(Tolerances(), name) for name in LIMITS
    ]


def test_what_was_not_measured_of_the_netlist_is_not_judged(comparison: Comparison) -> None:
    names = {check.name for check in verdict(comparison, Tolerances())}
    assert not names & {*VERIFIED, "verification_failures"}


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_tolerances(tmp_path) == Tolerances()


def test_toml_and_json(tmp_path: Path) -> None:
    expected = Tolerances(decision_agreement_min=0.9, logit_rmse_same_state_fs_max=0.0)
    toml = tmp_path / "netgen.toml"
    toml.write_text(
        "[tolerances]\ndecision_agreement_min = 0.9\nlogit_rmse_same_state_fs_max = 0\n"
    )
    assert load_tolerances(tmp_path) == expected
    toml.unlink()
    (tmp_path / "netgen.json").write_text(
        '{"tolerances": {"decision_agreement_min": 0.9, "logit_rmse_same_state_fs_max": 0}}'
    )
    assert load_tolerances(tmp_path) == expected


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "netgen.toml").write_text("# nothing yet\n")
    assert load_tolerances(tmp_path) == Tolerances()


@pytest.mark.parametrize(
    ("name", "text", "problems"),
    [
        (
            "netgen.toml",
            "[tolerances]\nstate_agreement_min = 99\nstates = 1\nframe_agreement_min = true\n",
            [
                "tolerances.state_agreement_min: must lie between 0 and 1 (0.01 is 1 %)",
                "tolerances.states: is not known; known here: decision_agreement_min, "
                "frame_agreement_min, state_agreement_min, state_agreement_clear_min, "
                "winner_agreement_min, logit_rmse_same_state_fs_max, node_error_max, "
                "mirror_error_max, row_error_max, threshold_error_max, width_error_max, "
                "output_error_max",
                "tolerances.frame_agreement_min: must be a number",
            ],
        ),
        (
            "netgen.toml",
            "[tolerances]\nframe_agreement_min = nan\n",
            ["tolerances.frame_agreement_min: must lie between 0 and 1 (0.01 is 1 %)"],
        ),
        (
            "netgen.toml",
            "[tolerance]\n",
            ["tolerance: is not known; the only table is [tolerances]"],
        ),
        (
            "netgen.json",
            '{"tolerances": {"frame_agreement_min": 1' + "0" * 400 + "}}",
            ["tolerances.frame_agreement_min: must lie between 0 and 1 (0.01 is 1 %)"],
        ),
        (
            "netgen.toml",
            "[tolerances]\nstate_agrement_min = 0.5\n",
            ["tolerances.state_agrement_min: is not known; did you mean state_agreement_min?"],
        ),
        (
            "netgen.json",
            '{"tolerances": {"state_agreement_min": 1, "state_agreement_min": 0}}',
            ["tolerances.state_agreement_min: is there twice; keep one"],
        ),
        ("netgen.toml", "tolerances = 3\n", ["tolerances: must be a table"]),
        ("netgen.json", "[1]", ["must be an object"]),
    ],
)
def test_every_violation_with_its_path(
    tmp_path: Path, name: str, text: str, problems: list[str]
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_tolerances(tmp_path)
    assert caught.value.source == str(tmp_path / name)
    assert list(caught.value.problems) == problems


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("netgen.toml", b"[tolerances\n", "not TOML: "),
        ("netgen.json", b"{", "not JSON: "),
        ("netgen.json", b"[" * 100_000, "nested too deeply"),
        ("netgen.json", b'{"tolerances": {"frame_agreement_min": 1' + b"0" * 5000 + b"}}", "not J"),
        ("netgen.toml", b"\xff", "not UTF-8 text (byte 0)"),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_tolerances(tmp_path)
    assert caught.value.problems[0].startswith(problem)
    assert "\n" not in str(caught.value)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "netgen.toml").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_tolerances(tmp_path)


def test_two_files_are_one_too_many(tmp_path: Path) -> None:
    for name in ("netgen.toml", "netgen.json"):
        (tmp_path / name).write_text("")
    with pytest.raises(ConfigurationError, match="keep one"):
        load_tolerances(tmp_path)


def test_an_option_overrides_the_file() -> None:
    base = Tolerances(decision_agreement_min=0.5, frame_agreement_min=0.5)
    changed = override(base, {"frame_agreement_min": 1}, "--tolerance", "")
    assert changed == replace(base, frame_agreement_min=1.0)
    with pytest.raises(ConfigurationError, match=r"^--tolerance: nonsense: is not known; known"):
        override(base, {"nonsense": 1.0}, "--tolerance", "")


def test_sources_and_looser_limits_are_in_the_checks(
    comparison: Comparison, tmp_path: Path
) -> None:
    (tmp_path / "netgen.toml").write_text(
        "[tolerances]\ndecision_agreement_min = 0.5\nlogit_rmse_same_state_fs_max = 0.001\n"
    )
    found = override(load_tolerances(tmp_path), {"frame_agreement_min": 1}, "--tolerance", "")
    file = str(tmp_path / "netgen.toml")
    said = {check.name: (check.source, check.looser) for check in verdict(comparison, found)}
    assert said == {
        "failures": ("", False),
        "decision_agreement": (file, True),
        "frame_agreement": ("--tolerance", False),
        "state_agreement": ("", False),
        "state_agreement_clear": ("", False),
        "logit_rmse_same_state_fs_max": (file, False),
        "node_error_max": ("", False),
    }


def test_kept_tolerances_come_back_with_their_sources(tmp_path: Path) -> None:
    assert kept_tolerances(tmp_path / "none.json") == Tolerances()
    limits = override(Tolerances(), {"state_agreement_min": 0.125}, "models/netgen.toml", "")
    keep_tolerances(tmp_path / "kept.json", limits)
    found = kept_tolerances(tmp_path / "kept.json")
    assert found == limits
    assert found.sources == {"state_agreement_min": "models/netgen.toml"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"tolerances": {"states": 1}}', "tolerances.states: is not known"),
        ('{"tolerances": {}, "form": {}}', "form: is not known; did you mean format?"),
        ('{"tolerances": {}, "from": {"states": "a"}}', "from: must be a table"),
        ('{"tolerances": {}, "from": 1}', "from: must be a table"),
        ("{", "not JSON"),
    ],
)
def test_kept_tolerances_that_were_spoiled(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "kept.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        kept_tolerances(path)
    assert caught.value.source == str(path)
    assert caught.value.problems[0].startswith(problem)


def test_a_limit_edited_in_the_kept_file_names_that_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text('{"tolerances": {"state_agreement_min": 0.1}, "from": {}}')
    assert kept_tolerances(path).sources == {"state_agreement_min": str(path)}
