"""Transistors as polygons: any W and L that the technology allows is drawn by the rules.

Current flows along x, the source on the left. y = 0 is the lower edge of the channel; the gate's
contact is above it.
"""

from __future__ import annotations

from dataclasses import dataclass

from netgen.layout.canvas import Canvas
from netgen.layout.process import Process
from netgen.technology import Polarity


@dataclass(frozen=True)
class Finger:
    """One gate of a device of the record."""

    device: str  #: Path of the device; a dummy's begins with ``dummy``.
    polarity: Polarity
    #: ``width``, ``length``: nm.
    width: int
    length: int
    #: ``drain``, ``gate``, ``source``: nets.
    drain: str
    gate: str
    source: str


@dataclass(frozen=True)
class Pin:
    """Where Metal 1 has to lie over contacts: middle in x, ends in y, nm."""

    x: int
    bottom: int
    top: int


@dataclass(frozen=True, eq=False)
class Shape:
    """A finger as drawn, without its wires."""

    canvas: Canvas
    span: int  #: Extent of its active area along x, nm, from 0.
    height: int  #: Of what has to stay clear above y = 0: poly of the gate's head, nm.
    active_top: int  #: Upper end of its active area, nm.
    #: ``source``, ``gate``, ``drain``: where its pins are.
    source: Pin
    gate: Pin
    drain: Pin


def finger_shape(finger: Finger, process: Process) -> Shape:
    """Draw a transistor."""
    d = process.drawing
    width, length = finger.width, finger.length
    end = _source_drain(length, process)
    canvas = Canvas()
    span = 2 * end + length
    active = process.roles.active
    canvas.box(active, 0, 0, span, width)
    top = width
    if width < d.pad:  # a contact needs more than the channel's width: widen the outer ends
        top = d.pad
        for left in (0, span - d.pad):
            canvas.box(active, left, 0, left + d.pad, d.pad)
    at = d.active_around_contact
    pins = [_contacts(canvas, left, top, process) for left in (at, span - at - d.contact)]
    gate, height = _gate(canvas, end, length, top, process)
    return Shape(canvas, span, height, top, pins[0], gate, pins[1])


def _source_drain(length: int, process: Process) -> int:
    """Return the length of source and drain: more below a short gate, whose pins would touch."""
    d = process.drawing
    outer = d.active_around_contact + d.contact // 2
    missing = 2 * d.strip_pitch - (2 * (d.source_drain - outer) + length)
    return d.source_drain + (-process.snap(-missing / 2) if missing > 0 else 0)


def _contacts(canvas: Canvas, left: int, top: int, process: Process) -> Pin:
    """Draw a column of contacts on an active area that ends at ``top``."""
    d = process.drawing
    count = max(1, (top - 2 * d.active_around_contact - d.contact) // d.contact_pitch + 1)
    high = d.contact + (count - 1) * d.contact_pitch
    first = process.snap((top - high) / 2)
    for number in range(count):
        bottom = first + number * d.contact_pitch
        canvas.box(process.roles.contact, left, bottom, left + d.contact, bottom + d.contact)
    low, up = first - d.wire_beyond_contact, first + high + d.wire_beyond_contact
    return Pin(left + d.contact // 2, low, up)


def _gate(canvas: Canvas, left: int, length: int, top: int, process: Process) -> tuple[Pin, int]:
    """Draw the gate, its head and contact; return the pin and how high the poly reaches."""
    d, poly = process.drawing, process.roles.gate
    around = d.poly_around_contact
    bottom = top + d.gate_to_gate_contact
    height = bottom + d.contact + around
    canvas.box(poly, left, -d.end_cap, left + length, height)
    middle = process.snap(left + length / 2)
    half = d.contact // 2 + around
    if length < 2 * half:
        canvas.box(poly, middle - half, bottom - around, middle + half, height)
    contact, reach = process.roles.contact, d.contact // 2
    canvas.box(contact, middle - reach, bottom, middle + reach, bottom + d.contact)
    low, up = bottom - d.wire_beyond_contact, bottom + d.contact + d.wire_beyond_contact
    return Pin(middle, low, up), height
