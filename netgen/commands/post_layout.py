"""The circuit without and with the wires of its layout, on the terminal."""

from __future__ import annotations

from collections.abc import Callable

import click

from netgen.project.post_layout import Figures, SideBySide
from netgen.units import engineering


def say_side_by_side(found: SideBySide) -> None:
    """Print figures of both."""
    both = found.schematic, found.extracted
    click.echo(f"{both[0].samples} samples            without wires   with wires")
    for name, of in _ROWS.items():
        click.echo(f"  {name:<26}" + "".join(f"{of(figures):>14}" for figures in both))


def _share(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def _time(value: float | None) -> str:
    return "-" if value is None else engineering(value, "s")


_ROWS: dict[str, Callable[[Figures], str]] = {
    "decisions as software": lambda f: _share(f.decision_agreement),
    "states as software": lambda f: _share(f.state_agreement),
    "worst same-state error": lambda f: _share(f.logit_rmse_same_state_fs_max, 4),
    "outputs settle, 90 %": lambda f: _time(f.settling_90_s),
    "outputs settle, longest": lambda f: _time(f.settling_worst_s),
    "supply power": lambda f: "-" if f.power_w is None else engineering(f.power_w, "W"),
}
