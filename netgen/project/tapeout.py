"""A build as a submission to a shuttle, or as a block for any chip."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netgen.circuit.netlist import SUPPLIES
from netgen.errors import UsageError, cannot_write
from netgen.files import folder_beside
from netgen.layout.assemble import Choices
from netgen.layout.canvas import write_gds
from netgen.layout.deck import Opinion, find_decks, run_decks
from netgen.layout.lef import lef_text, verilog_text
from netgen.layout.make import Laid, PhaseProgress, lay_out
from netgen.layout.process import klayout
from netgen.layout.tile import Target, Tile, assigned, fill, load_target
from netgen.netlist.testbench import Pad
from netgen.project.layout import layout_inputs
from netgen.project.pins import PinCurrents, pin_currents
from netgen.project.reading import Build

BLOCK = "block"


@dataclass(frozen=True)
class About:
    """What only its author can say of a submission."""

    author: str = ""  #: For ``info.yaml``.
    licence: str | None = None  #: Text of ``LICENSE``; None writes none.


@dataclass(frozen=True, eq=False)
class Submission:
    """What was written, and what the own checks say of it."""

    path: Path
    laid: Laid
    tile: Tile | None
    opinions: tuple[Opinion, ...]  #: Of a foundry's decks.

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong."""
        checks = self.laid.checks
        differences = (*map(str, checks.violations), *checks.comparison.differences)
        decks = (str(each) for each in self.opinions if each.adverse)
        return (*differences, *(self.tile.problems if self.tile else ()), *decks)


def not_run(opinions: Sequence[Opinion]) -> str:
    """Return the checks of a shuttle that were not run."""
    completed = {each.name for each in opinions if not each.problem}
    left = [kind for kind in ("design rules", "antenna") if kind not in completed]
    words = ("magic", "yosys", *(f"the foundry's deck of {kind}" for kind in left), "density")
    return f"the shuttle's own precheck ({', '.join(words)})"


def tapeout(
    build: Build,
    target: str,
    path: Path,
    choices: Choices,
    progress: PhaseProgress,
    about: About = About(),
    decks: Sequence[str] = (),
) -> Submission:
    """Write a submission repository, or a block's files, into a new folder.

    A foundry's decks (see :func:`netgen.layout.deck.find_decks`) judge what is written, but those
    that compare netlists: these judge blocks. The sheet's currents are simulated where the build
    has samples that were.

    Raises
    ------
    UsageError
        The folder is there, the target unknown, the pins or the supply do not fit.
    ConfigurationError
        The technology has no layout data, or the circuit cannot be drawn.
    ToolMissingError
        KLayout's module or program, or a deck, is not installed.
    """
    klayout()
    if path.exists():
        raise UsageError(f"{path} is there already; move it away, or name another with -o")
    network, technology, process = layout_inputs(build)
    rule_decks = [each for each in find_decks(decks, process) if not each.kind.match]
    tile = wanted = None
    if target != BLOCK:
        wanted = load_target(target, process)
        volts, supply = build.options.vdd, float(wanted.facts["vdd"])
        if volts is None or abs(volts - supply) > 1e-9:
            stated = "another" if volts is None else f"{volts:g} V"
            raise UsageError(
                f"{wanted.facts['title']} has {supply:g} V, the build {stated}; "
                f"build again with --vdd {supply:g}"
            )
    laid = lay_out(network, technology, process, choices, progress)
    if wanted is not None:
        starts = {d.gate for d in network.transistors.values() if d.role == "start"}
        outputs = [n.name for u in network.units for n in u.nets if n.kind == "output"]
        ports = [port for port in laid.task.ports if port not in SUPPLIES]
        digital = [port for port in ports if port in starts]
        analog = [port for port in ports if port not in starts and port not in outputs]
        pins, _ = assigned(wanted, analog, digital, outputs)
        tile = fill(laid, wanted, wanted.facts["top"] + laid.task.name.lower(), pins)
    currents = None
    if tile is not None and laid.checks.clean:
        progress("simulating", 0.0)
        pin_load, wires = tile.target.facts["pad"], laid.capacitances
        pad = Pad(pin_load["resistance"], pin_load["capacitance"])
        currents = pin_currents(build, {net: each.total for net, each in wires.items()}, pad)
    layout, cell = (laid.layout, laid.task.name) if tile is None else (tile.layout, tile.top)
    with tempfile.TemporaryDirectory(prefix="netgen-tapeout-") as folder:
        scratch = Path(folder) / "layout.gds"
        write_gds(layout, scratch)
        opinions = run_decks(rule_decks, scratch, cell, "", progress)
    progress("writing", 0.0)
    _write(build, laid, tile, path, currents, about, opinions)
    return Submission(path, laid, tile, opinions)


def _write(
    build: Build,
    laid: Laid,
    tile: Tile | None,
    path: Path,
    currents: PinCurrents | None = None,
    about: About = About(),
    opinions: Sequence[Opinion] = (),
) -> None:
    """Write all files beside the folder and rename it: it is whole or absent."""
    try:
        with folder_beside(path) as scratch:
            if tile is None:
                name = laid.task.name
                stub = verilog_text(name, laid.task.ports, "currents and supplies; no timing")
                lef = lef_text(name, laid.size, laid.terminals, laid.process)
                texts, gds, layout = {f"{name}.lef": lef, f"{name}.v": stub}, name, laid.layout
            else:
                texts = _texts(build, laid, tile, currents, about)
                texts["docs/info.md"] += _checks(opinions)
                gds, layout = f"gds/{tile.top}", tile.layout
            for file, text in texts.items():
                (scratch / file).parent.mkdir(parents=True, exist_ok=True)
                (scratch / file).write_text(text, encoding="utf-8")
            (scratch / gds).parent.mkdir(exist_ok=True)
            write_gds(layout, scratch / f"{gds}.gds")
    except OSError as error:
        raise cannot_write(path, error) from None


def _texts(
    build: Build, laid: Laid, tile: Tile, currents: PinCurrents | None, about: About
) -> dict[str, str]:
    facts = tile.target.facts
    kinds = {facts["supplies"]["vdd"]: "POWER", facts["supplies"]["vss"]: "GROUND"}
    lef = lef_text(tile.top, tile.target.size, tile.terminals, laid.process, kinds)
    return {
        f"lef/{tile.top}.lef": lef,
        "src/project.v": _stub(tile),
        "info.yaml": _info(build, tile, about.author),
        ".github/workflows/gds.yaml": workflow(tile.target, tile.top),
        "docs/info.md": _sheet(build, laid, tile, currents),
        **({} if about.licence is None else {"LICENSE": about.licence}),
        "README.md": f"# {build.model.name}\n\nA recurrent network as an analog circuit, drawn by "
        "netgen. See docs/info.md.\n",
    }


def workflow(target: Target, top: str) -> str:
    """Return the jobs that the shuttle runs on a submission: hand over, precheck, picture."""
    actions = target.facts["actions"]
    lines = ["name: gds", "on: [push, workflow_dispatch]", "jobs:"]
    for name in ("gds", "precheck", "viewer"):
        action = "custom_gds" if name == "gds" else name
        lines += [f"  {name}:", "    runs-on: ubuntu-24.04"]
        lines += ["    needs: gds"] if name != "gds" else []
        lines += ["    permissions: {pages: write, id-token: write}"] if name == "viewer" else []
        lines += ["    steps:"]
        lines += ["      - uses: actions/checkout@v4"] if name == "gds" else []
        lines += [f"      - uses: {actions['owner']}/{action}@{actions['revision']}"]
        if name == "gds":
            paths = {"gds_path": f"gds/{top}.gds", "lef_path": f"lef/{top}.lef"}
            given = {
                "top_module": top,
                **paths,
                "verilog_path": "src/project.v",
                "pdk": actions["pdk"],
            }
            lines += ["        with:", *(f"          {key}: {word}" for key, word in given.items())]
    return "\n".join([*lines, ""])


def _stub(tile: Tile) -> str:
    groups: dict[str, int] = {}
    for pin in tile.target.pins:
        name, bracket, _ = pin.partition("[")
        groups[name] = groups.get(name, 0) + bool(bracket)
    outputs = set(tile.target.facts["grounded"])
    lines = []
    for name, count in {**groups, "VGND": 0, "VDPWR": 0}.items():
        analog = name in (tile.target.facts["analog"]["name"], "VGND", "VDPWR")
        way = "inout" if analog else "output" if name in outputs else "input"
        lines.append(f"    {way} wire {f'[{count - 1}:0] ' if count else ''}{name}")
    ports = ",\n".join(lines)
    return f"`default_nettype none\n(* blackbox *)\nmodule {tile.top} (\n{ports}\n);\nendmodule\n"


def _info(build: Build, tile: Tile, author: str) -> str:
    facts = tile.target.facts
    by_pin = {pin: port for port, pin in tile.pins.items()}
    used = [pin for pin in tile.target.analog if pin in by_pin]
    lines = [
        "project:",
        f'  title: "{build.model.name}"',
        f"  author: {json.dumps(author, ensure_ascii=False)}",
        '  description: "A trained recurrent network as a subthreshold current-mode circuit"',
        '  language: "Analog"',
        "  clock_hz: 0",
        f'  tiles: "{facts["tiles"]}"',
        f"  analog_pins: {len(used)}",
        "  uses_vapwr: false",
        f'  top_module: "{tile.top}"',
        "  source_files:",
        '    - "project.v"',
        "pinout:",
    ]
    for word, pin in (("ui", "ui_in"), ("uo", "uo_out"), ("uio", "uio_in")):
        lines += [f'  {word}[{n}]: "{by_pin.get(f"{pin}[{n}]", "")}"' for n in range(8)]
    lines += [f'  {pin}: "{by_pin.get(pin, "")}"' for pin in tile.target.analog]
    return "\n".join([*lines, "yaml_version: 6", ""])


def _sheet(build: Build, laid: Laid, tile: Tile, currents: PinCurrents | None) -> str:
    """Return the bring-up sheet: which pin is what, currents to force and to expect."""
    amperes = build.model.unit_current * 1e9
    lines = [
        f"# {build.model.name}: bring-up sheet",
        "",
        "## How it works",
        "",
        "Inputs and outputs are currents. Mirrors weigh them, cells remember.",
        "",
        "## How to test",
        "",
        f"Supply {tile.target.facts['vdd']:g} V. Force the reference of {amperes:g} nA into its "
        "pin first. Hold the outputs at half the supply and measure their current. Pulse the "
        "start lines: `reset…` is active high, a name that ends with `_b` active low.",
        "",
        "| pin | net | what |",
        "|---|---|---|",
    ]
    for port, pin in tile.pins.items():
        what = "current out" if port.endswith("_out") else "current into the pin"
        what = "digital" if pin in tile.target.inputs else what
        lines.append(f"| {pin} | {port} | {what} |")
    if tile.inside:
        lines += ["", f"Outputs that stay inside, without a pin: {', '.join(tile.inside)}."]
    lines += ["", *_expected(build, laid, tile, currents), "", "## External hardware", ""]
    lines += [
        "Current sources and meters for nA. Leakage of pads and boards is of the same order.",
        "",
    ]
    return "\n".join(lines)


def _checks(opinions: Sequence[Opinion]) -> str:
    """Return what checked a tile, and what did not."""
    decks = "".join(f" By the foundry's decks: {each}." for each in opinions)
    checked = "Checked by netgen: design rules, LVS, pins, layers, outline."
    return f"{checked}{decks} Not run: {not_run(opinions)}.\n"


def _expected(build: Build, laid: Laid, tile: Tile, currents: PinCurrents | None) -> list[str]:
    """Return currents to force and to expect as a table."""
    if not laid.checks.clean:
        return ["Currents to expect: the layout is not clean."]
    if currents is None:
        return ["Currents to expect: simulate samples (netgen sim) and run netgen tapeout again."]
    pin_load, facts = tile.target.facts["pad"], tile.target.facts
    shown = {net: values for net, values in currents.expected.items() if net in tile.pins}
    lines = [
        f"Simulated in nA at {facts['vdd']:g} V, biases mirrored from the reference, with wires "
        f"as laid out, {pin_load['resistance']:g} Ω and {pin_load['capacitance'] * 1e12:g} pF at "
        "each of these pins, the reference from a source without them; frames of "
        f"{build.model.frame_period * 1e3:g} ms, read at their end.",
        "",
        f"| frame | {' | '.join(f'into {port}' for port in _inputs(tile))} | "
        f"{' | '.join(f'out of {net}' for net in shown)} |",
        f"|{'---|' * (1 + currents.forced.shape[1] + len(shown))}",
    ]
    for frame, forced in enumerate(currents.forced * 1e9):
        amplitudes = (values[frame] * 1e9 for values in shown.values())
        cells = (f"{value:.3f}" for value in (*forced, *amplitudes))
        lines.append(f"| {frame} | {' | '.join(cells)} |")
    return lines


def _inputs(tile: Tile) -> list[str]:
    """Return the ports of the circuit's inputs, in their order."""
    return sorted(
        (port for port in tile.pins if port.startswith("x_")), key=lambda p: int(p.split("_")[1])
    )
