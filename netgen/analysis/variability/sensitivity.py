"""Which deviations of devices go along with errors of the decision: the contribution of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import false_discovery_control, rankdata

from netgen.analysis.comparison.metrics import is_constant
from netgen.analysis.variability.population import PopulationFigures
from netgen.model.graph import Floats

CHIPS = 20
"""With fewer chips a correlation says nothing."""
PERMUTATIONS = 400
LEVEL = 0.01
"""Of the tests whose number of chance findings is stated."""
ERROR = 0.95
"""Quantile of what chance gives that groups are held against."""


@dataclass(frozen=True)
class Deviation:
    """One random quantity of a population's chips: a device's threshold shift, or a common one."""

    name: str  #: The device (or the polarity whose process varies).
    group: str  #: Learned parameters it stands for, or its role: what deviations are added up by.
    node: str  #: Node of the model whose row or cell it belongs to.
    #: Of the threshold voltage by chip, V, (chips,).
    shift: Floats = field(repr=False, compare=False)


@dataclass(frozen=True)
class DeviationSensitivity:
    """How strongly one deviation goes along with the error of the lead."""

    name: str
    group: str
    node: str
    rho: float  #: Spearman's correlation in the sample in which it is strongest.
    sample: int  #: That sample's index in its file.
    #: Mean over samples of ρ²: the share of the error's variance (of ranks) that goes along with
    #: it. Chance alone gives 1 / (chips − 1).
    share: float
    #: By how much one standard deviation moves the lead, a share of full scale: root mean square
    #: over samples of the regression's slope.
    effect_fs: float
    #: ``p``, ``q``: chance that some deviation without effect reaches this share: for a single one
    #: (p), and as the rate of false discoveries when all up to this one are believed (q, after
    #: Benjamini and Hochberg).
    p: float
    q: float


@dataclass(frozen=True)
class GroupSensitivity:
    """What goes along with all deviations of a group together."""

    name: str
    devices: int
    #: Sum over its deviations of the share of variance, without what chance gives (adjusted R²); so
    #: it may be below 0.
    share: float
    by_chance: float  #: 95 % quantile of that for deviations without effect.
    #: ``p``, ``q``: as of a single deviation, against groups of as many without effect.
    p: float
    q: float


@dataclass(frozen=True)
class Sensitivity:
    """Deviations ranked by how strongly the error of the lead goes along with them."""

    #: ``chips``, ``left_out``: chips used, and those left out because not all their samples were
    #: simulated.
    chips: int
    left_out: int
    deviations: tuple[DeviationSensitivity, ...]  #: All of them, strongest first.
    #: ``groups``, ``nodes``: the same added up by learned parameter or role, and by node; strongest
    #: first.
    groups: tuple[GroupSensitivity, ...]
    nodes: tuple[GroupSensitivity, ...]
    #: ``expected``, ``significant``: how many deviations have p < ``LEVEL``, if none had an effect
    #: and here.
    expected: float
    significant: int


def sensitivity(figures: PopulationFigures, deviations: Sequence[Deviation]) -> Sensitivity | None:
    """Correlate the error of every sample's lead with every deviation, over the chips.

    Deviations are sampled independently of each other, so each one's correlation is its own, and
    shares add up. What chance gives is found by permuting chips, which leaves the samples of one
    chip together: they are not independent.

    Returns
    -------
    None where fewer than ``CHIPS`` chips have all their samples, or nothing differs among them.
    """
    used = np.flatnonzero(figures.simulated.all(axis=1))
    if len(used) < CHIPS or not deviations:
        return None
    error = figures.lead_error_fs[used]
    varies = [at for at in range(error.shape[1]) if not is_constant(error[:, at])]
    shifts = np.stack([deviation.shift[used] for deviation in deviations], axis=1)
    moving = np.ptp(shifts, axis=0) > 0
    shifts, kept = shifts[:, moving], [d for d, m in zip(deviations, moving, strict=True) if m]
    if not varies or not kept:
        return None
    error = error[:, varies]
    ranks, errors = _unit(rankdata(shifts, axis=0)), _unit(rankdata(error, axis=0))
    rho = ranks.T @ errors
    share = np.mean(rho**2, axis=1)
    chance = _by_chance(ranks, errors)
    p = _exceeding(share, chance.ravel())
    slope = _unit(shifts).T @ (error - error.mean(axis=0)) / np.sqrt(len(used) - 1)
    strongest = np.abs(rho).argmax(axis=1)
    q = false_discovery_control(p)
    contributions = [
        DeviationSensitivity(
            each.name,
            each.group,
            each.node,
            rho=float(rho[at, strongest[at]]),
            sample=figures.samples[varies[int(strongest[at])]],
            share=float(share[at]),
            effect_fs=float(np.sqrt(np.mean(slope[at] ** 2))),
            p=float(p[at]),
            q=float(q[at]),
        )
        for at, each in enumerate(kept)
    ]
    explained, random = _adjusted(share, len(used)), _adjusted(chance, len(used))
    return Sensitivity(
        chips=len(used),
        left_out=len(figures.variants) - len(used),
        deviations=tuple(sorted(contributions, key=lambda each: -each.share)),
        groups=_groups([each.group for each in kept], explained, random),
        nodes=_groups([each.node for each in kept], explained, random),
        expected=LEVEL * len(kept),
        significant=int((p < LEVEL).sum()),
    )


def _unit(values: Floats) -> Floats:
    """Centre each column and scale it to length 1."""
    centred = values - values.mean(axis=0)
    scaled: Floats = centred / np.linalg.norm(centred, axis=0)
    return scaled


def _by_chance(ranks: Floats, errors: Floats) -> Floats:
    """Return shares when chips are permuted, (permutations, deviations)."""
    random = np.random.default_rng(0)  # a report made again says the same
    orders = (random.permutation(len(errors)) for _ in range(PERMUTATIONS))
    return np.stack([np.mean((ranks.T @ errors[order]) ** 2, axis=1) for order in orders])


def _exceeding(values: Floats, chance: Floats) -> Floats:
    """Return the chance of reaching each value, never 0."""
    reached = len(chance) - np.searchsorted(np.sort(chance), values)
    exceeding: Floats = (1 + reached) / (1 + len(chance))
    return exceeding


def _adjusted(share: Floats, chips: int) -> Floats:
    """R² of one predictor without what chance gives: the mean is 0 where there is no effect."""
    adjusted: Floats = 1 - (1 - share) * (chips - 1) / (chips - 2)
    return adjusted


def _groups(names: Sequence[str], share: Floats, chance: Floats) -> tuple[GroupSensitivity, ...]:
    members: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        members.setdefault(name, []).append(at)
    sums = {name: chance[:, at].sum(axis=1) for name, at in members.items()}
    alike: dict[int, list[Floats]] = {}  # chance gives groups of one size the same
    for name, indices in members.items():
        alike.setdefault(len(indices), []).append(sums[name])
    pooled = {size: np.concatenate(parts) for size, parts in alike.items()}
    shares = {name: float(share[at].sum()) for name, at in members.items()}
    p = {
        name: float(_exceeding(np.array([shares[name]]), pooled[len(at)])[0])
        for name, at in members.items()
    }
    q = dict(zip(p, false_discovery_control(list(p.values())), strict=True))
    groups = (
        GroupSensitivity(
            name,
            len(at),
            shares[name],
            float(np.quantile(pooled[len(at)], ERROR)),
            p[name],
            float(q[name]),
        )
        for name, at in members.items()
    )
    return tuple(sorted(groups, key=lambda group: -group.share))
