"""Which devices move the leads of samples: their variance by device, from chips alone."""

from __future__ import annotations

import numpy as np

from netgen.model.graph import Floats


def lead_variances(leads: Floats, deviations: Floats) -> Floats:
    """Return the variance of leads that each device accounts for, (devices,).

    By Stein's identity the covariance of a lead with a normal deviation is the lead's mean slope,
    also where states flip and the lead jumps. Its square is unbiased once the variance of the
    estimate is taken off, so that a device without any effect gives zero on average. A sample
    counts by how likely its lead crosses zero, and by its own variance.

    Parameters
    ----------
    leads
        (chips, samples), see :func:`netgen.analysis.variability.population.lead`.
    deviations
        Of standard deviation 1, (chips, devices).
    """
    chips = len(leads)
    mean, spread = leads.mean(axis=0), leads.std(axis=0, ddof=1)
    moved = spread > 0
    weight = np.zeros(leads.shape[1])
    weight[moved] = np.exp(-0.5 * (mean[moved] / spread[moved]) ** 2) / spread[moved] ** 2
    slope = deviations.T @ (leads - mean) / chips
    variances: Floats = (slope**2 - spread**2 / chips) @ weight
    return variances
