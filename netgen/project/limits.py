"""What a technology can do at all: refused or warned about before anything is simulated."""

from __future__ import annotations

from collections.abc import Iterator

from netgen.errors import ModelError, UsageError
from netgen.model import Model
from netgen.netlist import Conditions
from netgen.technology import Technology
from netgen.units import engineering

UNIT_CURRENTS = (1e-12, 1e-6)
"""A. Below, junction leakage is as large as the signals; above, devices leave weak inversion and
their gate voltages the supply."""
TRIED_CURRENTS = (1e-11, 1e-8)
"""A. The range in which whole networks were compared with software."""
LEAST_CHARGE = 1e-12
"""C: unit current × frame period. At 1 nA the shortest frame without a wrong state is 2 ms; gate
capacitances do not depend on the current, so the time goes as 1/I."""
_ROUNDING = 1 + 1e-9


def refuse_absurd(model: Model, technology: Technology, at: Conditions) -> None:
    """Check units and supply before the first simulation.

    Raises
    ------
    ModelError
        The unit current is out of the range of subthreshold circuits.
    UsageError
        The supply is above what the devices stand.
    """
    low, high = UNIT_CURRENTS
    if not low <= model.unit_current <= high:
        problem = (
            f"unit_current: {model.unit_current:g} A; the circuit works from "
            f"{engineering(low, 'A')} to {engineering(high, 'A')} (1e-9 is 1 nA)"
        )
        raise ModelError(model.name, [problem])
    if at.vdd > technology.vdd_max * _ROUNDING:
        raise UsageError(
            f"vdd = {at.vdd:g} V; the devices of {technology.name} stand {technology.vdd_max:g} V"
        )


def doubtful(model: Model) -> Iterator[str]:
    """Yield a warning for each unit at which a circuit has never been compared with software."""
    low, high = TRIED_CURRENTS
    if not low <= model.unit_current <= high:
        yield (
            f"unit_current is {engineering(model.unit_current, 'A')}; circuits were compared with "
            f"software from {engineering(low, 'A')} to {engineering(high, 'A')}"
        )
    least = LEAST_CHARGE / model.unit_current
    if model.frame_period < least:
        yield (
            f"frame_period is {engineering(model.frame_period, 's')}; at "
            f"{engineering(model.unit_current, 'A')} a circuit needs about "
            f"{engineering(2 * least, 's')} to settle"
        )
