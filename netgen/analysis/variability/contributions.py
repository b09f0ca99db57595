"""What each group of devices does to the decisions of chips."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contribution:
    """What the mismatch of a group of devices does.

    Attributes
    ----------
    group, devices
        Its name, and how many transistors it has.
    share
        Of the leads' variance that single devices account for, by Stein's identity.
    alone, without
        Decisions as software's where this group alone deviates, and where all but it do.
    """

    group: str
    devices: int
    share: float
    alone: float
    without: float


@dataclass(frozen=True)
class Contributions:
    """What the groups of a circuit do, by the fast chip model.

    Attributes
    ----------
    chips, chips_each
        How many all groups deviate of, and how many for each ``alone`` and ``without``.
    agreement
        Decisions as software's where all groups deviate.
    groups
        The largest share first.
    """

    chips: int
    chips_each: int
    agreement: float
    groups: tuple[Contribution, ...]
