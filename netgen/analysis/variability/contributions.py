"""What each group of devices does to the decisions of chips."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contribution:
    """What the mismatch of a group of devices does."""

    #: ``group``, ``devices``: its name, and how many transistors it has.
    group: str
    devices: int
    share: float  #: Of the leads' variance that single devices account for, by Stein's identity.
    #: ``alone``, ``without``: decisions as software's where this group alone deviates, and where
    #: all but it do.
    alone: float
    without: float


@dataclass(frozen=True)
class Contributions:
    """What the groups of a circuit do, by the fast chip model."""

    #: ``chips``, ``chips_each``: how many all groups deviate of, and how many for each ``alone``
    #: and ``without``.
    chips: int
    chips_each: int
    agreement: float  #: Decisions as software's where all groups deviate.
    groups: tuple[Contribution, ...]  #: The largest share first.
