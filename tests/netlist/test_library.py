"""Trimmed model libraries: what is used stays, in its order, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from netgen.netlist.library import trimmed

LIBRARY = """
* a foundry's library
.lib typical
.param common = 1   $ a remark
.lib 'devices.lib' nmos_t
.lib "devices.lib" other_t
.endl typical
.lib ff
.param common=2
.endl
"""
DEVICES = """
.lib nmos_t
.subckt fet d g s b
+ w=1u l=1u ; a remark
.param area='w*l'
m0 d g s b core w=w l=l
.ends fet
.model core.0 nmos level=54 lmin=1e-6 lmax=5e-6
+ wmin = 1e-6 wmax=5e-6
.model core.1 nmos level=54 lmin=5e-6 lmax=9e-6 wmin=1e-6 wmax=5e-6
.model unused nmos level=54
.endl nmos_t
.lib other_t
.subckt resistor a b
r1 a b 1k
.ends
.endl other_t
"""
SIZES = frozenset({("nmos", 2e-6, 2e-6)})


@pytest.fixture
def head(tmp_path: Path) -> str:
    (tmp_path / "top.lib").write_text(LIBRARY)
    (tmp_path / "devices.lib").write_text(DEVICES)
    (tmp_path / "design.inc").write_text("* switches\n.param switch=0\n")
    return (
        f'.include "{tmp_path}/design.inc"\n.param switch=1\n.lib "{tmp_path}/top.lib" typical\n'
        ".option temp=25 method=gear\n"
    )


def test_only_what_is_used_stays_in_order(head: str) -> None:
    assert trimmed(head, ("fet",)).text(SIZES).splitlines() == [
        ".param switch=0",
        ".param switch=1",
        ".param common=1",
        ".subckt fet d g s b w=1u l=1u",
        ".param area='w*l'",
        "m0 d g s b core w=w l=l",
        ".ends fet",
        ".model core.0 nmos level=54 lmin=1e-6 lmax=5e-6 wmin=1e-6 wmax=5e-6",
        ".option temp=25 method=gear",
    ]


@pytest.mark.parametrize(
    ("length", "bins"), [(1e-6, [0]), (4.9e-6, [0]), (5e-6, [0, 1]), (6e-6, [1])]
)
def test_bins_that_a_size_may_need(head: str, length: float, bins: list[int]) -> None:
    text = trimmed(head, ("fet",)).text(frozenset({("nmos", 2e-6, length)}))
    assert [index for index in (0, 1) if f"core.{index}" in text] == bins


def test_bins_all_stay_where_a_subcircuit_changes_the_size(head: str, tmp_path: Path) -> None:
    file = tmp_path / "devices.lib"
    file.write_text(DEVICES.replace("w=w l=l", "w='w-1e-8' l=l"))
    text = trimmed(head + "* changed\n", ("fet",)).text(SIZES)
    assert "core.0" in text
    assert "core.1" in text


@pytest.mark.parametrize(
    "statement", [".if (common==1)\n.param more=1\n.endif", ".include 'absent.inc'"]
)
def test_what_cannot_be_resolved_is_left_alone(tmp_path: Path, statement: str) -> None:
    (tmp_path / "top.lib").write_text(f".lib typical\n{statement}\n.endl\n")
    head = f'.lib "{tmp_path}/top.lib" typical'
    assert trimmed(head, ("fet",)).text(SIZES) == head


def test_a_section_that_is_not_there_is_left_to_the_simulator(head: str) -> None:
    wrong = head.replace("typical", "slow")
    assert trimmed(wrong, ("fet",)).text(SIZES) == wrong.rstrip("\n")
