"""What each group of devices does to decisions, in words and as a table."""

from __future__ import annotations

from netgen.analysis.variability.contributions import Contributions
from netgen.report.page import Section, Table, Text, plain_rows
from netgen.report.text import percent
from netgen.units import counted

_SHOWN = 4
"""So many groups are named in a terminal."""


def contribution_lines(contributions: Contributions) -> list[str]:
    """Return the largest contributions as lines for a terminal."""
    lines = [
        f"what mismatch does by group of devices, by the fast chip model: decisions as software's "
        f"{percent(contributions.agreement)} with all groups, and if one alone, or all "
        "but one, deviate",
        f"  {'group':<12} {'variance':>8} {'it alone':>8} {'all but':>8}",
    ]
    for entry in contributions.groups[:_SHOWN]:
        alone, without = percent(entry.alone), percent(entry.without)
        lines.append(f"  {entry.group:<12} {percent(entry.share):>8} {alone:>8} {without:>8}")
    rest = len(contributions.groups) - _SHOWN
    return [*lines, *([f"  … and {counted(rest, 'groups')} more on the page"] if rest > 0 else [])]


def contribution_section(contributions: Contributions) -> Section:
    """Return the section of a page."""
    note = (
        "By the fast chip model, mismatch alone. The share is that of the leads' variance which "
        f"single devices account for, by Stein's identity over {contributions.chips} chips; the "
        f"other columns are decisions as software's of {contributions.chips_each} chips each. "
        f"With all groups {percent(contributions.agreement)} of decisions are as software's. "
        "`netgen build --size` gives a group a size of its own, `--optimise` chooses the sizes."
    )
    rows = [
        (
            f"`{entry.group}`",
            str(entry.devices),
            percent(entry.share),
            percent(entry.alone),
            percent(entry.without),
        )
        for entry in contributions.groups
    ]
    columns = ("group", ">devices", ">share of variance", ">it alone", ">all but it")
    table = Table("Groups of devices", columns, plain_rows(rows))
    title = "Which devices flip decisions"
    return Section("groups", title, [Text(note, "note"), table], "Devices")
