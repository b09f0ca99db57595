"""The layout of a build: made, checked and written into its folder ``layout``."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from netgen._version import __version__
from netgen.circuit import BIASES, Bias
from netgen.circuit.netlist import SUPPLIES, Netlist
from netgen.circuit.wires import with_wires
from netgen.document import Json, WrongKindError, number_at, table_at, text_at
from netgen.errors import ConfigurationError, UsageError, cannot_write
from netgen.files import is_scratch, remove_scratch, write_whole
from netgen.layout.assemble import Choices
from netgen.layout.canvas import read_gds, write_gds
from netgen.layout.capacitance import by_layer
from netgen.layout.checks import rule_count
from netgen.layout.deck import Opinion, find_decks, program_version, run_decks
from netgen.layout.devices import Finger
from netgen.layout.fingers import Task, task_of
from netgen.layout.lef import lef_text, verilog_text
from netgen.layout.lvs import dummies, reference_text
from netgen.layout.make import Laid, LayoutChecks, PhaseProgress, check_drawing, lay_out
from netgen.layout.picture import draw_picture
from netgen.layout.process import Process, klayout, load_process
from netgen.netlist.write import network_body
from netgen.project.design import read_design, read_netlist
from netgen.project.reading import Build, held, prepared
from netgen.project.record import Draft, Kind, read_json, read_record, rewritten
from netgen.technology import POLARITIES, Technology

LAYOUT = Kind.of("layout", "run netgen layout again")
RECORD = "layout.json"
PAGE = "layout.html"
NETWORK = "netlist_wires.cir"
"""The build's network with its wires."""


def layout_folder(build: Build) -> Path:
    """Return where a build's layout lies."""
    return build.folder.path / "layout"


@dataclass(frozen=True, eq=False)
class Checked:
    """What netgen's own checks and a foundry's decks say of a layout."""

    checks: LayoutChecks
    opinions: tuple[Opinion, ...]
    rules: int  #: Own design rules.
    cell: str

    @property
    def clean(self) -> bool:
        """Whether nothing speaks against it."""
        return self.checks.clean and not any(each.adverse for each in self.opinions)


def layout(
    build: Build, choices: Choices, progress: PhaseProgress, decks: Sequence[str] = ()
) -> tuple[Laid, Checked, tuple[Path, ...]]:
    """Lay out a build with its biases made from one reference, and write it.

    An earlier layout stays whole until the new one is made.

    Parameters
    ----------
    decks
        A foundry's, see :func:`netgen.layout.deck.find_decks`.

    Returns
    -------
    The layout, what checked it, and files of an earlier one that were edited by hand and are moved
    aside.

    Raises
    ------
    ConfigurationError
        The technology has no layout data, or the circuit cannot be drawn.
    ToolMissingError
        KLayout's module or program, the PDK or a deck is not installed.
    UsageError
        The folder holds something else or cannot be written.
    """
    klayout()
    network, technology, process = layout_inputs(build)
    decks_found = find_decks(decks, process)
    path = layout_folder(build)
    with held(build):
        _claim(path)
        remove_scratch(path)
        laid = lay_out(network, technology, process, choices, progress)
        name, drawn = laid.task.name, laid.assembly.fingers
        with tempfile.TemporaryDirectory(prefix="netgen-layout-") as folder:
            scratch = Path(folder) / f"{name}.gds"
            write_gds(laid.layout, scratch)
            schematic = _flat(laid.task, drawn, technology)
            opinions = run_decks(decks_found, scratch, name, schematic, progress)
        checked = Checked(laid.checks, opinions, rule_count(process), name)
        progress("writing", 0.0)
        (build.folder.path / PAGE).unlink(missing_ok=True)  # never beside another layout
        with rewritten(path / RECORD, LAYOUT) as draft:
            _write(draft, laid, technology)
            draft.write(NETWORK, _with_wires(build, laid, technology))
            draft.content = _content(build, laid, choices, checked)
        write_layout_page(build)
    return laid, checked, tuple(draft.kept)


def layout_record(build: Build) -> Mapping[str, Json]:
    """Return what ``layout.json`` says of a build's layout.

    Raises
    ------
    ConfigurationError
        There is none, or that of another circuit.
    """
    path = layout_folder(build) / RECORD
    if not path.is_file():
        problem = "holds no layout; run netgen layout first"
        raise ConfigurationError(str(build.folder.path), [problem])
    record = read_record(path, LAYOUT)
    if record.get("build") != build.identity:
        problem = "the circuit was built anew, or edited by hand, since; run netgen layout again"
        raise ConfigurationError(str(path), [problem])
    return record


def extracted(build: Build) -> tuple[float, dict[str, float]]:
    """Return the area of a build's layout, m², and the capacitance of its wires, F, by net.

    Raises
    ------
    ConfigurationError
        There is no layout, or that of another circuit.
    """
    record = layout_record(build)
    try:
        nets = table_at(record, "wires", "nets")
        wires = {net: float(number_at(nets, net, "total_f")) for net in nets}
        return float(number_at(record, "size", "area_m2")), wires
    except WrongKindError:
        path = layout_folder(build) / RECORD
        raise ConfigurationError(str(path), [f"is damaged; {LAYOUT.hint}"]) from None


def write_layout_page(build: Build, compared: Sequence[tuple[str, str, str]] = ()) -> None:
    """Write the page of a build's layout beside its others.

    Parameters
    ----------
    compared
        Names of figures, and their values without and with the wires.

    Raises
    ------
    ConfigurationError
        There is no layout, or that of another circuit.
    """
    from netgen.report.index import write_page  # matplotlib: a check needs none
    from netgen.report.layout import layout_page

    record = layout_record(build)
    choices = table_at(record, "choices")
    options = [
        f"--{key} {choices[key]}" for key in ("rows", "effort", "seed") if choices[key] is not None
    ]
    options += ["--clear-gates"] if choices.get("clear") else []
    again = shlex.join(["netgen", "layout", str(build.folder.path), *" ".join(options).split()])
    picture = layout_folder(build) / f"{text_at(record, 'cell')}.png"
    built, _ = read_design(build)
    counts = [sum(built[bias].counts.values()) for bias in (build.options.bias, _drawn_bias(build))]
    page = layout_page(
        build.model.name, record, picture.read_bytes(), compared, [again], (counts[0], counts[1])
    )
    write_page(build.folder.path / PAGE, page)


def check_layout(
    build: Build, gds: Path, progress: PhaseProgress, decks: Sequence[str] = ()
) -> Checked:
    """Check a GDS file against design rules, a build's circuit, and a foundry's decks.

    Raises
    ------
    ConfigurationError
        It is no layout, or holds no one cell at the top.
    ToolMissingError, UsageError
        As :func:`netgen.layout.deck.find_decks`.
    """
    klayout()
    network, technology, process = layout_inputs(build)
    wanted = find_decks(decks, process)
    try:
        drawing = read_gds(gds)
    except ValueError as error:
        raise ConfigurationError(str(gds), [f"is no layout: {error}"]) from None
    tops = drawing.top_cells()
    if len(tops) != 1:
        names = ", ".join(cell.name for cell in tops[:5])
        problem = f"has {len(tops)} cells at the top ({names}); one is wanted"
        raise ConfigurationError(str(gds), [problem])
    task = task_of(network, technology, process)
    checks, cell = check_drawing(drawing, tops[0], task, process, progress), tops[0].name
    drawn = [*task.fingers, *dummies(checks.extraction)]
    schematic = _flat(replace(task, name=cell), drawn, technology)
    opinions = run_decks(wanted, gds, cell, schematic, progress)
    return Checked(checks, opinions, rule_count(process), cell)


def layout_inputs(build: Build) -> tuple[Netlist, Technology, Process]:
    """Return what is drawn of a build, its technology and its process."""
    technology, _, _ = prepared(build)
    process = load_process(technology)
    return read_netlist(build, technology, _drawn_bias(build)), technology, process


def _drawn_bias(build: Build) -> Bias:
    """Return where the drawn circuit's bias currents come from: nothing ideal can be drawn."""
    return max(build.options.bias, "mirrored", key=BIASES.index)


def _claim(path: Path) -> None:
    """Make the folder, or take one that an earlier layout made.

    Raises
    ------
    UsageError
        It holds something else or cannot be written.
    """
    try:
        path.mkdir(exist_ok=True)
        there = [entry for entry in path.iterdir() if not is_scratch(entry)]
        if there and not _is_layout(path):
            raise UsageError(f"{path} holds files that are not a layout of netgen; move it away")
        if not there:
            start = {"format": LAYOUT.format, "version": LAYOUT.version, "complete": False}
            write_whole(path / RECORD, json.dumps(start) + "\n")
    except OSError as error:
        raise cannot_write(path, error) from None


def _is_layout(path: Path) -> bool:
    try:
        return read_json(path / RECORD).get("format") == LAYOUT.format
    except ConfigurationError:
        return False


def _write(draft: Draft, laid: Laid, technology: Technology) -> None:
    name, task = laid.task.name, laid.task
    with tempfile.TemporaryDirectory(prefix="netgen-layout-") as folder:
        scratch = Path(folder) / f"{name}.gds"
        write_gds(laid.layout, scratch)
        draft.write(f"{name}.gds", scratch.read_bytes())
        image = scratch.with_suffix(".png")
        draw_picture(scratch, image, laid.size, laid.process.layers)
        draft.write(f"{name}.png", image.read_bytes())
    lef = lef_text(name, laid.size, laid.terminals, laid.process)
    draft.write(f"{name}.lef", lef)
    draft.write(f"{name}.spice", _flat(task, laid.assembly.fingers, technology))
    draft.write(f"{name}.v", verilog_text(name, task.ports, "currents and supplies; no timing"))


def _flat(task: Task, drawn: Sequence[Finger], technology: Technology) -> str:
    """Return the netlist of what was drawn, as a foundry's deck takes it."""
    models = {each: technology.devices[each].lvs or technology.devices[each].model
              for each in POLARITIES}  # fmt: skip
    return reference_text(task, drawn, models)


def _with_wires(build: Build, laid: Laid, technology: Technology) -> str:
    """Return the build's network, its biases ideal, with the capacitance of its wires."""
    wires = {net: wire.total for net, wire in laid.capacitances.items() if net not in SUPPLIES}
    return network_body(with_wires(read_netlist(build, technology), wires), technology)


def _content(build: Build, laid: Laid, choices: Choices, checked: Checked) -> dict[str, object]:
    checks, floor = laid.checks, laid.assembly.floor
    width, height = laid.size
    nets = {net: wire for net, wire in laid.capacitances.items() if net not in SUPPLIES}
    return {
        "build": build.identity,
        "cell": laid.task.name,
        "choices": asdict(choices),
        "size": {
            "width_m": width * 1e-9,
            "height_m": height * 1e-9,
            "area_m2": laid.area * 1e-18,
            "gate_area_m2": laid.task.gate_area * 1e-18,
            "area_by_gate_area": laid.area / laid.task.gate_area,
            "rows": len(floor.rows),
            "tracks": max(floor.tracks),
        },
        "devices": {
            "fingers": len(laid.task.fingers),
            "dummies": len(laid.assembly.fingers) - len(laid.task.fingers),
        },
        "area_by_block": laid.blocks,
        "wires": {
            "length_m": by_layer(checks.extraction, laid.process),
            "total_f": sum(wire.total for wire in nets.values()),
            "nets": {
                net: {"total_f": wire.total, "coupling_f": wire.coupling}
                for net, wire in nets.items()
            },
        },
        "mirror_groups": [asdict(group) for group in laid.groups],
        "checks": {
            "rules": checked.rules,
            "violations": [str(each) for each in checks.violations],
            "lvs": {
                "match": checks.comparison.match,
                "devices": checks.comparison.devices,
                "nets": checks.comparison.nets,
                "differences": list(checks.comparison.differences),
            },
            "decks": [asdict(each) for each in checked.opinions],
            "clean": checked.clean,
        },
        "tools": _tools(bool(checked.opinions)),
    }


def _tools(program: bool) -> dict[str, str]:
    versions = {"netgen": __version__}
    if program:
        versions["klayout (program)"] = program_version()
    try:
        versions["klayout"] = version("klayout")
    except PackageNotFoundError:
        versions["klayout"] = "unknown"
    return versions
