"""The winner-take-all of the twin: an offset on each class's current, and the largest wins.

A class's branch compares a copy of its readout current with what its inhibiting transistor, whose
gate all classes share, takes of it. So the errors of the copies add, and that of the inhibiting
transistor is taken off. The other transistor of a branch sees its error divided by the branch's
voltage gain; it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.behavioural.devices import MirrorCopies
from netgen.behavioural.plan import Plan
from netgen.circuit import DECISION_PREFIX
from netgen.circuit.blocks import wta


@dataclass(frozen=True, eq=False)
class TwinDecision:
    """The branches of the classes."""

    copies: tuple[MirrorCopies, ...]  #: The way from the readout's currents into the branches.
    inhibit: Integers  #: Places of the inhibiting transistors, (classes,).

    def offsets(self, errors: Floats) -> Floats:
        """Return ln of the factor on each class's current, (chips, classes).

        Parameters
        ----------
        errors
            ln of each device's current over the nominal one, (chips, devices).
        """
        offsets: Floats = -errors[:, self.inhibit]
        for each in self.copies:
            offsets = offsets + errors[:, each.copy] - errors[:, each.diode]
        return offsets


def twin_decision(plan: Plan) -> TwinDecision | None:
    """Read the winner-take-all; None where there is none, or where a mean over frames decides.

    A mean takes more than which class is largest in each frame.
    """
    readout = plan.circuit.model.readout
    if not plan.circuit.decision or readout.rule == "mean":
        return None
    unit = plan.index.units[DECISION_PREFIX, 0]
    names = [each.name for each in unit.instances if each.module == wta.CLASS]

    def parts(name: str, device: str) -> tuple[str, ...]:
        stack = f"{name}.{device}"
        transistors = plan.index.netlist.transistors.values()
        return tuple(each.name for each in transistors if each.stack == stack)

    ends = [parts(name, wta.INPUT) for name in names]
    places = [plan.devices.place("nmos", *parts(name, wta.INHIBIT)) for name in names]
    return TwinDecision(
        plan.copies(readout.node, list(range(len(names))), "pmos", ends),
        np.array(places, dtype=np.intp),
    )
