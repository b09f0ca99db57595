"""The geometries a mirror is characterised at: the technology's sizing path, sampled."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from netgen.technology import Geometry, Polarity, Technology

RATIO = 1.12
"""Largest ratio between neighbouring widths or lengths on the path."""


def path_points(technology: Technology, polarity: Polarity, unit: Geometry) -> list[Geometry]:
    """Return geometries along the sizing path, from the largest gain to the smallest."""
    corners = technology.path(polarity, unit)
    points = [corners[0]]
    for start, stop in pairwise(corners):
        change = max(start.width / stop.width, stop.length / start.length)
        count = max(1, int(np.ceil(np.log(change) / np.log(RATIO))))
        widths = np.geomspace(start.width, stop.width, count + 1)[1:]
        lengths = np.geomspace(start.length, stop.length, count + 1)[1:]
        for width, length in zip(widths, lengths, strict=True):
            points.append(Geometry(technology.snap(width), technology.snap(length)))
    return points
