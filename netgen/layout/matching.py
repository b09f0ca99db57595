"""How well the copies of one gate net are drawn alike: distances and orientation."""

from __future__ import annotations

from dataclasses import dataclass

from netgen.layout.draw import Floor, Level
from netgen.layout.fingers import Task


@dataclass(frozen=True)
class MirrorGroup:
    """Copies of one gate net of a polarity."""

    net: str
    polarity: str
    fingers: int  #: How many gates, the diode's among them.
    rows: int  #: In how many rows they stand.
    #: Largest distance of a copy's gate from the diode's, between their middles, m; from the
    #: group's own middle where it has no diode.
    farthest_m: float
    neighbours: float  #: Share of them that stand beside another of the group.
    #: How many have current in another direction along x than the first, or lie upside down.
    turned: int


def mirror_groups(floor: Floor, levels: list[Level], task: Task) -> list[MirrorGroup]:
    """Return a remark on every group of two and more."""
    members: dict[tuple[str, str], list[tuple[int, int, float, float, bool]]] = {}
    for number, row in enumerate(floor.standing):
        level = levels[number]
        for place, each in enumerate(row):
            finger, shape = each.finger, each.shape
            if finger.device.startswith("dummy"):
                continue
            x = each.x + shape.span / 2
            y = level.base + level.sign * finger.width / 2
            diode = finger.device in task.diodes
            members.setdefault((finger.gate, finger.polarity), []).append(
                (number, place, x, y, diode)
            )
    groups = []
    for (net, polarity), devices in members.items():
        if len(devices) > 1:
            groups.append(_group(net, polarity, devices, levels))
    return groups


def _group(
    net: str, polarity: str, devices: list[tuple[int, int, float, float, bool]], levels: list[Level]
) -> MirrorGroup:
    diodes = [(x, y) for _, _, x, y, diode in devices if diode]
    centre = diodes or [
        (sum(m[2] for m in devices) / len(devices), sum(m[3] for m in devices) / len(devices))
    ]
    farthest = max(
        min(((x - a) ** 2 + (y - b) ** 2) ** 0.5 for a, b in centre) for _, _, x, y, _ in devices
    )
    places = {(row, place) for row, place, *_ in devices}
    alone = sum(
        not {(row, place - 1), (row, place + 1)} & places for row, place in places
    )  # fmt: skip
    sign = levels[devices[0][0]].sign
    return MirrorGroup(
        net,
        polarity,
        len(devices),
        len({row for row, *_ in devices}),
        farthest * 1e-9,
        1 - alone / len(devices),
        sum(levels[row].sign != sign for row, *_ in devices),
    )
