"""What a circuit takes of a chip with its wires: as laid out, or as expected where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from netgen.analysis.comparison.slow import frame_needed
from netgen.characterise import CellSpeed
from netgen.circuit.netlist import Netlist
from netgen.circuit.wires import storage_wires
from netgen.errors import ConfigurationError, NetgenError
from netgen.model import Model
from netgen.netlist.area import areas, expected_wires
from netgen.project.build import Design
from netgen.project.design import read_netlist
from netgen.project.layout import extracted
from netgen.project.reading import Build, prepared
from netgen.project.studies.times import speeds_of, speeds_of_build
from netgen.units import engineering


@dataclass(frozen=True)
class Footprint:
    """Area, wires, and the frames that cells need with them."""

    area_m2: float  #: Of the layout.
    wires_f: float  #: Capacitance of all wires, F.
    #: The shortest frame in which every cell answers an overdrive of 2 %, with the wires at its
    #: storage node, s; None where the times of cells are not known.
    frame_s: float | None
    measured: bool  #: Whether a layout was made; otherwise all is an estimate.

    @property
    def summary(self) -> str:
        """All of it in one line."""
        frame = (
            "" if self.frame_s is None else f", frames of at least {self.frame} for cells with them"
        )
        line = f"{self.area_m2 * 1e12:.0f} µm², wires of {engineering(self.wires_f, 'F')}{frame}"
        return f"laid out: {line}" if self.measured else f"laid out, expected: {line}"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Labels and values for a page."""
        how = "laid out" if self.measured else "expected"
        area, wires = f"{self.area_m2 * 1e12:.0f} µm²", engineering(self.wires_f, "F")
        named = f"shortest frame of cells with wires {how}"
        facts = ((f"area, {how}", area), (f"wires, {how}", wires), (named, self.frame))
        return tuple(entry for entry in facts if entry[1])

    @property
    def frame(self) -> str:
        """The shortest frame for people; empty where it is not known."""
        return engineering(self.frame_s, "s") if self.frame_s else ""


def loaded(
    speeds: Mapping[str, CellSpeed], netlist: Netlist, wires: Mapping[str, float]
) -> dict[str, CellSpeed]:
    """Return times of cells with the capacitance of wires, F by net, at their storage nodes."""
    storage = storage_wires(netlist, wires)
    return {
        node: speed.loaded(storage[node]) if node in storage else speed
        for node, speed in speeds.items()
    }


def footprint_of(design: Design) -> Footprint:
    """Return what to expect of a design's layout; without a frame where times are not known."""
    area = sum(each.drawn_m2 for each in areas(design.netlist, design.technology).values())
    wires = expected_wires(design.netlist, design.technology)
    frame = None
    with suppress(NetgenError):
        frame = _frame(design.circuit.model, speeds_of(design), design.netlist, wires)
    return Footprint(area, sum(wires.values()), frame, measured=False)


def footprint_of_build(build: Build) -> Footprint | None:
    """Return what the layout beside a build takes, or what to expect where there is none.

    None where the technology is not there, or the netlist cannot be read.
    """
    with suppress(NetgenError):
        technology, _, _ = prepared(build)
        netlist, speeds = read_netlist(build, technology), speeds_of_build(build)
        try:
            area, wires = extracted(build)
            measured = True
        except ConfigurationError:
            area = sum(each.drawn_m2 for each in areas(netlist, technology).values())
            wires, measured = expected_wires(netlist, technology), False
        frame = None if speeds is None else _frame(build.model, speeds, netlist, wires)
        return Footprint(area, sum(wires.values()), frame, measured)
    return None


def _frame(
    model: Model, speeds: Mapping[str, CellSpeed], netlist: Netlist, wires: Mapping[str, float]
) -> float | None:
    return frame_needed(model, loaded(speeds, netlist, wires)) if speeds else None
