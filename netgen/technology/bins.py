"""Models in bins: only those that a design can use, in a library of their own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen.errors import ConfigurationError
from netgen.files import write_whole
from netgen.technology.data import POLARITIES, Geometry, Polarity, Technology

_CARD = re.compile(r"^\.model\s+(\S+?)\.\d+\s", re.I | re.M)
_LIMIT = re.compile(r"\b(lmin|lmax|wmin|wmax)\s*=\s*([0-9.e+-]+)", re.I)


@dataclass(frozen=True)
class Bin:
    """One model card and the drawn W and L it is for, (smallest, largest) in metres."""

    width: tuple[float, float]
    length: tuple[float, float]
    card: str

    def touches(self, width: tuple[float, float], length: tuple[float, float]) -> bool:
        """Say whether a range of W and L reaches into the bin."""
        return (
            self.width[0] <= width[1]
            and width[0] <= self.width[1]
            and self.length[0] <= length[1]
            and length[0] <= self.length[1]
        )


def with_bins(technology: Technology, unit: Geometry, folder: Path) -> Technology:
    """Return the technology with a library of only the bins that its geometries fall into.

    A simulator reads all bins of a process before it picks some: most of the time of a short run.
    A technology without bins is returned as it is.

    Parameters
    ----------
    unit
        The unit mirror: with the sizing path it says which geometries there can be.
    folder
        Where to write the library, named by its content.

    Raises
    ------
    ConfigurationError
        A model file holds no bin for a geometry.
    """
    if not technology.bins:
        return technology
    sections = []
    for corner, section in technology.corners.items():
        source = technology.folder / technology.bins[corner]
        cards = "\n".join(_used(technology, source, unit))
        sections.append(f".lib {section}\n{cards}\n.endl {section}\n")
    text = f"* bins of {technology.title} that the sizing path reaches\n" + "".join(sections)
    name = f"{technology.name}_{hashlib.sha256(text.encode()).hexdigest()[:12]}.lib"
    if not _holds(folder / name, text):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, text)
    return replace(
        technology,
        folder=folder.resolve(),
        includes=(),
        library=name,
        bins={},
        origin=technology.sources,
    )


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _used(technology: Technology, source: Path, unit: Geometry) -> Iterator[str]:
    text = source.read_text(encoding="utf-8", errors="replace")
    for polarity in POLARITIES:
        model = technology.devices[polarity].model
        bins = list(read_bins(text, model))
        used: dict[str, None] = {}
        for start, stop in technology.spans(polarity, unit):
            reached = _reached(bins, (start, stop))
            if not reached:
                span = f"W = {stop.width:g}, L = {stop.length:g}"
                raise ConfigurationError(str(source), [f"{model}: no bin for {span} (metres)"])
            used |= dict.fromkeys(reached)
        yield from used


def _reached(bins: Collection[Bin], ends: tuple[Geometry, Geometry]) -> list[str]:
    width = min(e.width for e in ends), max(e.width for e in ends)
    length = min(e.length for e in ends), max(e.length for e in ends)
    return [entry.card for entry in bins if entry.touches(width, length)]


def read_bins(text: str, model: str) -> Iterator[Bin]:
    """Yield the bins of a model in a model file: ``.model <model>.<number> …`` cards."""
    starts = [*_CARD.finditer(text)]
    ends = [*(start.start() for start in starts[1:]), len(text)]
    for start, end in zip(starts, ends, strict=False):  # no card, no end
        if start[1].lower() != model.lower():
            continue
        card = text[start.start() : end].rstrip()
        limits = {key.lower(): float(value) for key, value in _LIMIT.findall(card)}
        yield Bin((limits["wmin"], limits["wmax"]), (limits["lmin"], limits["lmax"]), card)


@dataclass(frozen=True, eq=False)
class Models:
    """Which model a device of a polarity has: its gain may jump where that changes."""

    #: Smallest and largest W, smallest and largest L of each bin, m, (bins, 4); none for a model
    #: without bins.
    bins: NDArray[np.float64]
    longest: float  #: Above this length, m, transistors stand in series.

    def place(self, width: NDArray[np.float64], length: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return how many transistors in series devices are, and their bin or 0, (n, 2).

        A bin holds its lower edges.
        """
        series = np.maximum(np.ceil(length / self.longest - 1e-9), 1)
        each = np.stack([width, length / series], axis=-1)[:, np.newaxis] * (1 + 1e-9)
        low, high = self.bins[:, ::2], self.bins[:, 1::2]
        inside = ((low <= each) & (each < high)).all(axis=-1)
        inside = np.concatenate([np.zeros((len(series), 1), dtype=bool), inside], axis=1)
        return np.stack([series.astype(np.int64), inside.argmax(axis=1)], axis=-1)

    def edges(self, axis: int) -> NDArray[np.float64]:
        """Return the edges of W (0) or L (1), m, (edges,), rising."""
        return np.unique(self.bins[:, 2 * axis : 2 * axis + 2])


ONE_MODEL = Models(np.zeros((0, 4)), np.inf)
"""Of devices without bins, however long."""


def models_of(technology: Technology, polarity: Polarity) -> Models:
    """Return the bins that the model files of a technology hold for a device."""
    device = technology.devices[polarity]
    names = {device.model, f"{device.model}__model"}
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in technology.files]
    sizes = {(*b.width, *b.length) for t in texts for name in names for b in read_bins(t, name)}
    return Models(np.array(sorted(sizes)).reshape(-1, 4), technology.length[1])
