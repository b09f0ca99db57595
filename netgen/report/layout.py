"""``layout.html``: the layout of a build, what it takes, what checked it, what matches what."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence

from netgen.document import (
    Json,
    flag_at,
    number_at,
    table_at,
    tables_at,
    text_at,
    texts_at,
    whole_at,
)
from netgen.report.page import Content, Page, Section, Table, TableRow, Text, plain_rows, provenance
from netgen.report.plot import Plot
from netgen.report.text import percent
from netgen.units import counted, engineering

_LISTED = 12
_DARK = "invert(.9) hue-rotate(180deg)"
"""What makes a picture on white one on dark paper, of the same hues."""


def layout_page(
    name: str,
    record: Mapping[str, Json],
    picture: bytes,
    compared: Sequence[tuple[str, str, str]],
    rerun: Sequence[str],
    counts: tuple[int, int],
) -> Page:
    """Return the page of a layout.

    Parameters
    ----------
    record
        As in ``layout.json``.
    picture
        The layout as PNG.
    compared
        Figures without and with its wires; empty where it was not simulated with them.
    rerun
        The commands that make it again.
    counts
        Transistors of the circuit as built, and of the one that is drawn.
    """
    size, wires = table_at(record, "size"), table_at(record, "wires")
    checks = table_at(record, "checks")
    clean, area = flag_at(checks, "clean"), number_at(size, "area_m2")
    width, height = (f"{number_at(size, side) * 1e6:.2f}" for side in ("width_m", "height_m"))
    ratio = number_at(size, "area_by_gate_area")
    gates = whole_at(record, "devices", "fingers")
    summary = (
        f"{counts[1]} transistors as {gates} gates on {width} × {height} µm, {ratio:.1f} times "
        "their own area; "
        f"{whole_at(checks, 'rules')} design rules, {len(texts_at(checks, 'violations'))} broken."
    )
    total = engineering(number_at(wires, "total_f"), "F")
    facts = [
        ("area", f"{area * 1e12:.0f} µm²"),
        ("area over the gates' area", f"{ratio:.1f}"),
        ("wires", total),
        ("rows", f"{whole_at(size, 'rows')}"),
    ]
    pictured: list[Content] = [_plot(picture, summary), _drawn(record, counts)]
    sections = [
        Section("picture", "The layout", pictured, "Picture"),
        Section("area", "Area and wires", [_areas(record), *_wires(wires)], "Area"),
        Section("checks", "Checks", list(_checks(checks)), "Checks"),
        Section("matching", "Mirror groups", [_groups(record), _GROUPS], "Matching"),
        Section("wires", "With its wires", [_compared(compared)], "With wires"),
        provenance(
            [("cell", text_at(record, "cell")), *table_at(record, "tools").items()], rerun
        ),
    ]  # fmt: skip
    result = "Clean, and as the netlist" if clean else "NOT clean"
    return Page(name, "layout", summary, sections, facts, result, clean)


def _drawn(record: Mapping[str, Json], counts: tuple[int, int]) -> Text:
    """Say which circuit is drawn, and why its gates are more than the build's transistors."""
    built, drawn = counts
    gates, dummies = (whole_at(record, "devices", key) for key in ("fingers", "dummies"))
    text = f"The circuit is drawn with the {drawn} transistors that it was built and judged with."
    if built != drawn:
        text = (
            f"Drawn is the circuit with bias currents mirrored from one reference "
            f"(`netlist_mirrored_bias.cir`, {drawn} transistors). The build, and its report, have "
            f"ideal sources in place of these {drawn - built}: {built} transistors."
        )
    if gates != drawn:
        text += f" A wide transistor is drawn as several gates side by side: {gates} gates."
    return Text(
        f"{text} Dummies at the ends of rows are not counted: {dummies}. The comparison with the "
        "netlist takes parallel transistors for one.",
        "note",
    )


def _plot(picture: bytes, alt: str) -> Plot:
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    data = base64.b64encode(picture).decode("ascii")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}"><style>@media(prefers-color-scheme:dark){{image{{filter:{_DARK}}}}}</style>'
        f'<image width="{width}" height="{height}" '
        f'href="data:image/png;base64,{data}"/></svg>'
    )
    uri = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}"
    caption = (
        "All layers; Metal 2 runs along the rows, Metal 3 across them. Pins are at the upper edge."
    )
    return Plot("layout.png", "layout", "All layers", caption, picture, alt, uri, uri)


def _areas(record: Mapping[str, Json]) -> Table:
    entries = table_at(record, "area_by_block")
    rows = []
    for block in sorted(entries, key=lambda each: -number_at(entries, each, "drawn_m2")):
        gate, drawn = (number_at(entries, block, key) for key in ("gate_m2", "drawn_m2"))
        rows.append((block, f"{gate * 1e12:.0f}", f"{drawn * 1e12:.0f}", f"{drawn / gate:.1f}"))
    columns = ("block", ">gates, µm²", ">its part of the rows, µm²", ">ratio")
    return Table("Area by kind of block", columns, plain_rows(rows))


def _wires(wires: Mapping[str, Json]) -> Iterator[Content]:
    lengths, nets = table_at(wires, "length_m"), table_at(wires, "nets")
    drawn = [(layer, f"{number_at(lengths, layer) * 1e3:.2f}") for layer in lengths]
    rows = [entry for entry in drawn if float(entry[1])]
    yield Text("Length of wires", "h3")
    yield Table("Length of wires by layer", ("layer", ">length, mm"), plain_rows(rows))
    order = sorted(nets, key=lambda net: -number_at(nets, net, "total_f"))
    cells = [
        (net, *(f"{number_at(nets, net, key) * 1e15:.1f}" for key in ("total_f", "coupling_f")))
        for net in order[:_LISTED]
    ]
    columns = ("net", ">capacitance, fF", ">of it to other nets, fF")
    yield Text("Capacitance of wires", "h3")
    yield Table("Capacitance of the largest nets", columns, plain_rows(cells))
    if len(order) > _LISTED:
        yield Text(f"{len(order) - _LISTED} smaller ones are in `layout.json`.", "note")


def _checks(checks: Mapping[str, Json]) -> Iterator[Content]:
    broken, lvs = texts_at(checks, "violations"), table_at(checks, "lvs")
    match = flag_at(lvs, "match")
    devices, nets = whole_at(lvs, "devices"), whole_at(lvs, "nets")
    rows = [
        TableRow(
            ("design rules", f"{whole_at(checks, 'rules')} run", f"{len(broken)} broken"),
            bool(broken),
        ),
        TableRow(
            ("layout against netlist", f"{devices} transistors, {counted(nets, 'nets')}",
             "match" if match else "NO match"),
            not match,
        ),
    ]  # fmt: skip
    decks = tables_at(checks, "decks") if "decks" in checks else []
    rows += [_deck(each) for each in decks]
    yield Table("What was checked", ("check", "of what", "result"), rows)
    errors = [
        f"{text_at(each, 'name')}, {rule}: {whole_at(each, 'errors', rule)}"
        for each in decks
        for rule in table_at(each, "errors")
    ]
    for line in (*broken, *texts_at(lvs, "differences"), *errors)[:_LISTED]:
        yield Text(line, "no")
    if not decks:
        yield Text("These are netgen's own checks. A foundry's decks are a second opinion: "
                   "`netgen layout DIR --deck pdk`, or `--deck FILE`.", "note")  # fmt: skip


def _deck(opinion: Mapping[str, Json]) -> TableRow:
    """Return what a foundry's deck says as a row."""
    rules, errors = whole_at(opinion, "categories"), table_at(opinion, "errors")
    count = sum(whole_at(errors, rule) for rule in errors)
    result, bad = f"{count} errors", bool(count)
    if opinion["match"] is not None:
        bad = not flag_at(opinion, "match")
        result = "NO match" if bad else "match"
    if text_at(opinion, "problem"):
        result, bad = f"not run: {text_at(opinion, 'problem')}", True
    name = f"foundry's deck: {text_at(opinion, 'name')}"
    return TableRow((name, f"{rules} rules" if rules else "netlists", result), bad)


def _groups(record: Mapping[str, Json]) -> Table:
    rows = []
    for group in sorted(tables_at(record, "mirror_groups"), key=lambda each: text_at(each, "net")):
        turned, gates = whole_at(group, "turned"), whole_at(group, "fingers")
        rows.append(
            (
                text_at(group, "net"),
                text_at(group, "polarity"),
                f"{gates}",
                f"{whole_at(group, 'rows')}",
                f"{number_at(group, 'farthest_m') * 1e6:.1f}",
                percent(number_at(group, "neighbours")),
                "as one" if not turned else f"{turned} of {gates} upside down",
            )
        )
    columns = ("gate net", "polarity", ">gates", ">rows", ">farthest, µm", ">neighbours", "turned")
    return Table("Mirrors of one gate net", columns, plain_rows(rows))


_GROUPS = Text(
    "Farthest: the largest distance of a copy's gate from the nearest diode of its net. "
    "Neighbours: the share of gates beside another of the net. In every gate the current "
    "flows along x, the source on the left; gates in rows with taps above lie upside down.",
    "note",
)


def _compared(compared: Sequence[tuple[str, str, str]]) -> Content:
    if not compared:
        commands = (
            "`netgen sim DIR SAMPLES.npz --post-layout`, then `netgen compare DIR --post-layout`"
        )
        return Text(f"Not simulated with its wires: {commands}.", "note")
    columns = ("figure", ">without wires", ">with wires")
    return Table("The circuit without and with its wires", columns, plain_rows(compared))
