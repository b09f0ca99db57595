"""The reference network in PyTorch, many networks at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from netgen.training.recurrence import hard_hysteresis, soft_hysteresis

LO_MIN, WIDTH_MIN = 0.08, 0.05
RUNG_MIN = 0.1
"""Least distance of the thresholds of neighbouring rungs, in units."""
ALPHA_MIN, LARGEST = 0.05, 4.0

Recurrence = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class ParameterSlice:
    """A place of one learned array in the flat parameter vector."""

    name: str
    start: int
    shape: tuple[int, ...]

    @property
    def stop(self) -> int:
        """Where the next part starts."""
        return self.start + math.prod(self.shape)


@dataclass(frozen=True)
class Architecture:
    """The reference network of the model format: n inputs, d units, N layers, classes.

    All learned numbers of one network lie in one vector, so that a set of networks is a matrix
    (networks, parameters). A layer's cells are held by the currents that set them in the circuit:
    ``hi`` (threshold), ``width`` (hysteresis width, β_hi − β_lo) and ``alpha`` (output), each
    (units, rungs). With one rung a unit is a two-state cell, with more a ladder.

    With ``drawn`` it is the network as the circuit draws it: each layer and the readout have
    mirrors of their own for the weights on ``x`` and for the residual sums below them.
    """

    inputs: int
    units: int
    layers: int
    classes: int
    rungs: int = 1
    drawn: bool = False

    @cached_property
    def slices(self) -> dict[str, ParameterSlice]:
        """Every array by name: ``w0``, ``b0``, ``1.wc`` … ``2.bp``, ``wo``, ``bo``.

        As drawn, layers from the second on also have ``2.w0``, ``2.b0`` and ``2.add``, and the
        readout ``wx`` and ``1.wo`` … instead of ``wo``.
        """
        d = self.units
        shapes: dict[str, tuple[int, ...]] = {"w0": (d, self.inputs), "b0": (d,)}
        for layer in range(1, self.layers + 1):
            square: dict[str, tuple[int, ...]] = {"wc": (d, d), "wp": (d, d)}
            vectors: dict[str, tuple[int, ...]] = {"bc": (d,)}
            vectors |= dict.fromkeys(("hi", "width", "alpha"), (d, self.rungs)) | {"bp": (d,)}
            if self.drawn and layer > 1:
                vectors |= {"w0": (d, self.inputs), "b0": (d,), "add": (layer - 1, d)}
            if self.drawn:
                vectors |= {"wo": (self.classes, d)}
            shapes |= {f"{layer}.{name}": shape for name, shape in (square | vectors).items()}
        shapes |= {"wx": (self.classes, self.inputs)} if self.drawn else {"wo": (self.classes, d)}
        shapes |= {"bo": (self.classes,)}
        slices, start = {}, 0
        for name, shape in shapes.items():
            slices[name] = ParameterSlice(name, start, shape)
            start = slices[name].stop
        return slices

    @property
    def size(self) -> int:
        """Learned numbers of one network."""
        return self.slices["bo"].stop

    def take(self, parameters: Tensor, name: str) -> Tensor:
        """Return one array of every network, (networks, …), as a view."""
        part = self.slices[name]
        return parameters[:, part.start : part.stop].view(len(parameters), *part.shape)

    def mask(self, *names: str) -> Tensor:
        """Mark the places of the slices with these names (without the layer), (parameters,)."""
        mask = torch.zeros(self.size, dtype=torch.bool)
        for part in self.slices.values():
            if part.name.rpartition(".")[2] in names:
                mask[part.start : part.stop] = True
        return mask


@dataclass(frozen=True, eq=False)
class LayerActivations:
    """What happened in one recurrent layer; every array is (networks, frames, samples, units).

    ``candidate`` and ``post`` are the signed sums before their ReLU, ``state`` is between 0 and 1
    and has one entry a rung, (…, units · rungs), ``signed`` is the layer's own signed input.
    """

    signed: Tensor
    candidate: Tensor
    state: Tensor
    post: Tensor


@dataclass(frozen=True, eq=False)
class Activations:
    """What happened in the networks; ``logits`` is (networks, frames, samples, classes)."""

    layers: tuple[LayerActivations, ...]
    out: Tensor
    logits: Tensor


def affine(arch: Architecture, parameters: Tensor, weight: str, bias: str, x: Tensor) -> Tensor:
    """Return W·x + b for every network; x is (networks, frames, samples, in)."""
    return _affine(arch.take(parameters, weight), arch.take(parameters, bias), x)


def _affine(weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    if len(x) == 1 < len(weight):  # all networks see the same: one product, and no copies of x
        many, wide = weight.shape[:2]
        shared = torch.addmm(bias.flatten(), x.flatten(0, 2), weight.flatten(0, 1).T)
        return shared.view(*x.shape[1:3], many, wide).permute(2, 0, 1, 3).contiguous()
    flat = torch.baddbmm(bias.unsqueeze(1), x.flatten(1, 2), weight.transpose(1, 2))
    return flat.view(*x.shape[:3], weight.shape[1])


def cell(arch: Architecture, parameters: Tensor, layer: int, name: str) -> Tensor:
    """Return a cell parameter of one layer for broadcasting, (networks, 1, 1, units · rungs)."""
    return arch.take(parameters, f"{layer}.{name}").flatten(1)[:, None, None, :]


def seen(candidate: Tensor, rungs: int) -> Tensor:
    """Return candidates, (…, units), as the rungs see them, (…, units · rungs)."""
    return candidate if rungs == 1 else candidate.repeat_interleave(rungs, dim=-1)


def as_drawn(arch: Architecture, parameters: Tensor) -> tuple[Architecture, Tensor]:
    """Return networks as the circuit draws them; they compute the same."""
    drawn = replace(arch, drawn=True)
    w0, b0, wo, bo = (arch.take(parameters, name) for name in ("w0", "b0", "wo", "bo"))
    arrays = {"wx": wo @ w0, "bo": bo + (wo @ b0[..., None])[..., 0]}
    for name, part in drawn.slices.items():
        if name.endswith(".add"):
            arrays[name] = parameters.new_ones(len(parameters), *part.shape)
        elif name not in arrays:
            known = name if name in arch.slices else name.partition(".")[2]
            arrays[name] = arch.take(parameters, known)
    return drawn, torch.cat([arrays[name].flatten(1) for name in drawn.slices], dim=1)


def run(arch: Architecture, parameters: Tensor, x: Tensor, recurrence: Recurrence) -> Activations:
    """Run every network on its inputs.

    Parameters
    ----------
    parameters
        (networks, parameters).
    x
        (networks, frames, samples, inputs), or with a first dimension of 1 for all networks.
    recurrence
        Candidates and both thresholds to states.
    """
    signed = affine(arch, parameters, "w0", "b0", x)
    layers: list[LayerActivations] = []
    for layer in range(1, arch.layers + 1):
        take = f"{layer}."
        candidate = affine(arch, parameters, take + "wc", take + "bc", torch.relu(signed))
        hi = cell(arch, parameters, layer, "hi")
        lo = hi - cell(arch, parameters, layer, "width")
        state = recurrence(seen(candidate, arch.rungs), lo, hi)
        # the state is between 0 and 1: α goes into the weights, a matrix instead of every state
        alpha = arch.take(parameters, take + "alpha")[:, None]
        weight = (arch.take(parameters, take + "wp")[..., None] * alpha).flatten(2)
        post = _affine(weight, arch.take(parameters, take + "bp"), state)
        layers.append(LayerActivations(signed, candidate, state, post))
        if arch.drawn and layer < arch.layers:
            signed = affine(arch, parameters, f"{layer + 1}.w0", f"{layer + 1}.b0", x)
            for gain, below in zip(added(arch, parameters, layer + 1), layers, strict=True):
                signed = signed + gain * torch.relu(below.post)
        else:
            signed = signed + torch.relu(post)
    if not arch.drawn:
        return Activations(tuple(layers), signed, affine(arch, parameters, "wo", "bo", signed))
    logits = affine(arch, parameters, "wx", "bo", x)
    for layer, below in enumerate(layers, start=1):
        weight = arch.take(parameters, f"{layer}.wo")
        logits = logits + _affine(
            weight,
            weight.new_zeros(weight.shape[:2]),
            torch.relu(below.post),
        )
    return Activations(tuple(layers), signed, logits)


def added(arch: Architecture, parameters: Tensor, layer: int) -> tuple[Tensor, ...]:
    """Return the gains of the posts below in a layer's sum, one lower layer each, to broadcast."""
    if not arch.drawn:
        return (parameters.new_ones(1),) * (layer - 1)
    gains: tuple[Tensor, ...] = arch.take(parameters, f"{layer}.add")[:, None, None].unbind(3)
    return gains


def soft(sharpness: float) -> Recurrence:
    """Return the soft recurrence at sharpness K."""
    return lambda candidate, lo, hi: soft_hysteresis(candidate, lo, hi, sharpness)


hard: Recurrence = hard_hysteresis
"""The recurrence of the model format.

The ReLU between a candidate's sum and its cell counts only where β_lo ≤ 0, as on chips: above, it
changes no state.
"""


def raced_candidate(arch: Architecture, parameters: Tensor, acts: Activations, k: int) -> Tensor:
    """Return layer k's candidates for this frame's input and the frame before's lower states.

    A cell of the circuit sees these for 100–300 µs after each step of the input, before the
    layers below have settled (k from 2; layers below start from state 0).
    """
    signed = acts.layers[k - 1].signed
    for layer, gain in enumerate(added(arch, parameters, k), start=1):
        post = acts.layers[layer - 1].post
        rest = arch.take(parameters, f"{layer}.bp")[:, None, None, :].expand_as(post[:, :1])
        before = torch.cat([rest, post[:, :-1]], dim=1)
        signed = signed + gain * (torch.relu(before) - torch.relu(post))
    return affine(arch, parameters, f"{k}.wc", f"{k}.bc", torch.relu(signed))


def first_thresholds(rungs: int) -> Tensor:
    """Return upper thresholds to start from, evenly spaced with 0.8 as their mean, (rungs,)."""
    return 1.6 * torch.arange(1, rungs + 1) / (rungs + 1)


def initial(arch: Architecture, networks: int, generator: torch.Generator) -> Tensor:
    """Draw networks that can be trained, (networks, parameters).

    Candidate weights are scaled by 4/d and other weights from d units by √(4/d), so that currents
    keep their size for any d.
    """

    def normal(name: str, std: float, mean: float | Tensor = 0.0) -> None:
        view = arch.take(parameters, name)
        view.copy_(mean + std * torch.randn(view.shape, generator=generator))

    parameters = torch.zeros(networks, arch.size)
    narrow, wide = 4 / arch.units, math.sqrt(4 / arch.units)
    normal("w0", 1 / math.sqrt(arch.inputs))
    normal("b0", 0.1)
    for layer in range(1, arch.layers + 1):
        normal(f"{layer}.wc", 0.5 * narrow, 0.5 * narrow)
        normal(f"{layer}.bc", 0.1)
        normal(f"{layer}.wp", 0.5 * wide)
        normal(f"{layer}.bp", 0.1)
        normal(f"{layer}.hi", 0.2, first_thresholds(arch.rungs))
        normal(f"{layer}.width", 0.1, 0.35)
        normal(f"{layer}.alpha", 0.1, 1.6 / (arch.rungs + 1))
    normal("wo", 0.5 * wide)
    keep_drawable(arch, parameters)
    return parameters


def keep_drawable(arch: Architecture, parameters: Tensor) -> None:
    """Clamp parameters, in place, to what a mirror, a bias or a cell can be set to."""
    parameters.clamp_(-LARGEST, LARGEST)
    for layer in range(1, arch.layers + 1):
        clamp_cells(
            *(arch.take(parameters, f"{layer}.{name}") for name in ("hi", "width", "alpha"))
        )


def clamp_cells(hi: Tensor, width: Tensor, alpha: Tensor) -> None:
    """Clamp parameters of cells, (…, rungs), in place, to what their biases can be set to.

    Both thresholds rise by ``RUNG_MIN`` from rung to rung at least, and no upper one is above
    ``LARGEST``.
    """
    rungs = hi.shape[-1]
    highest = LARGEST - RUNG_MIN * torch.arange(rungs - 1, -1, -1, dtype=hi.dtype)
    alpha.clamp_(min=ALPHA_MIN, max=LARGEST)
    hi.copy_(torch.minimum(hi, highest))
    width.clamp_(min=WIDTH_MIN, max=float(highest[0]) - LO_MIN)
    for rung in range(rungs):
        if rung == 0:
            hi[..., 0] = torch.maximum(hi[..., 0], width[..., 0] + LO_MIN)
            continue
        before = hi[..., rung - 1] - width[..., rung - 1]
        hi[..., rung] = torch.maximum(hi[..., rung], hi[..., rung - 1] + RUNG_MIN)
        width[..., rung] = torch.minimum(width[..., rung], hi[..., rung] - before - RUNG_MIN)
