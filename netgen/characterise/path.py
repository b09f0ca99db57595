"""The geometries a mirror is characterised at: the technology's sizing path, sampled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from netgen.technology import Geometry, Models, Polarity, Technology

RATIO = 1.12
"""Largest ratio between neighbouring widths or lengths on the path."""


def path_points(
    technology: Technology, polarity: Polarity, unit: Geometry, models: Models | None = None
) -> list[Geometry]:
    """Return geometries along the sizing path, from the largest gain to the smallest.

    Where the device's model changes, by ``models``, there are two: the last one before it and the
    first one after it.
    """
    corners = technology.path(polarity, unit)
    points = [corners[0]]
    for start, stop in pairwise(corners):
        jumps = () if models is None else _jumps(technology, start, stop, models)
        for before, after in sorted(jumps, key=lambda pair: (-pair[0].width, pair[0].length)):
            points += (*_sampled(technology, points[-1], before), after)
        points += _sampled(technology, points[-1], stop)
    return list(dict.fromkeys(points))


def _sampled(technology: Technology, start: Geometry, stop: Geometry) -> Iterator[Geometry]:
    """Yield geometries from one to another, without the first."""
    change = max(start.width / stop.width, stop.length / start.length)
    count = max(1, int(np.ceil(np.log(change) / np.log(RATIO))))
    widths = np.geomspace(start.width, stop.width, count + 1)[1:]
    lengths = np.geomspace(start.length, stop.length, count + 1)[1:]
    for width, length in zip(widths, lengths, strict=True):
        yield Geometry(technology.snap(width), technology.snap(length))


def _jumps(
    technology: Technology, start: Geometry, stop: Geometry, models: Models
) -> Iterator[tuple[Geometry, Geometry]]:
    """Yield the geometries before and after each change of the model between two corners."""
    grid, snap = technology.grid, technology.snap
    fall, rise = np.log(start.width / stop.width), np.log(stop.length / start.length)
    pairs = []
    for edge in models.edges(0).tolist():
        if stop.width < edge * (1 - 1e-9) and edge <= start.width * (1 + 1e-9):
            length = snap(start.length * float(np.exp(rise * np.log(start.width / edge) / fall)))
            pairs.append((Geometry(snap(edge), length), Geometry(snap(edge - grid), length)))
    longest = models.longest
    for count in range(1, technology.max_series + 1):
        for edge in (*(e for e in models.edges(1).tolist() if e < 0.999 * longest), longest):
            total = edge * count
            first = start.length - grid / 2 if edge == longest else start.length
            inside = rise > 0 and first < total <= stop.length
            if not inside or technology.series(total) != count:
                continue
            width = snap(start.width * float(np.exp(-fall * np.log(total / start.length) / rise)))
            after = Geometry(width, total)
            if edge < longest:
                pairs.append((Geometry(width, count * snap(edge - grid)), after))
            else:  # one more transistor in series
                more = (count + 1) * snap(total / (count + 1) + grid)
                pairs.append((after, Geometry(width, more)))
    for pair in pairs:
        w, l = np.array([[g.width, g.length] for g in pair]).T  # noqa: E741
        before, behind = models.place(w, l)
        if (before != behind).any() and pair[1].length <= stop.length:
            yield pair
