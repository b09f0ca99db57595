"""Dividers of inputs in the twin: a factor on each input, by the mismatch of their mirrors."""

from __future__ import annotations

from netgen.behavioural.devices import MirrorCopies, mirror_copies
from netgen.behavioural.plan import Plan
from netgen.circuit.blocks import divider
from netgen.circuit.blocks.kit import series_names
from netgen.model import INPUT
from netgen.technology import Polarity


def twin_dividers(plan: Plan) -> tuple[MirrorCopies, ...]:
    """Read the way of inputs through their dividers; empty without."""
    circuit, place = plan.circuit, plan.devices.place
    if circuit.divider is None:
        return ()
    prefix = circuit.prefixes[INPUT]
    names = [plan.index.block(prefix, u, "divider") for u in range(circuit.model.input_size)]

    def mirror(polarity: Polarity, diode: str, copy: str, count: int) -> MirrorCopies:
        parts = series_names(copy, count)
        ends = [place(polarity, *(f"{name}.{part}" for part in parts)) for name in names]
        return mirror_copies(polarity, [place(polarity, f"{n}.{diode}") for n in names], ends)

    return (
        mirror("nmos", divider.SINK_DIODE, divider.SINK_COPY, 1),
        mirror("pmos", divider.SOURCE_DIODE, divider.SOURCE_COPY, divider.SERIES),
    )
