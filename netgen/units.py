"""Numbers at the edges: SI floats inside netgen, text in netlists and for people."""

from __future__ import annotations

import math

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def spice(value: float) -> str:
    """Write an SI value for a netlist: a plain exponent, since SPICE reads ``M`` as milli.

    Raises
    ------
    ValueError
        The value is not finite.

    Examples
    --------
    >>> spice(2e-6), spice(1.8), spice(0.0)
    ('2e-06', '1.8', '0')
    """
    if not math.isfinite(value):
        raise ValueError(f"a netlist cannot hold {value}")
    return f"{value:.12g}"


def engineering(value: float, unit: str, digits: int = 3) -> str:
    """Write a value for a person, with an SI prefix.

    Examples
    --------
    >>> engineering(96.2e-9, "W"), engineering(0.0, "A")
    ('96.2 nW', '0 A')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    exponent = 3 * math.floor(math.log10(abs(value)) / 3)
    scaled = float(f"{value / 10.0**exponent:.{digits}g}")
    if abs(scaled) >= 1000:
        exponent, scaled = exponent + 3, scaled / 1000
    exponent = min(max(exponent, -18), 9)
    return f"{value / 10.0**exponent:.{digits}g} {_PREFIXES[exponent]}{unit}"


def counted(number: int, noun: str) -> str:
    """Write a number of things; ``noun`` is the plural, whose last word loses its s for one.

    Examples
    --------
    >>> counted(1, "clear states"), counted(0, "ties"), counted(1, "frequencies")
    ('1 clear state', '0 ties', '1 frequency')
    """
    if number == 1:
        noun = f"{noun[:-3]}y" if noun.endswith("ies") and len(noun) > 4 else noun.removesuffix("s")
    return f"{number} {noun}"


def apart(first: float, second: float) -> tuple[str, str]:
    """Write two numbers for a person, with enough digits to tell them apart.

    Examples
    --------
    >>> apart(1.6, 1.5), apart(1.2000000476837158, 1.2)
    (('1.6', '1.5'), ('1.20000005', '1.2'))
    """
    for digits in range(6, 18):
        written = f"{first:.{digits}g}", f"{second:.{digits}g}"
        if written[0] != written[1]:
            break
    return written
