"""What a comparison found: the records behind ``report.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from netgen.analysis.comparison.limits import Settling
from netgen.analysis.comparison.metrics import ErrorFigures
from netgen.analysis.comparison.nodes import Unexercised, UnitError
from netgen.analysis.comparison.states import Cause, CellStates
from netgen.analysis.comparison.ties import TIE
from netgen.analysis.power.consumption import PowerFigures
from netgen.model.graph import Floats
from netgen.units import counted

NAMED_CLASSES = 8
"""So many classes that are never decided are named."""
LISTED = 100
"""So many unexplained states are told one by one."""


@dataclass(frozen=True)
class Divergence:
    """The first place where a sample's circuit and software part."""

    frame: int
    node: str
    unit: int
    cause: Cause


@dataclass(frozen=True)
class UnexplainedState:
    """A clear state that is not what software expects from the circuit's own states.

    ``candidate`` is software's (from the circuit's states), ``high`` the circuit's state and
    ``was_high`` its state in the frame before.
    """

    sample: int
    frame: int
    node: str
    unit: int
    candidate: float
    falling: float
    rising: float
    was_high: bool
    high: bool


@dataclass(frozen=True)
class SampleComparison:
    """One sample. Errors are shares of the logits' full scale, margins in the rule's measure."""

    #: ``sample``, ``id``, ``label``: index in the samples file, name, and true class (None if not
    #: known).
    sample: int
    id: str
    label: int | None
    #: ``class_software``, ``class_circuit``: decided class indices.
    class_software: int
    class_circuit: int
    #: ``margin_software``, ``margin_circuit``: by how much the decided class leads: share of votes,
    #: or software units (see :func:`netgen.model.margin`).
    margin_software: float
    margin_circuit: float
    #: The classes software cannot tell apart, where it is more than one (:mod:`netgen.analysis.
    #: ties`): the decision is luck.
    tie: tuple[int, ...]
    tied_frames: int  #: The readout's frames in which that is so.
    #: Share of the readout's frames with the same largest logit; frames tied are left out, unless
    #: the circuit's largest is none of those tied. None where that leaves nothing.
    frame_agreement: float | None
    logit_rmse_fs: float
    logit_rmse_same_state_fs: float
    flips: Mapping[Cause, int]  #: Differing BMRU states by cause.
    #: States that are not what software makes of the circuit's own states; near thresholds,
    #: predicted races and seen transients left out. Zero is expected.
    unexplained: int
    #: ``race_forecast``, ``slow_forecast``: races, and states slower than their frame, that are
    #: expected from software alone.
    race_forecast: int
    slow_forecast: int
    #: The earliest frame, then the earliest node, whose BMRU state differs; the readout counts too,
    #: inside its frames, where its largest unit differs (unit: the circuit's). None where nothing
    #: differs.
    first_divergence: Divergence | None
    power_w: float
    energy_j: float
    cpu_s: float
    timepoints: int
    attempt: str

    @property
    def agrees(self) -> bool:
        """Whether circuit and software decide for the same class, or both for one of a tie."""
        return self.class_software == self.class_circuit or self.undecided

    @property
    def undecided(self) -> bool:
        """Whether the circuit's class is one of those software cannot tell apart."""
        return self.class_circuit in self.tie


@dataclass(frozen=True)
class NodeComparison:
    """One node over all samples, frames and units, in software units."""

    node: str
    op: str
    units: int
    #: ``"line"``: the circuit's own current; ``"re-formed"``: a signed sum without a gate net,
    #: computed from the circuit's currents with the model's weights.
    observed: Literal["line", "re-formed"]
    #: ``free_running``, ``same_state``: errors against the software model by itself, and with the
    #: circuit's BMRU states forced.
    free_running: ErrorFigures
    same_state: ErrorFigures
    #: ``flips``, ``races``, ``transients``: for cell nodes: differing states by cause; states the
    #: predictor flags from the circuit's states; states a transient on the circuit's candidate
    #: could decide.
    flips: Mapping[Cause, int] | None
    races: int | None
    transients: int | None


@dataclass(frozen=True)
class SimulationCost:
    """What the simulations took, summed over the samples that succeeded.

    ``unseen`` is how many of them an engine simulated that does not show transients, so that races
    are only known from the predictor; ``unseen_states`` how many of their states a transient could
    decide. ``input_edges`` are the rise times of input steps, s.
    """

    simulators: tuple[str, ...]
    engines: tuple[str, ...]
    unseen: int
    unseen_states: int
    input_edges: tuple[float, ...]
    cpu_s: float
    timepoints: int
    attempts: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything compared. Figures are None where there is nothing to judge, never NaN.

    ``decision_agreement`` to ``energy_j`` are as in ``report.json``. ``state_agreement*`` are None
    for a model without BMRU nodes, and ``_clear`` also where every state is left out; accuracies
    without labels.
    """

    #: ``samples``, ``nodes``: sample by sample (those that were simulated, in order) and node by
    #: node.
    samples: tuple[SampleComparison, ...]
    nodes: tuple[NodeComparison, ...]
    #: The first ``LISTED`` unexplained states; all are counted in the samples.
    unexplained: tuple[UnexplainedState, ...]
    #: Class of failure by index of each sample whose simulation failed.
    failures: Mapping[int, str]
    #: ``frames``, ``units``: frames a sample, and BMRU units a frame.
    frames: int
    units: int
    #: First frame of the readout's window and the one after the last: ``frame_agreement`` is over
    #: these.
    readout_frames: tuple[int, int]
    #: What the ``_fs`` errors are shares of: max − min of the software logits over all samples and
    #: frames; 1.0 (the unit current) where the software logits never change.
    logit_full_scale: float
    #: ``ties``, ``tied_frames``: samples, and frames of the readout, that software itself does not
    #: decide; those in which the circuit decides for one of the classes tied count neither for nor
    #: against agreement.
    ties: int
    tied_frames: int
    decision_agreement: float | None
    frame_agreement: float | None
    state_agreement: float | None
    state_agreement_clear: float | None
    state_clear_share: float | None
    #: ``winner_agreement``, ``winner_agreement_software``: see
    #: :class:`netgen.analysis.comparison.winners.WinnerAgreement`.
    winner_agreement: float | None
    winner_agreement_software: float | None
    logit_rmse_fs: float | None
    logit_rmse_fs_max: float | None
    logit_rmse_same_state_fs: float | None
    logit_rmse_same_state_fs_max: float | None
    #: ``logit_rmse_same_state_own``, ``logit_rmse_same_state_own_max``: the same-state error of
    #: each sample over the range of its own software logits: mean and worst; samples whose logits
    #: never change are left out.
    logit_rmse_same_state_own: float | None
    logit_rmse_same_state_own_max: float | None
    #: ``changes_software``, ``changes_circuit``: how often a BMRU unit takes another state than the
    #: frame before, over all samples.
    changes_software: int
    changes_circuit: int
    accuracy_software: float | None
    accuracy_circuit: float | None
    power_w: float | None
    energy_j: float | None
    #: ``unit_errors``, ``unexercised``: every unit by the circuit's own signals below it; the
    #: parameters that no sample has used.
    unit_errors: tuple[UnitError, ...]
    unexercised: tuple[Unexercised, ...]
    power: PowerFigures | None  #: Where the supply power went, where the traces tell.
    settling: Settling  #: Whether the circuit settles within its frames.
    cost: SimulationCost
    #: ``software``, ``same_state``, ``circuit``: values of every node, each (samples, frames,
    #: units), software units.
    software: Mapping[str, Floats] = field(repr=False)
    same_state: Mapping[str, Floats] = field(repr=False)
    circuit: Mapping[str, Floats] = field(repr=False)
    states: Mapping[str, CellStates] = field(repr=False)  #: The BMRU states by node.

    def tie_note(self) -> str:
        """Say how much software itself does not decide; empty where it decides all."""
        if not (self.ties or self.tied_frames):
            return ""
        start, stop = self.readout_frames
        return (
            f"{self.ties} of {counted(len(self.samples), 'samples')} and {self.tied_frames} of "
            f"{len(self.samples) * (stop - start)} readout frames are ties: software's largest "
            f"logits lie within {100 * TIE:g} % of full scale. Where the circuit decides for one "
            "of those tied, they count neither for nor against agreement."
        )

    def never_decided(self, classes: Sequence[str]) -> str:
        """Name the classes that software decides no sample for; empty where there are none."""
        seen = {each for entry in self.samples for each in entry.tie or (entry.class_software,)}
        names = [name for at, name in enumerate(classes) if at not in seen]
        if not (names and self.samples):
            return ""
        listed = ", ".join(names[:NAMED_CLASSES])
        if len(names) == 1:
            return f"class {listed} is never decided in these samples"
        more = f" and {len(names) - NAMED_CLASSES} more" if len(names) > NAMED_CLASSES else ""
        return f"classes {listed}{more} are never decided in these samples"

    @property
    def decided(self) -> tuple[SampleComparison, ...]:
        """The samples that count: all but ties of which the circuit takes one."""
        return tuple(sample for sample in self.samples if not sample.undecided)

    @property
    def differences_primary(self) -> int:
        """States that differ for a cause of their own."""
        return sum(sum(sample.flips.values()) for sample in self.samples) - (
            self.differences_propagated
        )

    @property
    def differences_propagated(self) -> int:
        """States that differ only because an earlier or lower one does."""
        return sum(sample.flips["propagated"] for sample in self.samples)

    @property
    def node_error_max(self) -> float | None:
        """The largest of the ``unit_errors``."""
        return max((entry.error for entry in self.unit_errors), default=None)
