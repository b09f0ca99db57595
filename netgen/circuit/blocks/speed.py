"""Times that cells take to change their state, by how far the candidate is past the threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netgen.arrays import Floats


@dataclass(frozen=True, eq=False)
class CellSpeed:
    """Times of the cells of one node."""

    #: ln(overdrive), the overdrive as a share of the upper threshold, (overdrives,), rising.
    logs: Floats
    #: ln(time / s) that the storage node takes to rise and to fall, (2, triggers, overdrives).
    storage: Floats
    output: Floats  #: What the output adds, s, rising and falling, (2, triggers).
    #: Capacitance, F, that doubles the time if wires add it to the storage node, rising and
    #: falling, (2, triggers).
    load: Floats

    def loaded(self, wires: Floats) -> CellSpeed:
        """Return the times with wires at the storage nodes, F, (triggers,)."""
        return replace(self, storage=self.storage + np.log1p(wires / self.load)[..., np.newaxis])

    def time(self, overdrive: Floats) -> tuple[Floats, Floats]:
        """Return the times to rise and to fall, s, for overdrives (…, triggers), shares as above.

        Infinite where there is none. Beyond the characterised overdrives the logarithm of the time
        continues straight over that of the overdrive.
        """
        positive = overdrive > 0
        at = np.log(np.where(positive, overdrive, 1.0))
        rise, fall = (
            np.where(positive, self._line(direction, at), np.inf) for direction in range(2)
        )
        return rise, fall

    def _line(self, direction: int, at: Floats) -> Floats:
        place = np.searchsorted(self.logs, at) - 1
        left = np.clip(place, 0, len(self.logs) - 2)
        share = (at - self.logs[left]) / (self.logs[left + 1] - self.logs[left])
        unit = np.arange(self.storage.shape[1])
        storage = self.storage[direction]
        logs = storage[unit, left] * (1 - share) + storage[unit, left + 1] * share
        times: Floats = np.maximum(np.exp(logs) + self.output[direction], 0.0)
        return times

    def overdrive(self, time: float) -> tuple[Floats, Floats]:
        """Return the smallest overdrives that cells answer within a time (s), shares as above.

        Returns
        -------
        tuple
            Rising and falling, each (triggers,); infinite where no overdrive is large enough.
        """
        low, high = self.logs[0] - 12.0, self.logs[-1] + 2.0
        overdrives = []
        for direction in range(2):
            short = np.full(self.storage.shape[1], low)
            enough = np.full(self.storage.shape[1], high)
            never = self._line(direction, enough) > time
            for _ in range(50):  # halving: the time falls as the overdrive grows
                middle = (short + enough) / 2
                late = self._line(direction, middle) > time
                short, enough = np.where(late, middle, short), np.where(late, enough, middle)
            overdrives.append(np.where(never, np.inf, np.exp(enough)))
        return overdrives[0], overdrives[1]
