"""Decks of GF180MCU typed by hand: they share nothing with netgen's templates."""

from __future__ import annotations

import numpy as np

from netgen.project import BuildOptions, resolve_options

TECHNOLOGY, AT, UNIT = resolve_options(BuildOptions("gf180mcu"))


NANO = 1e-9


STEERING = 0.5, 8
"""W and L of M3 and M6, µm."""


def head(title: str) -> list[str]:
    folder = TECHNOLOGY.folder
    return [
        f"* {title}",
        f'.include "{folder}/design.ngspice"',
        ".param sw_stat_global=0 sw_stat_mismatch=0 fnoicor=0",
        f'.lib "{folder}/sm141064.ngspice" typical',
        ".option temp=25 tnom=25 gmin=1e-17 abstol=1e-16 vntol=1e-7 chgtol=1e-17",
        ".option reltol=1e-4 method=gear itl1=500",
        "Vdd vdd 0 1.8",
    ]


def fet(
    kind: str, name: str, drain: str, gate: str, source: str, size: tuple[float, float] = (2, 2)
) -> str:
    """Return a transistor; ``size`` is W and L in µm, diffusions are 0.48 µm."""
    bulk = "0" if kind == "nfet" else "vdd"
    width, length = size
    area, edge = width * 0.48, 2 * (width + 0.48)
    return (
        f"X{name} {drain} {gate} {source} {bulk} {kind}_03v3 w={width}e-6 l={length}e-6 "
        f"as={area}e-12 ad={area}e-12 ps={edge}e-6 pd={edge}e-6"
    )


def cell_lines(name: int, bias: np.ndarray, candidate: str) -> list[str]:
    """The nine transistors of a cell, its biases, and a candidate on an NMOS-defined P-gate net."""
    i = name
    lines = [
        f"Iin{i} vdd n{i} {candidate}",
        fet("nfet", f"d{i}", f"n{i}", f"n{i}", "0"),
        fet("nfet", f"c{i}", f"p{i}", f"n{i}", "0"),
        fet("pfet", f"p{i}", f"p{i}", f"p{i}", "vdd"),
        fet("pfet", f"m1_{i}", f"v{i}", f"p{i}", "vdd"),
        fet("nfet", f"m2_{i}", f"v{i}", f"t{i}", "0"),
        fet("nfet", f"m3_{i}", f"o{i}", f"v{i}", f"tg{i}", STEERING),
        fet("pfet", f"m4_{i}", f"o{i}", f"o{i}", "vdd"),
        fet("nfet", f"m5_{i}", f"tg{i}", f"g{i}", "0"),
        fet("nfet", f"m6_{i}", f"fb{i}", f"v{i}", f"tw{i}", STEERING),
        fet("pfet", f"m7_{i}", f"fb{i}", f"fb{i}", "vdd"),
        fet("nfet", f"m8_{i}", f"tw{i}", f"w{i}", "0"),
        fet("pfet", f"m9_{i}", f"v{i}", f"fb{i}", "vdd"),
    ]
    for kind, current in zip("twg", bias, strict=True):
        lines.append(f"I{kind}{i} vdd {kind}{i} {current:.12g}")
        lines.append(fet("nfet", f"b{kind}{i}", f"{kind}{i}", f"{kind}{i}", "0"))
    return lines
