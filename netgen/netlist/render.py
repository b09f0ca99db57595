"""Jinja2 over ``templates/``: the one way netgen writes text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import jinja2

from netgen.resources import templates
from netgen.technology import POLARITIES, Device, Geometry, Polarity, Technology
from netgen.units import spice


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["spice"] = spice
    environment.filters["continued"] = continued
    environment.filters["printable"] = printable
    return environment


def _source(name: str) -> str | None:
    file = templates() / name
    return file.read_text(encoding="utf-8") if file.is_file() else None


def render(template: str, **values: object) -> str:
    """Render ``templates/<template>``; an undefined name is an error."""
    return _environment().get_template(template).render(values)


def continued(names: Iterable[str]) -> str:
    """Write names on continuation lines of a legible length."""
    lines = textwrap.wrap(" ".join(names), 90, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"+ {line}" for line in lines)


def printable(text: str) -> str:
    """Make text safe for a netlist comment: one line of printable ASCII."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


@dataclass(frozen=True)
class Transistors:
    """Writes transistors of one technology; templates call it as ``nmos(…)`` and ``pmos(…)``."""

    technology: Technology
    polarity: Polarity

    @property
    def rail(self) -> str:
        """The net of the bulk."""
        return "vss" if self.polarity == "nmos" else "vdd"

    def unit(self, unit: Geometry) -> Geometry:
        """Return the transistor of a unit mirror."""
        return self.technology.unit_of(self.polarity, unit)

    def steering(self, unit: Geometry) -> Geometry:
        """Return the transistor that steers a cell's current."""
        return self.technology.steering_of(unit)

    def __call__(self, name: str, drain: str, gate: str, source: str, geometry: Geometry) -> str:
        """Return one netlist line, or several where the length takes transistors in series.

        Junction areas and perimeters are written where the technology has a rule for them: without
        them BSIM4 cards use a fixed leakage that does not depend on temperature.
        """
        count = self.technology.series(geometry.length)
        each = self.technology.snap(geometry.length / count)
        names = [name, *(f"{name}_s{place}" for place in range(1, count))]
        inner = [f"{name}_d{place}" for place in range(1, count)]
        drains, sources = [drain, *inner], [*inner, source]
        return "\n".join(
            self._line(own, upper, gate, lower, replace(geometry, length=each))
            for own, upper, lower in zip(names, drains, sources, strict=True)
        )

    def _line(self, name: str, drain: str, gate: str, source: str, geometry: Geometry) -> str:
        device: Device = self.technology.devices[self.polarity]
        nets = {"d": drain, "g": gate, "s": source, "b": self.rail}
        words = [f"{device.prefix}{name}", *(nets[pin] for pin in device.pins), device.model]
        metre = 1 / device.length_unit
        values = {"w": geometry.width * metre, "l": geometry.length * metre}
        diffusion = self.technology.diffusion
        if diffusion:
            area = geometry.width * diffusion * metre**2
            edge = 2 * (geometry.width + diffusion) * metre
            values |= {"as": area, "ad": area, "ps": edge, "pd": edge}
        words += [f"{key}={spice(value)}" for key, value in values.items()]
        if geometry.multiplicity != 1:
            words.append(f"m={geometry.multiplicity}")
        return " ".join(words)


def transistors(technology: Technology) -> dict[str, Transistors]:
    """Return the template functions ``nmos`` and ``pmos``."""
    return {polarity: Transistors(technology, polarity) for polarity in POLARITIES}
