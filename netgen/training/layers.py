"""The FQ BMRU as a PyTorch layer, for networks of one's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netgen.training.network import ALPHA_MIN, LO_MIN, WIDTH_MIN
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

    def __init__(self, units: int, sharpness: float = 20.0) -> None:
        super().__init__()
        self.sharpness = sharpness
        self.beta_hi = nn.Parameter(torch.full((units,), 0.8))
        self.width = nn.Parameter(torch.full((units,), 0.35))
        self.alpha = nn.Parameter(torch.full((units,), 0.8))

    @property
    def beta_lo(self) -> Tensor:
        """The lower thresholds, (units,)."""
        return self.beta_hi - self.width

    def learned(self) -> dict[str, Tensor]:
        """Return the parameters by their keys in the model format, (units,) each."""
        return {"alpha": self.alpha, "beta_lo": self.beta_lo, "beta_hi": self.beta_hi}

    def forward(self, candidate: Tensor) -> Tensor:
        """Return α·h for candidates ĥ, (batch, frames, units); a negative one counts as 0."""
        moved = candidate.transpose(0, 1)[None]  # (networks, frames, samples, units)
        hi, lo = self.beta_hi.view(1, 1, 1, -1), self.beta_lo.view(1, 1, 1, -1)
        if self.training:
            state = soft_hysteresis(moved, lo, hi, self.sharpness)
        else:
            state = hard_hysteresis(moved, lo, hi)
        return self.alpha * state[0].transpose(0, 1)

    @torch.no_grad()
    def keep_drawable(self) -> None:
        """Clamp the parameters, in place, to what a cell's bias currents can be set to."""
        self.alpha.clamp_(min=ALPHA_MIN)
        self.width.clamp_(min=WIDTH_MIN)
        self.beta_hi.copy_(torch.maximum(self.beta_hi, self.width + LO_MIN))
