"""Virtual chips with the structure of the circuit: one log-normal error a transistor.

The errors of a diode are in all of its copies, and a cell's threshold against its candidate hangs
on six transistors. It is the model of :mod:`netgen.behavioural.fast` as factors on the arrays that
the circuit draws, so that gradients pass; gm/I is the same at all currents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from netgen.characterise.path import path_points
from netgen.technology import Geometry, Polarity, Technology
from netgen.training.network import Architecture, as_drawn

SLOPES: dict[Polarity, float] = {"nmos": 27.0, "pmos": 25.0}
"""gm/I in weak inversion, 1/V, as measured in the default technology at half a nA."""


@dataclass(frozen=True)
class ChipErrors:
    """Standard deviations of ln of a transistor's current."""

    ratios: tuple[float, ...]  #: ln of mirror ratios, rising.
    #: ``sinking``, ``sourcing``: of NMOS and PMOS mirrors of these ratios.
    sinking: tuple[float, ...]
    sourcing: tuple[float, ...]
    #: ``nmos``, ``pmos``: of unit devices.
    nmos: float
    pmos: float
    #: What is left of a cell's threshold, width and gain after a trim; None without one.
    trimmed: float | None = None


def chip_errors(technology: Technology, unit: Geometry, trimmed: float | None = None) -> ChipErrors:
    """Return the errors of a technology's devices by mismatch.

    Parameters
    ----------
    unit
        Geometry of the unit mirror.
    trimmed
        Step of the codes of a trim, ln; it leaves an even distribution over one step.
    """
    spread = {polarity: _along_path(technology, polarity, unit) for polarity in SLOPES}
    ratios = np.unique(np.concatenate([each[0] for each in spread.values()]))
    sinking, sourcing = (
        tuple(np.interp(ratios, *spread[polarity]).tolist()) for polarity in ("nmos", "pmos")
    )
    return ChipErrors(
        tuple(ratios.tolist()),
        sinking,
        sourcing,
        _sigma(technology, "nmos", technology.unit_of("nmos", unit), 1),
        _sigma(technology, "pmos", technology.unit_of("pmos", unit), 1),
        None if trimmed is None else trimmed / math.sqrt(12),
    )


def _along_path(
    technology: Technology, polarity: Polarity, unit: Geometry
) -> tuple[np.ndarray, np.ndarray]:
    """Return ln of the ratios along the sizing path, rising, and their standard deviations."""
    unit_device = technology.unit_of(polarity, unit)
    logs, sigmas = [], []
    for point in path_points(technology, polarity, unit)[::-1]:
        count = technology.series(point.length)
        each = Geometry(point.width, point.length / count)
        logs.append(math.log(point.width / point.length * unit_device.length / unit_device.width))
        sigmas.append(_sigma(technology, polarity, each, count))
    return np.array(logs), np.array(sigmas)


def _sigma(technology: Technology, polarity: Polarity, geometry: Geometry, series: int) -> float:
    threshold, factor = technology.mismatch[polarity].sigma(geometry)
    return math.hypot(SLOPES[polarity] * threshold, factor) / math.sqrt(series)


def structured_chips(
    arch: Architecture,
    parameters: Tensor,
    count: int,
    share: float,
    generator: torch.Generator,
    errors: ChipErrors,
    nominal: int = 0,
) -> tuple[Architecture, Tensor]:
    """Draw chips of every network, (networks · count, parameters), and say how they are laid out.

    Parameters
    ----------
    share
        Of the sampled devices' own deviations: 1 for chips as they are.
    nominal
        How many chips of each network, the first ones, do not deviate.
    """
    drawn, each = as_drawn(arch, parameters)
    still = each.repeat_interleave(count, dim=0)
    sampled = _Chips(drawn, still, share, generator, errors).parameters()
    if nominal:
        first = torch.arange(len(still)) % count < nominal
        sampled = torch.where(first[:, None], still, sampled)
    return drawn, sampled


class _GateNets(NamedTuple):
    """Log errors of a signal's N- and P-gate nets, (chips, units)."""

    n: Tensor
    p: Tensor


@dataclass(frozen=True, eq=False)
class _Chips:
    arch: Architecture
    nominal: Tensor  #: Parameters of each chip, (chips, parameters).
    share: float
    generator: torch.Generator
    errors: ChipErrors

    @cached_property
    def logs(self) -> Tensor:
        """Log errors of the parameters, to which those of devices are added."""
        return torch.zeros_like(self.nominal)

    def parameters(self) -> Tensor:
        arch = self.arch
        x, reference = self.gate_nets(arch.inputs), self.gate_nets(1)
        posts: list[_GateNets] = []
        for layer in range(1, arch.layers + 1):
            key_prefix = f"{layer}." if layer > 1 else ""
            self.mirrors(f"{key_prefix}w0", x)
            self.mirrors(f"{key_prefix}b0", reference)
            if posts:
                below = (torch.stack(each, dim=1) for each in zip(*posts, strict=True))
                self.mirrors(f"{layer}.add", _GateNets(*below))
            row, candidate = self.gate_nets(arch.units), self.gate_nets(arch.units)
            self.mirrors(f"{layer}.wc", row)
            self.mirrors(f"{layer}.bc", reference)
            self.mirrors(f"{layer}.bp", reference)
            self.mirrors(f"{layer}.wp", self.cells(layer, candidate))
            posts.append(self.gate_nets(arch.units))
        self.mirrors("wx", x)
        self.mirrors("bo", reference)
        for layer, post in enumerate(posts, start=1):
            self.mirrors(f"{layer}.wo", post)
        return self.nominal * torch.exp(self.logs)

    def normal(self, sigma: float, *shape: int) -> Tensor:
        size = (len(self.nominal), *shape)
        values = torch.randn(size, generator=self.generator, dtype=self.nominal.dtype)
        return self.share * sigma * values

    def add(self, name: str, logs: Tensor) -> None:
        self.arch.take(self.logs, name).add_(logs)

    def gate_nets(self, units: int) -> _GateNets:
        """Draw what defines a signal by an NMOS diode: its copy and a PMOS diode give the P net."""
        diode, copy = (self.normal(self.errors.nmos, units) for _ in range(2))
        return _GateNets(-diode, copy - diode - self.normal(self.errors.pmos, units))

    def mirrors(self, name: str, gate_nets: _GateNets) -> None:
        """Add the errors of the mirrors of one parameter, and of the nets that drive them."""
        weight = self.arch.take(self.nominal, name)
        deviation = self.normal(1.0, *weight.shape[1:]) * self.sigma(weight)
        n, p = (each if each.ndim == weight.ndim else each[:, None] for each in gate_nets)
        self.add(name, deviation + torch.where(weight > 0, p, n))

    def sigma(self, weight: Tensor) -> Tensor:
        """Return the standard deviations of mirrors, looked up by their ratios."""
        values = weight.detach().numpy()
        logs = np.log(np.maximum(np.abs(values), 1e-6))
        sigmas = [np.interp(logs, self.errors.ratios, each)
                 for each in (self.errors.sourcing, self.errors.sinking)]  # fmt: skip
        return torch.from_numpy(np.where(values > 0, *sigmas)).to(weight.dtype)

    def cells(self, layer: int, candidate: _GateNets) -> _GateNets:
        """Add the errors of cells; return those of the gate nets of their outputs."""
        units, n, p = self.arch.units, self.errors.nmos, self.errors.pmos
        each = units, self.arch.rungs
        if self.errors.trimmed is None:
            seen = candidate.p[..., None] + self.normal(p, *each)
            self.add(f"{layer}.hi", self.pair(n, *each) - seen)
            self.add(f"{layer}.width", self.pair(n, *each) + self.pair(p, *each) - seen)
            self.add(f"{layer}.alpha", self.pair(n, *each))
        else:
            for name in ("hi", "width", "alpha"):
                self.add(f"{layer}.{name}", self.normal(self.errors.trimmed, *each))
        diode = self.normal(p, units)
        copied = self.normal(p, units) - self.normal(n, units)
        return _GateNets(copied - diode, -diode)

    def pair(self, sigma: float, *shape: int) -> Tensor:
        """Draw the error of mirrors of two unit devices."""
        return self.normal(math.sqrt(2) * sigma, *shape)
