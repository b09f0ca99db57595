"""Jinja2 over ``templates/``: the one way netgen writes text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from functools import cache

import jinja2

from netgen.resources import environment
from netgen.units import spice


@cache
def _environment() -> jinja2.Environment:
    shared = environment()
    shared.filters |= {"spice": spice, "continued": continued, "printable": printable_ascii}
    return shared


def render_template(template: str, **values: object) -> str:
    """Render ``templates/<template>``; an undefined name is an error."""
    return _environment().get_template(template).render(values)


def continued(names: Iterable[str]) -> str:
    """Write names on continuation lines of a legible length."""
    lines = textwrap.wrap(" ".join(names), 90, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"+ {line}" for line in lines)


def printable_ascii(text: str) -> str:
    """Make text safe for a netlist comment: one line of printable ASCII."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
