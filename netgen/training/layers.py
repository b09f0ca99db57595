"""The FQ BMRU and the ladder as PyTorch layers, for networks of one's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netgen.training.network import clamp_cells, first_thresholds, seen
from netgen.training.recurrence import hard_hysteresis, soft_hysteresis


class FqBmru(nn.Module):
    """First-quadrant bistable memory units; states start at 0.

    In training mode the gates are soft, with ``sharpness`` K (raise it from about 4 to 80 while
    training); in evaluation mode they are the hard ones of the model format.

    Parameters
    ----------
    units
        Cells; the last dimension of input and output.
    sharpness
        K of the soft gates.
    """

    op = "bmru"
    rungs = 1

    def __init__(self, units: int, sharpness: float = 20.0) -> None:
        super().__init__()
        self.sharpness = sharpness
        self._start(torch.full((units,), 0.8), 0.8)

    def _start(self, beta_hi: Tensor, alpha: float) -> None:
        self.beta_hi = nn.Parameter(beta_hi)
        self.width = nn.Parameter(torch.full_like(beta_hi, 0.35))
        self.alpha = nn.Parameter(torch.full_like(beta_hi, alpha))

    @property
    def beta_lo(self) -> Tensor:
        """The lower thresholds, (units,), of a ladder (units, rungs)."""
        return self.beta_hi - self.width

    def learned(self) -> dict[str, Tensor]:
        """Return the parameters by their keys in the model format, (units,) or (units, rungs)."""
        return {"alpha": self.alpha, "beta_lo": self.beta_lo, "beta_hi": self.beta_hi}

    def forward(self, candidate: Tensor) -> Tensor:
        """Return α·h for candidates ĥ, (batch, frames, units); a negative one counts as 0."""
        moved = seen(candidate.transpose(0, 1)[None], self.rungs)  # (networks, frames, samples, …)
        hi, lo = self.beta_hi.reshape(1, 1, 1, -1), self.beta_lo.reshape(1, 1, 1, -1)
        if self.training:
            state = soft_hysteresis(moved, lo, hi, self.sharpness)
        else:
            state = hard_hysteresis(moved, lo, hi)
        given = self.alpha.flatten() * state[0].transpose(0, 1)
        return given if self.rungs == 1 else given.unflatten(-1, (-1, self.rungs)).sum(dim=-1)

    @torch.no_grad()
    def keep_drawable(self) -> None:
        """Clamp the parameters, in place, to what a cell's bias currents can be set to."""
        each = (self.beta_hi, self.width, self.alpha)
        clamp_cells(*(parameter.view(-1, self.rungs) for parameter in each))


class FqLadder(FqBmru):
    """Ladders: ``rungs`` hysteretic comparators on each candidate, whose outputs add up.

    Parameters
    ----------
    units, rungs
        Cells, the last dimension of input and output; and triggers of each.
    sharpness
        As of :class:`FqBmru`.
    """

    op = "ladder"

    def __init__(self, units: int, rungs: int, sharpness: float = 20.0) -> None:
        super().__init__(units, sharpness)
        self.rungs = rungs
        self._start(first_thresholds(rungs).repeat(units, 1), 1.6 / (rungs + 1))
