"""The transistors of a network as the twin models them: their geometry, and how each deviates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from netgen.characterise.diodes import DiodeTable
from netgen.circuit.netlist import Device, Netlist, Role, Unit, stacks
from netgen.errors import ConfigurationError
from netgen.model.graph import Floats, Integers
from netgen.technology import Geometry, Polarity


@dataclass(frozen=True, eq=False)
class NetlistIndex:
    """Finds devices of a network by what they stand for: the record counts, not the weights.

    Units are named by the prefix of their layer and their index.
    """

    netlist: Netlist

    @cached_property
    def units(self) -> Mapping[tuple[str, int], Unit]:
        """All units."""
        return {(layer.prefix, u.index): u for layer in self.netlist.layers for u in layer.units}

    @cached_property
    def _mirrors(self) -> Mapping[tuple[str, int, str, str], tuple[Device, ...]]:
        mirrors = {}
        for (prefix, index), unit in self.units.items():
            for stack in stacks(unit.devices):
                if stack[0].parameter is not None:
                    mirrors[prefix, index, stack[0].parameter, stack[0].gate] = tuple(stack)
        return mirrors

    def mirror(self, prefix: str, unit: int, parameter: str, gate: str) -> tuple[Device, ...]:
        """Return the transistors in series that stand for a parameter; none if it has none.

        A linear node of a sum weighs each of its terms: one parameter, several gate nets.
        """
        return self._mirrors.get((prefix, unit, parameter, gate), ())

    def current(self, prefix: str, unit: int, parameter: str) -> float:
        """Return an ideal bias current, A.

        Raises
        ------
        ConfigurationError
            The network has none for that parameter.
        """
        for source in self.units[prefix, unit].sources:
            if source.parameter == parameter:
                return source.current
        problem = (
            f"has no bias current for {parameter}; the twin takes plain numbers of amperes from "
            "ideal sources only"
        )
        raise ConfigurationError(self.netlist.source, [problem])

    def block(self, prefix: str, unit: int, role: Role, parameter: str | None = None) -> str:
        """Return the name of a unit's block.

        Parameters
        ----------
        parameter
            Which learned parameter it stands for, where a unit has several of the role.

        Raises
        ------
        ConfigurationError
            It was edited away.
        """
        for instance in self.units[prefix, unit].instances:
            if instance.role == role and instance.parameter == parameter:
                return instance.name
        problem = f"unit {unit} of layer {prefix} has no {role} block; the twin needs it"
        raise ConfigurationError(self.netlist.source, [problem])


def whole(series: Sequence[Device]) -> Geometry:
    """Return the geometry that transistors in series make up."""
    one = series[0].geometry
    return Geometry(one.width, one.length * len(series), one.multiplicity)


@dataclass(eq=False)
class Devices:
    """Gives the devices that the twin knows a place each, in the order they are asked for.

    A long mirror is one device that consists of several transistors in series.
    """

    places: dict[tuple[str, ...], int] = field(default_factory=dict)
    polarity: list[Polarity] = field(default_factory=list)

    def place(self, polarity: Polarity, *names: str) -> int:
        """Return the place of a device."""
        if names not in self.places:
            self.places[names] = len(self.places)
            self.polarity.append(polarity)
        return self.places[names]

    def deviations(self, shifts: Mapping[str, Floats], chips: slice, count: int) -> Deviations:
        """Return how the devices of some chips deviate.

        ``shifts`` holds by transistor name ``delvto``, V, and the factor's deviation, (chips, 2).

        ngspice adds ``delvto`` to a threshold with its sign: that of a PMOS is negative, so that a
        positive one makes it conduct more. Of transistors in series the mean counts: in weak
        inversion their resistances add.
        """
        still = np.zeros((count, 2))
        both = np.empty((count, len(self.places), 2))
        for names, place in self.places.items():
            parts = [np.asarray(shifts[name])[chips] if name in shifts else still for name in names]
            both[:, place] = parts[0] if len(parts) == 1 else np.mean(parts, axis=0)
        sign = np.where(np.array(self.polarity) == "nmos", 1.0, -1.0)
        return Deviations(both[:, :, 0] * sign, np.log1p(both[:, :, 1]))


@dataclass(frozen=True, eq=False)
class Deviations:
    """How the devices of several chips deviate, each (chips, devices)."""

    threshold: Floats  #: Of a threshold's magnitude, V: positive conducts less.
    factor: Floats  #: Logarithm of the current factor over the nominal one.


@dataclass(frozen=True, eq=False)
class MirrorCopies:
    """Several copies, one each: a diode that takes a current, a transistor that copies it.

    ``diode`` and ``copy`` are places in :class:`Devices`, (n,).
    """

    polarity: Polarity
    diode: Integers
    copy: Integers

    @property
    def reversed(self) -> MirrorCopies:
        """The way back, from what is copied to what it is copied from."""
        return MirrorCopies(self.polarity, self.copy, self.diode)


def mirror_copies(polarity: Polarity, diode: Sequence[int], copy: Sequence[int]) -> MirrorCopies:
    """Return copies from lists of places."""
    return MirrorCopies(polarity, np.array(diode, dtype=np.intp), np.array(copy, dtype=np.intp))


def through(
    copies: Sequence[MirrorCopies], logs: Floats, deviations: Deviations, diodes: DiodeTable
) -> Floats:
    """Return the currents of which nominal devices would make what deviating ones do.

    The diode settles at the voltage its current needs, V(ln I − ln β_d) + ΔV_d. The copy, whose
    own threshold is off by ΔV_c, sees that voltage less ΔV_c: a nominal one would see it at the
    current of a nominal diode there. Its current factor β_c multiplies what comes out. For small
    shifts this is the law of mismatch in weak inversion, ΔI/I = Δβ/β − (gm/I) ΔVth (Pelgrom et al.,
    IEEE JSSC 24 (1989) 1433); the characterised V(ln I) brings gm/I at each current.

    Parameters
    ----------
    logs
        ln(I / A), (chips or 1, n, …): the currents, or several for each copy.
    """
    for each in copies:
        tail = (slice(None), slice(None)) + (np.newaxis,) * (logs.ndim - 2)
        off = deviations.threshold[:, each.diode] - deviations.threshold[:, each.copy]
        factor = deviations.factor[:, each.diode][tail]
        volts = diodes.voltage(each.polarity, logs - factor) + off[tail]
        logs = diodes.log_current(each.polarity, volts) + deviations.factor[:, each.copy][tail]
    return logs


def way(copies: Sequence[MirrorCopies], errors: Floats) -> Floats:
    """Return the log error of signals' ways, (chips, n): each copy's error less its diode's."""
    error = errors[:, copies[0].copy] - errors[:, copies[0].diode]
    for each in copies[1:]:
        error = error + errors[:, each.copy] - errors[:, each.diode]
    return error
