"""The decision of the twin: an offset on each class's current, and the largest wins.

The errors of the copies of a class's current add. The branch of a winner-take-all compares what
comes out with what its inhibiting transistor, whose gate all classes share, takes of it: the error
of that one is taken off. Other transistors see their errors divided by the voltage gain before
them; they are left out. What a comparator is nominally off by is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.behavioural.devices import MirrorCopies, way
from netgen.behavioural.plan import Plan
from netgen.characterise.tables import Response
from netgen.circuit import DECISION_PREFIX
from netgen.circuit.blocks.port import POLARITY


@dataclass(frozen=True, eq=False)
class TwinDecision:
    """What decides between the classes."""

    copies: tuple[tuple[MirrorCopies, ...], ...]  #: By class, the way of its current.
    inhibit: Integers  #: Places of the inhibiting transistors, (classes,); none: (0,).
    nominal: Response | None  #: Of the first class's current; None where none is off.

    def compared(self, currents: Floats, errors: Floats) -> Floats:
        """Return what is compared, (chips, samples, frames, classes).

        Parameters
        ----------
        currents
            The readout's, units, of the same shape.
        errors
            ln of each device's current over the nominal one, (chips, devices).
        """
        offsets = np.concatenate([way(each, errors) for each in self.copies], axis=1)
        if self.inhibit.size:
            offsets -= errors[:, self.inhibit]
        compared: Floats = currents * np.exp(offsets)[:, np.newaxis, np.newaxis]
        if self.nominal is not None:
            compared[..., 0] *= self.nominal.at(currents[..., 0])
        return compared


def twin_decision(plan: Plan) -> TwinDecision | None:
    """Read what decides; None where nothing does, or where a mean over frames decides.

    A mean takes more than which class is largest in each frame.
    """
    readout, block = plan.circuit.model.readout, plan.circuit.decision
    if block is None or readout.rule == "mean":
        return None
    unit = plan.index.units[DECISION_PREFIX, 0]
    devices = block.copies([each.name for each in unit.instances])

    def parts(stack: str) -> tuple[str, ...]:
        transistors = plan.index.netlist.transistors.values()
        return tuple(each.name for each in transistors if each.stack == stack)

    copies = (
        plan.copies(readout.node, [u], POLARITY[block.gate_net(u)], [parts(copy)])
        for u, (copy, _) in enumerate(devices)
    )
    places = [plan.devices.place("nmos", *parts(name)) for _, name in devices if name]
    return TwinDecision(tuple(copies), np.array(places, dtype=np.intp), plan.known.comparator)
