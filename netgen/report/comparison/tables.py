"""Tables of a comparison: unexplained states, samples, nodes, learned parameters."""

from __future__ import annotations

from netgen.analysis import (
    Comparison,
    NodeComparison,
    SampleComparison,
    UnexplainedState,
    Verification,
)
from netgen.model import Model
from netgen.report.comparison.parameters import parameters
from netgen.report.page import Content, Table, TableRow, Text, plain_rows
from netgen.report.text import class_name, percent, telling, window
from netgen.units import counted, engineering


def unexplained_contents(comparison: Comparison) -> list[Content]:
    """Return the states that nothing explains; nothing where there are none."""
    listed, count = comparison.unexplained, sum(e.unexplained for e in comparison.samples)
    if not listed:
        return []
    clear = counted(count, "clear states")
    text = f"Not what software makes of the circuit's own states: {clear}."
    text += f" The first {len(listed)}:" if len(listed) < count else ""
    columns = (">sample", ">frame", "cell", ">software candidate", ">band", "state before",
               "circuit's state")  # fmt: skip
    rows = plain_rows([_unexplained_row(entry) for entry in listed])
    return [
        Text("States that nothing explains", "h3"),
        Text(text),
        Table("States that nothing explains", columns, rows),
    ]


def _unexplained_row(entry: UnexplainedState) -> tuple[str, ...]:
    return (
        str(entry.sample),
        str(entry.frame),
        f"`{entry.node}[{entry.unit}]`",
        f"{entry.candidate:.4g}",
        f"{entry.falling:.4g} … {entry.rising:.4g}",
        "high" if entry.was_high else "low",
        "high" if entry.high else "low",
    )


def _ranges(comparison: Comparison) -> str:
    """Say what errors are shares of."""
    text = (
        f"Full scale is {comparison.logit_full_scale:.4g} units: the range of software's logits "
        f"over all {counted(len(comparison.samples), 'samples')}."
    )
    mean = comparison.logit_rmse_same_state_own
    if mean is not None:
        text += (
            f" Over each sample's own range the error with the same states is {percent(mean)} "
            f"(mean) and {percent(comparison.logit_rmse_same_state_own_max)} (worst)."
        )
    return text


def samples_contents(comparison: Comparison, model: Model) -> list[Content]:
    """Return the samples, the worst first."""
    unit = "votes" if model.readout.rule == "majority_vote" else "units"
    note = (
        "The worst first: decided otherwise, then by the circuit's margin. Margin: lead of the "
        f"decided class over the next, in {unit}. Errors: RMSE of the logits as a share of full "
        "scale, both running freely and with software forced to the circuit's states. "
        f"{_ranges(comparison)} Frames equal: of those the readout looks at, "
        f"{window(comparison)}. Unexplained: states that no near threshold, race or transient "
        "excuses."
    )
    columns = (
        *(">#", "sample", "label", "software", "circuit", ">margin, circuit", ">margin, software"),
        *(">frames equal", ">states differing", ">unexplained", ">error", ">error, same states"),
        *("first divergence", ">energy"),
    )
    rows = [
        TableRow((str(sample), f"✗ simulation failed: {kind}", *[""] * (len(columns) - 2)), True)
        for sample, kind in comparison.failures.items()
    ]
    rows += [_sample_row(entry, model) for entry in telling(comparison.samples)]
    return [Text(note, "note"), Table("Samples", columns, rows)]


def _sample_row(entry: SampleComparison, model: Model) -> TableRow:
    first = entry.first_divergence
    votes = model.readout.rule == "majority_vote"
    circuit = class_name(model, entry.class_circuit)
    margins = (entry.margin_circuit, entry.margin_software)
    return TableRow(
        (
            str(entry.sample),
            entry.id,
            "" if entry.label is None else class_name(model, entry.label),
            " or ".join(class_name(model, each) for each in entry.tie or (entry.class_software,)),
            circuit if entry.agrees else f"✗ {circuit}",
            *(percent(margin) if votes else f"{margin:.3g}" for margin in margins),
            percent(entry.frame_agreement),
            str(sum(entry.flips.values())),
            str(entry.unexplained),
            percent(entry.logit_rmse_fs),
            percent(entry.logit_rmse_same_state_fs),
            ""
            if first is None
            else f"frame {first.frame}, `{first.node}[{first.unit}]`\n`{first.cause}`",
            engineering(entry.energy_j, "J"),
        ),
        not entry.agrees,
    )


def nodes_contents(comparison: Comparison, model: Model) -> list[Content]:
    """Return the errors by node."""
    note = (
        f"In software units; 1 is {engineering(model.unit_current, 'A')}. Worst unit by itself: "
        "given the circuit's own signals below it, root mean square as a share of the currents "
        "that meet in it, or of what a cell gives; the unit in brackets. A re-formed node has no "
        "gate net in the circuit: its value is computed from the circuit's currents with "
        "the model's weights."
    )
    columns = (
        *("node", "op", ">units", "observed", ">RMSE", ">maximum", ">RMSE, same states"),
        *(">maximum, same states", ">correlation", ">worst unit by itself"),
        *(">states differing", ">races possible", ">transients seen"),
    )
    rows = plain_rows([_node_row(entry, comparison) for entry in comparison.nodes])
    return [Text(note, "note"), Table("Errors by node", columns, rows)]


def _node_row(entry: NodeComparison, comparison: Comparison) -> tuple[str, ...]:
    free, same = entry.free_running, entry.same_state
    units = [each for each in comparison.unit_errors if each.node == entry.node]
    worst_unit = max(units, key=lambda each: each.error, default=None)
    return (
        f"`{entry.node}`",
        entry.op,
        str(entry.units),
        entry.observed,
        f"{free.rmse:.3g}",
        f"{free.max_error:.3g}",
        f"{same.rmse:.3g}",
        f"{same.max_error:.3g}",
        "–" if free.correlation is None else f"{free.correlation:.5f}",
        "" if worst_unit is None else f"{percent(worst_unit.error)} [{worst_unit.unit}]",
        "" if entry.flips is None else str(sum(entry.flips.values())),
        "" if entry.races is None else str(entry.races),
        "" if entry.transients is None else str(entry.transients),
    )


def parameters_contents(comparison: Comparison, verification: Verification | None) -> list[Content]:
    """Return what the netlist makes of the learned parameters, and which were not used."""
    figures = parameters(comparison, verification)
    contents: list[Content] = []
    if not figures.measured:
        text = "The netlist's own mirrors and cells were not measured; `netgen verify` does it."
        contents.append(Text(text))
    else:
        contents += [
            Text(f"{figures.measured} All figures are in `verify.json`."),
            Table("Weights, the worst first",
                  ("weight, the worst first", ">learned", ">drawn", ">measured", ">error"),
                  plain_rows(figures.weights)),
            Text("Drawn: mirrors of one row make up for each other's systematic errors, so a "
                 "single one may be drawn for another value than the learned one; whole rows are "
                 "judged against the learned weights. The error is that of the measured weight "
                 "against the drawn one.", "note"),
        ]  # fmt: skip
        if figures.cells:
            heads = ("cell", ">upper threshold", ">its error", ">hysteresis width", ">its error",
                       ">output", ">its error")  # fmt: skip
            contents.append(Table("Cells", heads, plain_rows(figures.cells)))
    contents.append(Text("Never used by these samples", "h3"))
    if not figures.unused:
        return [*contents, Text("None: the samples use every parameter.")]
    count = counted(figures.unused_count, "parameters")
    text = f"{count}: the agreement on these samples says nothing of "
    columns = ("unit", "what did not happen", "parameters")
    return [
        *contents,
        Text(f"{text}these."),
        Table("Parameters never used", columns, plain_rows(figures.unused)),
    ]
