"""What a DAC of bias currents gives for the current of its diode, by the tables of mirrors."""

from __future__ import annotations

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.diodes import DiodeTable
from netgen.characterise.gain import MirrorTables
from netgen.circuit.blocks.dac import COPIED, DacRange
from netgen.technology import Geometry, Technology


def dac_diode(
    tables: MirrorTables, span: DacRange, currents: Floats, diodes: DiodeTable | None
) -> tuple[Floats, Floats]:
    """Return the current of one of the diode's units, A, and the net's voltage, V.

    Parameters
    ----------
    currents
        Nominal bias currents, A, any shape.
    diodes
        Without them a PMOS's voltage counts as that of an NMOS, which costs up to a per cent.
    """
    each = currents * span.copied / COPIED
    if diodes is None:
        return each, tables.axes.vdd - tables.diode_voltage(each)
    return each, tables.axes.vdd - diodes.voltage("pmos", np.log(each))


def dac_gain(
    tables: MirrorTables, technology: Technology, unit: Geometry, span: DacRange, currents: Floats
) -> Floats:
    """Return the nominal current over the diode's whole current, A, (…,); see :func:`dac_diode`.

    Units in series count as a share of one: in weak inversion they are, since the charge along
    a channel falls linearly.
    """
    each, _ = dac_diode(tables, span, currents, None)
    geometry, volts = technology.unit_of("pmos", unit), tables.diode_voltage(currents)
    gain: Floats = tables.of_one("p", "pmos", geometry, each, volts) / span.copied
    return gain
