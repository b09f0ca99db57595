"""``twin.html``: what many chips decide, by the behavioural twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from netgen.analysis.variability.accuracy import PopulationAccuracy
from netgen.analysis.variability.contributions import Contributions
from netgen.analysis.variability.proportions import Proportion
from netgen.document import Json
from netgen.report.index import write_page
from netgen.report.page import Page, Section, Table, TableRow, provenance
from netgen.report.plot import render
from netgen.report.style import CIRCUIT, Sheet, share_axis, tidy
from netgen.report.text import percent
from netgen.report.variability.accuracy import accuracy_facts
from netgen.report.variability.contributions import contribution_section
from netgen.report.variability.page import interval
from netgen.report.variability.plots import plot_shares
from netgen.units import counted


def write_twin(
    folder: Path,
    name: str,
    samples: Sequence[tuple[int, str, str]],
    votes: Sequence[Proportion],
    yielded: Proportion,
    sources: Mapping[str, Json],
    accuracy: PopulationAccuracy | None = None,
    contributions: Contributions | None = None,
) -> None:
    """Write ``twin.html`` into ``folder``.

    Parameters
    ----------
    name
        Of the model.
    samples
        Index, name and software's class of each sample.
    votes
        Of each sample: how many chips decide it as software does.
    yielded
        How many chips decide all of them so.
    accuracy
        How well they classify labelled samples; it is stated first.
    contributions
        What each group of devices does to decisions.
    """
    model = "the fast chip model" if sources["fast"] else "the behavioural twin"
    hits, trials = sum(v.hits for v in votes), sum(v.trials for v in votes)
    summary = (
        f"{percent(yielded.share)} of {counted(yielded.trials, 'chips')} decide all "
        f"{counted(len(samples), 'samples')} as "
        f"software does (95 %: {interval(yielded.wilson)}); {percent(hits / trials)} of all "
        f"decisions are as software's, by {model}."
    )
    worst = min(range(len(votes)), key=lambda at: votes[at].hits)
    plot = render(
        "twin.png",
        "twin",
        "Chips that decide as software does",
        "Bars are 95 % intervals (Wilson). Predicted by a behavioural model, without SPICE.",
        f"Share of chips by sample; fewest for sample {samples[worst][0]}, "
        f"{percent(votes[worst].share)}.",
        partial(_plot_votes, [sample for sample, *_ in samples], votes),
    )
    rows = [
        TableRow(
            (str(sample), name, decided, f"{vote.hits} of {vote.trials}", percent(vote.share),
             interval(vote.wilson)),
            vote.hits < vote.trials,
        )
        for (sample, name, decided), vote in sorted(
            zip(samples, votes, strict=True), key=lambda entry: entry[1].hits
        )
    ]  # fmt: skip
    columns = (">#", "sample", "software", ">chips as software", ">share", ">95 % interval")
    table = Table("Samples, the most disputed first", columns, rows)
    sections = [
        Section("samples", "Sample by sample", [plot, table]),
        *([] if contributions is None else [contribution_section(contributions)]),
        provenance(list(sources.items()), ()),
    ]
    facts = [] if accuracy is None else accuracy_facts(accuracy, "chips")
    facts += [("chips", str(yielded.trials)), ("yield", percent(yielded.share))]
    write_page(folder / "twin.html", Page(name, "behavioural twin", summary, sections, facts))


def _plot_votes(samples: Sequence[int], votes: Sequence[Proportion], sheet: Sheet) -> Figure:
    fig = sheet.figure(3.2)
    axes = fig.subplots()
    plot_shares(axes, range(len(votes)), votes, CIRCUIT)
    share_axis(axes, [end for vote in votes for end in vote.wilson or ()])
    every = -(-len(samples) // (30 if sheet.wide else 10))
    places = range(0, len(samples), every)
    axes.set_xticks(places, [str(samples[at]) for at in places])
    axes.set_xlabel("sample", fontsize=9)
    axes.set_ylabel("chips that decide as software", fontsize=9)
    tidy(axes)
    return fig
