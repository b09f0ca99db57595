"""What a designer chooses for a build, and the technology and conditions that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from netgen.circuit import BIASES, DECISIONS, READOUTS, Bias, Circuit, Readout, build_circuit
from netgen.circuit.blocks import Decision
from netgen.circuit.blocks.dac import DacRange
from netgen.circuit.blocks.divider import Divider
from netgen.errors import UsageError
from netgen.model import Model
from netgen.netlist import Conditions, nominal
from netgen.simulators import cache_folder
from netgen.technology import Geometry, Technology, load_technology, scaled, with_bins, with_sizes

TEMPERATURES = (-60.0, 160.0)
"""°C; device models are not made for what lies beyond."""
SUPPLIES = (0.5, 5.0)
"""V."""


BESIDE: Mapping[Bias, Bias] = {"ideal": "mirrored", "mirrored": "ideal", "programmable": "ideal"}
"""By the bias of a build, the other one that its folder holds the network with."""


def bias_named(name: object) -> Bias:
    """Return the kind of bias that a record names; ideal where it names none."""
    return next((bias for bias in BIASES if bias == name), "ideal")


def decision_of(readout: Readout) -> tuple[Decision | None, bool]:
    """Return what decides, and whether nothing but its decisions leaves the circuit."""
    name, _, only = readout.partition("-")
    return DECISIONS.get(name), bool(only)


def codes_of(bias: Bias, bits: int | None, ends: tuple[float, float] | None) -> DacRange:
    """Return the range of DACs' codes; what is None is as usual.

    Raises
    ------
    UsageError
        It is given for biases that have no codes, or is none.
    """
    if bias != "programmable" and (bits, ends) != (None, None):
        raise UsageError("bits and range of codes are of programmable biases only")
    usual = DacRange()
    return DacRange(usual.bits if bits is None else bits, *(ends or (usual.low, usual.high)))


@dataclass(frozen=True)
class BuildOptions:
    """What a designer chooses; None is the technology's own value."""

    #: Name of the PDK, or the folder of one that netgen has no data for.
    technology: str | Path | None = None
    #: ``corner``, ``temperature``, ``vdd``: conditions the circuit is sized for and simulated at
    #: (°C, V).
    corner: str | None = None
    temperature: float | None = None
    vdd: float | None = None
    #: Geometry of the unit mirror: larger matches better and settles more slowly.
    unit: Geometry | None = None
    #: Where the cells' bias currents come from: ideal sources, mirrors of one reference, or DACs.
    bias: Bias = "ideal"
    #: What leaves the circuit: currents, decisions of a winner-take-all or comparator, or both.
    readout: Readout = "currents"
    #: By group of devices (:mod:`netgen.circuit.grouping`): what W and L are multiplied by.
    sizes: Mapping[str, float] = field(default_factory=dict)
    #: Of the DACs, where bias currents are programmable.
    codes: DacRange = field(default_factory=DacRange)
    #: The current at a pin over that of its input inside; 1 without dividers.
    input_ratio: float = 1.0

    def __post_init__(self) -> None:
        """Check the words.

        Raises
        ------
        UsageError
            One is unknown, or the ratio of inputs is out of its range.
        """
        for what, word, known in (("bias", self.bias, BIASES), ("readout", self.readout, READOUTS)):
            if word not in known:
                raise UsageError(f"{what} = {word!r}; choose one of {', '.join(known)}")
        _ = self.divider

    @property
    def divider(self) -> Divider | None:
        """The divider of an input, not measured yet; None without."""
        return None if self.input_ratio == 1 else Divider.of(self.input_ratio)

    def circuit(self, model: Model, unit: Geometry) -> Circuit:
        """Return the circuit of a model, not sized yet."""
        circuit = build_circuit(model, unit).biased(self.bias, self.codes)
        decision, only = decision_of(self.readout)
        layers = circuit.layers[:-1] if only else circuit.layers
        return replace(circuit, layers=layers, decision=decision, divider=self.divider)


def resolve_options(
    options: BuildOptions, models: Path | None = None
) -> tuple[Technology, Conditions, Geometry]:
    """Return technology, conditions and unit mirror of the options.

    Parameters
    ----------
    models
        Where to write model files of a technology that has too many; None: in the cache.

    Raises
    ------
    UsageError
        An unknown technology or corner, or a value out of its range.
    ToolMissingError
        The PDK is not installed.
    """
    technology = load_technology(options.technology)
    usual = nominal(technology)
    at = Conditions(
        technology.corner(options.corner),
        usual.temperature if options.temperature is None else options.temperature,
        usual.vdd if options.vdd is None else options.vdd,
    )
    check_conditions(at)
    unit = options.unit or technology.unit
    if options.sizes:
        unit = with_sizes(unit, {group: scaled(unit, by) for group, by in options.sizes.items()})
    unit = technology.check_unit(unit)
    return with_bins(technology, unit, models or cache_folder() / "models"), at, unit


def check_conditions(at: Conditions) -> Conditions:
    """Return conditions under which a circuit can be simulated.

    Raises
    ------
    UsageError
        A value out of its range.
    """
    for name, value, (low, high) in (
        ("temperature", at.temperature, TEMPERATURES),
        ("vdd", at.vdd, SUPPLIES),
    ):
        if not low <= value <= high:
            raise UsageError(f"{name} = {value:g}; choose a value between {low:g} and {high:g}")
    return at
