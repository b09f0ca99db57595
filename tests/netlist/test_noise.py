"""Decks that show noise."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from decks import ngspice_name, ngspice_text
from fake_technology import UNIT, fake_technology

from netgen.circuit.blocks.ladder import LadderBlock
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.netlist import nominal
from netgen.netlist.characterisation import cell_output
from netgen.netlist.noise import (
    BLOCKS,
    Block,
    BlockUnderTest,
    noise_deck,
    operating_deck,
)

ROOT = Path(__file__).parents[2]
INJECTED: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks" / "injected.py"))
NoisyCell, injection_deck = INJECTED["NoisyCell"], INJECTED["injection_deck"]
TECHNOLOGY = fake_technology()
AT = nominal(TECHNOLOGY)
CELL = SCHMITT9.biased(3e-10, 2e-10, 5e-10)


def under_test(block: Block) -> BlockUnderTest:
    return BlockUnderTest(block, 2e-10, CELL if block.startswith("cell") else None)


def own_lines(deck: str) -> list[str]:
    """Return the elements outside subcircuits."""
    lines, inside = [], False
    for line in deck.splitlines():
        inside |= line.startswith(".subckt")
        if not inside and line and line[0] not in "*.":
            lines.append(line)
        inside &= not line.startswith(".ends")
    return lines


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_has_no_element_that_adds_noise(block: Block) -> None:
    deck = ngspice_text(noise_deck(TECHNOLOGY, AT, UNIT, under_test(block), None, (1.0, 1e3)))
    assert {line[0].lower() for line in own_lines(deck)} <= set("xmvih")
    assert ".noise v(shown) Iin dec 20 1 1000" in deck
    assert "Iin vdd n dc 2e-10 ac 1" in deck


def test_the_operating_point_is_that_of_the_same_circuit() -> None:
    noise = ngspice_text(noise_deck(TECHNOLOGY, AT, UNIT, under_test("row"), None, (1.0, 1e3)))
    point = ngspice_text(operating_deck(TECHNOLOGY, AT, UNIT, under_test("row")))
    assert own_lines(noise) == own_lines(point)
    assert "\n.op\n" in point


def test_a_cells_state_is_set_to_find_it_and_held_once_found() -> None:
    point = ngspice_text(operating_deck(TECHNOLOGY, AT, UNIT, under_test("cell_high")))
    assert ".nodeset v(storage)=1.8 v(output)=0.9 v(xcell.vfb)=0.9" in point
    low = ngspice_text(operating_deck(TECHNOLOGY, AT, UNIT, under_test("cell_low")))
    assert ".nodeset v(storage)=0 v(output)=1.8 v(xcell.vfb)=1.8" in low
    high = under_test("cell_high")
    noise = ngspice_text(noise_deck(TECHNOLOGY, AT, UNIT, high, 0.75, (1.0, 1e3)))
    assert "Vhold hold 0 0.75" in noise
    assert ".nodeset" not in noise


def test_candidates_of_noisy_cells_are_whole() -> None:
    candidate = 1e-10 + 1e-12 * np.arange(500, dtype=np.float64)
    cells = [NoisyCell(CELL, True, candidate), NoisyCell(CELL, False, candidate[::-1])]
    deck = ngspice_text(injection_deck(TECHNOLOGY, AT, UNIT, cells, 1e-4))
    joined = deck.replace("\n+", "")
    for index, each in enumerate(cells):
        (source,) = (line for line in joined.splitlines() if line.startswith(f"Icand{index} "))
        words = source.partition("pwl(")[2].rstrip(")").split()
        values = np.array(words, dtype=float).reshape(-1, 2)
        np.testing.assert_allclose(values[:, 0], 1e-4 * np.arange(500), atol=1e-15)
        np.testing.assert_allclose(values[:, 1], each.candidate, rtol=1e-11)
        assert f".save {ngspice_name(cell_output(TECHNOLOGY, str(index), CELL))}" in deck
    assert ".ic v(storage0)=1.8" in deck
    assert ".ic v(storage1)=0" in deck
    assert max(map(len, deck.splitlines())) < 600


@pytest.mark.parametrize(("high", "first"), [(False, "0"), (True, "1.8")])
def test_a_noisy_rung_has_the_others_in_their_states(high: bool, first: str) -> None:
    cell = LadderBlock(3).biased(*[3e-10, 2e-10, 5e-10] * 3)
    noisy = NoisyCell(cell, high, np.full(3, 1e-10), rung=1)
    deck = ngspice_text(injection_deck(TECHNOLOGY, AT, UNIT, [noisy], 1e-4))
    for net, volts in (("storage0", "1.8"), ("storage_20", first), ("storage_30", "0")):
        assert f".ic v({net})={volts}" in deck
