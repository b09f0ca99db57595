"""A block in the tile of a shuttle: frame, pins, supplies, and the wires between."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netgen.circuit.netlist import SUPPLIES
from netgen.errors import ConfigurationError, UsageError
from netgen.layout.canvas import Box, Canvas, draw_into
from netgen.layout.lef import Terminal
from netgen.layout.lvs import compare, extract
from netgen.layout.make import Laid
from netgen.layout.process import Process, klayout

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "shuttles.toml"
_REACH = 170
"""Half the side of the metal around a stack of vias, nm."""


@dataclass(frozen=True, eq=False)
class Target:
    """A tile of a shuttle; see ``shuttles.toml``. Lengths in nm."""

    name: str
    facts: Mapping[str, Any]
    size: tuple[int, int]
    pins: Mapping[str, Box]  #: Rectangle of every pin.
    #: ``analog``, ``inputs``, ``grounded``: names of analog pins that may be used, of digital
    #: inputs that the circuit may take, and of outputs that must lie at ground.
    analog: tuple[str, ...]
    inputs: tuple[str, ...]
    grounded: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Tile:
    """A tile that holds a block."""

    target: Target
    layout: Any
    top: str
    pins: Mapping[str, str]  #: Pin of each port of the circuit that leads out.
    inside: tuple[str, ...]  #: Outputs that no pin was left for.
    terminals: tuple[Terminal, ...]
    problems: tuple[str, ...]  #: What the own checks of the target find.


def load_target(name: str, process: Process) -> Target:
    """Return a tile of a process.

    Raises
    ------
    UsageError
        There is none of this name.
    ConfigurationError
        The file is damaged.
    """
    path = Path(process.source).with_name(FILE)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(str(path), [f"cannot be read ({error})"]) from None
    if name not in data:
        known = ", ".join(("block", *data))
        raise UsageError(f"{process.name} has no target {name!r}; choose one of {known}")
    try:
        return _target(name, data[name])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(str(path), [f"{name}: is damaged ({error})"]) from None


def _target(name: str, facts: Mapping[str, Any]) -> Target:
    width, height = (_nm(side) for side in facts["size"])
    pins: dict[str, Box] = {}
    analog = facts["analog"]
    for number in range(analog["count"]):
        x, half = _nm(analog["first"] + number * analog["pitch"]), _nm(analog["width"]) // 2
        pins[f"{analog['name']}[{number}]"] = (x - half, 0, x + half, _nm(analog["height"]))
    place = facts["digital"]
    names = [word for entry in facts["digital_order"] for word in _expanded(entry)]
    for number, pin in enumerate(names):
        x, half = _nm(place["first"] + number * place["pitch"]), _nm(place["width"]) // 2
        pins[pin] = (x - half, height - _nm(place["height"]), x + half, height)
    return Target(
        name,
        facts,
        (width, height),
        pins,
        tuple(f"{analog['name']}[{number}]" for number in range(analog["usable"])),
        tuple(pin for pin in names if pin.startswith(f"{facts['free_inputs']}[")),
        tuple(pin for pin in names if pin.partition("[")[0] in facts["grounded"]),
    )


def _expanded(entry: str) -> list[str]:
    name, _, count = entry.partition(":")
    return [f"{name}[{number}]" for number in range(int(count))] if count else [name]


def _nm(um: float) -> int:
    return round(um * 1000)


def assigned(
    target: Target, analog: Sequence[str], digital: Sequence[str], outputs: Sequence[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Give ports their pins: currents first, then as many outputs as pins are left.

    Returns
    -------
    Pin by port, and the outputs that stay inside.

    Raises
    ------
    UsageError
        The currents and one output need more pins than there are.
    """
    free = len(target.analog) - len(analog)
    if free < 1 or len(digital) > len(target.inputs):
        raise UsageError(
            f"{target.facts['title']} has {len(target.analog)} analog pins and "
            f"{len(target.inputs)} digital inputs; the circuit needs {len(analog)} for its "
            f"currents, one at least for an output, and {len(digital)} digital ones; "
            "take --target block"
        )
    pins = dict(zip((*analog, *outputs[:free]), target.analog, strict=False))
    pins |= dict(zip(digital, target.inputs, strict=False))
    return pins, tuple(outputs[free:])


def fill(laid: Laid, target: Target, top: str, pins: Mapping[str, str]) -> Tile:
    """Place a block in a tile and wire its ports to pins.

    Raises
    ------
    UsageError
        It does not fit.
    """
    height = laid.size[1]
    facts = target.facts
    y = _nm(facts["margin"])
    rows = len(pins) + 4
    pitch = 2 * laid.process.drawing.wire_pitch
    x = _place(laid, target, pins)
    if x is None or y + height + rows * pitch > _nm(facts["bus"]) - pitch:
        w, h = (side / 1000 for side in laid.size)
        raise UsageError(
            f"the block of {w:.1f} × {h:.1f} µm does not fit into {facts['title']} of "
            f"{facts['size'][0]} × {facts['size'][1]} µm; take --target block"
        )
    canvas = Canvas()
    _frame(canvas, target, laid.process)
    _signals(canvas, laid, target, pins, (x, y), pitch)
    layout = klayout().Layout()
    layout.dbu = 0.001
    whole, block = layout.create_cell(top), layout.create_cell(laid.task.name)
    silent = Canvas({k: v for k, v in laid.assembly.canvas.boxes.items() if k != "boundary"})
    draw_into(layout, block, silent, laid.process)
    whole.insert(klayout().CellInstArray(block.cell_index(), klayout().Trans(x, y)))
    draw_into(layout, whole, canvas, laid.process)
    inside = tuple(p for p in laid.task.ports if p not in pins and p not in SUPPLIES)
    tile = Tile(target, layout, top, pins, inside, _terminals(target), ())
    return replace(tile, problems=tuple(_problems(tile, laid)))


def _place(laid: Laid, target: Target, pins: Mapping[str, str]) -> int | None:
    """Return where the block stands along x, so that no port is right beside a pin's wire."""
    width = laid.size[0]
    wires = [sum(target.pins[pin][0::2]) // 2 for pin in pins.values()]
    ports = [sum(t.box[0::2]) // 2 for t in laid.terminals if t.net in pins]
    stripes = target.facts["stripes"]
    first, last = _nm(stripes["vss"][1]) + 5_000, _nm(stripes["vdd"][0]) - 5_000 - width
    middle = (first + last) // 2
    for step in range(0, max(0, last - first) // 2, 100):
        for x in (middle - step, middle + step):
            x = x // 5 * 5
            if all(abs(x + port - wire) > 1_500 for port in ports for wire in wires):
                return x
    return None


def _frame(canvas: Canvas, target: Target, process: Process) -> None:
    """Draw outline, pins, supply stripes, and ground on outputs that nobody drives."""
    facts, layer = target.facts, target.facts["layer"]
    canvas.box("boundary", 0, 0, *target.size)
    for name, box in target.pins.items():
        canvas.box(layer, *box)
        canvas.label(layer, name, (box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
    bottom, top = _nm(facts["stripes"]["bottom"]), _nm(facts["stripes"]["top"])
    for net in SUPPLIES:
        left, right = (_nm(side) for side in facts["stripes"][net])
        canvas.box(layer, left, bottom, right, top)
        canvas.label(layer, facts["supplies"][net], (left + right) // 2, (bottom + top) // 2)
    bus = _nm(facts["bus"])
    ground = _nm(sum(facts["stripes"]["vss"]) / 2)
    ends = [sum(target.pins[pin][0::2]) // 2 for pin in target.grounded]
    if not ends:
        return
    canvas.box(process.roles.column, ground - 500, bus - 500, max(ends) + 500, bus + 500)
    for offset in (-300, 300):
        _stack(canvas, process.roles.cuts[3:4], ground + offset, bus, process)
    for x in ends:
        half = _nm(facts["digital"]["width"]) // 2
        canvas.box(layer, x - half, bus - _REACH, x + half, target.size[1])
        _stack(canvas, process.roles.cuts[3:4], x, bus, process)
        canvas.box(layer, x - _REACH, bus - _REACH, x + _REACH, bus + _REACH)


def _stack(canvas: Canvas, cuts: Sequence[str], x: int, y: int, process: Process) -> None:
    """Draw vias above each other with the metal around them."""
    half, roles = process.drawing.via // 2, process.roles
    for cut in cuts:
        canvas.box(cut, x - half, y - half, x + half, y + half)
        number = roles.cuts.index(cut)
        for layer in roles.wires[number : number + 2]:
            canvas.box(layer, x - _REACH, y - _REACH, x + _REACH, y + _REACH)
    if len(cuts) > 1:  # metal between two vias needs its smallest area
        for cut in cuts[1:]:
            layer = roles.wires[roles.cuts.index(cut)]
            canvas.box(layer, x - _REACH, y - 300, x + _REACH, y + 300)


def _signals(
    canvas: Canvas,
    laid: Laid,
    target: Target,
    pins: Mapping[str, str],
    at: tuple[int, int],
    pitch: int,
) -> None:
    """Wire each port to its pin, and the supplies to their stripes, each on a level of its own."""
    process, facts, layer = laid.process, target.facts, target.facts["layer"]
    roles = process.roles
    half = process.drawing.wire // 2
    level = at[1] + laid.size[1] + pitch
    by_net = {terminal.net: terminal for terminal in laid.terminals}
    for net, pin in pins.items():
        box = by_net[net].box
        x, edge = at[0] + (box[0] + box[2]) // 2, at[1] + box[1]
        canvas.box(roles.column, x - half, edge, x + half, level + 190)
        via = process.drawing.via // 2
        canvas.box(roles.above_track, x - via, level - via, x + via, level + via)
        there = target.pins[pin]
        middle = (there[0] + there[2]) // 2
        left, right = sorted((x, middle))
        canvas.box(roles.track, left - 190, level - half, right + 190, level + half)
        up = level  # where the upper layer begins
        if there[1] > level:  # a line of gates alone: half of it on each layer, for antenna rules
            up = process.snap((level + there[1]) / 2)
            canvas.box(roles.column, middle - half, level, middle + half, up)
            _stack(canvas, roles.cuts[2:3], middle, level, process)
            _stack(canvas, roles.cuts[3:4], middle, up, process)
        else:
            _stack(canvas, roles.cuts[2:4], middle, level, process)
        wide = min(there[2] - there[0], _nm(facts["wire"])) // 2
        low, high = sorted((up, there[1]))
        canvas.box(layer, middle - wide, low - (_REACH if low == up else 0), middle + wide,
                   high + (_REACH if high == up else there[3] - there[1]))  # fmt: skip
        level += pitch
    for net in SUPPLIES:
        box = by_net[net].box
        x, edge = at[0] + (box[0] + box[2]) // 2, at[1] + box[3]
        wide = (box[2] - box[0]) // 2
        canvas.box(roles.strip, x - wide, edge - 1_000, x + wide, level + _REACH)
        ground = _nm(sum(facts["stripes"][net]) / 2)
        for offset in (-200, 320):
            _stack(canvas, roles.cuts[1:2], x + offset - 60, level, process)
            _stack(canvas, roles.cuts[2:4], ground + offset * 2, level, process)
        left, right = sorted((x, ground))
        canvas.box(roles.track, left - 1_000, level - 300, right + 1_000, level + 300)
        level += 2 * pitch


def _terminals(target: Target) -> tuple[Terminal, ...]:
    facts = target.facts
    terminals = [Terminal(name, facts["layer"], box) for name, box in target.pins.items()]
    bottom, top = _nm(facts["stripes"]["bottom"]), _nm(facts["stripes"]["top"])
    for net in SUPPLIES:
        left, right = (_nm(side) for side in facts["stripes"][net])
        terminals.append(
            Terminal(facts["supplies"][net], facts["layer"], (left, bottom, right, top))
        )
    return tuple(terminals)


def _problems(tile: Tile, laid: Laid) -> list[str]:
    """Return what is wrong with a tile by netgen's own checks."""
    from netgen.layout.checks import check, regions_of

    process, target = laid.process, tile.target
    cell = tile.layout.cell(tile.top)
    problems = [str(each) for each in check(regions_of(tile.layout, cell, process), process)]
    named = dict(tile.pins) | dict(target.facts["supplies"])
    ports = tuple(port for port in laid.task.ports if port in named)
    task = replace(laid.task, name=tile.top, ports=ports)
    compared = compare(extract(tile.layout, cell, process), task, named)
    problems += compared.differences
    box = cell.bbox()
    if (box.left, box.bottom, box.right, box.top) != (0, 0, *target.size):
        problems.append(f"the layout reaches from ({box.left}, {box.bottom}) to "
                        f"({box.right}, {box.top}) nm, the tile is {target.size}")  # fmt: skip
    known = {*process.layers.values(), process.boundary}
    known |= {(layer, process.label_datatype) for layer, _ in process.layers.values()}
    for index in tile.layout.layer_indexes():
        info = tile.layout.get_info(index)
        if (info.layer, info.datatype) not in known and not cell.bbox_per_layer(index).empty():
            problems.append(f"layer {info.layer}/{info.datatype} must not be there")
    for each in tile.layout.each_cell():
        if not each.name.replace("_", "").isalnum():
            problems.append(f"cell {each.name!r}: only letters, digits and _ are allowed")
    return problems
