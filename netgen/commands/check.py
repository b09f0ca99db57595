"""``netgen check``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from netgen._version import __version__
from netgen.analysis.comparison.race import NEAR
from netgen.analysis.comparison.slow import frame_needed, late_thresholds
from netgen.commands import options as shared
from netgen.commands.actions import expected_power, say_below_floor, warn_of_units
from netgen.commands.output import give_document, list_first, warn
from netgen.document import Json
from netgen.model import Add, Cell, Linear, Model, load_model, op_of, sources
from netgen.project import Design, design
from netgen.project.footprint import Footprint, footprint_of
from netgen.project.limits import doubtful
from netgen.project.power_documents import area_document, predicted_document
from netgen.project.studies.times import speeds_of
from netgen.schema import head
from netgen.units import counted, engineering


@click.command("check")
@shared.model_argument
@shared.technology_options
@shared.unit_options
def check_command(
    model: Path, units: shared.UnitOptions, technology: shared.TechnologyOptions
) -> None:
    """Validate MODEL.json; print its size and what the technology can realise of it."""
    loaded = units.of(load_model(model))
    click.echo(f"{model}: valid")
    for line in describe(loaded):
        click.echo(f"  {line}")
    warn_of_units(loaded)
    sized = design(loaded, technology.build_options())
    for line in _realisable(sized):
        click.echo(line)
    click.echo(f"  {expected_power(sized, calibrated=False)}")
    needed, late = _say_times(sized)
    footprint = footprint_of(sized)
    click.echo(f"  {footprint.summary}")
    say_below_floor(sized)
    give_document(_document(sized, needed, late, footprint))


def _say_times(design: Design) -> tuple[float | None, list[str]]:
    """Say how long cells take, and name the thresholds that take longer than a frame."""
    model = design.circuit.model
    if not model.cells:
        return None, []
    speeds = speeds_of(design)
    if not speeds:
        return None, []
    needed = frame_needed(model, speeds)
    click.echo(
        f"  cells alone, without wires, answer a candidate {NEAR:.0%} beyond a threshold within "
        f"frames of {engineering(needed, 's')}; a frame lasts "
        f"{engineering(model.frame_period, 's')}"
    )
    late = list(late_thresholds(model, speeds))
    if late:
        count = counted(len(late), "thresholds")
        warn(f"slower than a frame: {count}; use longer frames:")
        list_first(late, "more")
    return needed, [str(entry) for entry in late]


def _document(
    design: Design, needed: float | None, late: list[str], footprint: Footprint
) -> dict[str, Json]:
    """Return the findings as a JSON object."""
    circuit, at, counts = design.circuit, design.conditions, design.netlist.counts
    model, errors = circuit.model, _weight_errors(design)
    return {
        **head("check"),
        "netgen": __version__,
        "model": {"name": model.name, "sha256": model.digest, "classes": list(model.classes)},
        "unit_current": model.unit_current,
        "frame_period": model.frame_period,
        "states": sum(cell.size for cell in model.cells),
        "parameters": _parameters(model),
        "pdk": design.technology.name,
        "corner": at.corner,
        "temperature": at.temperature,
        "vdd": at.vdd,
        "devices": {
            "total": sum(counts.values()),
            "by_block": {str(block): count for block, count in counts.items()},
        },
        "area": area_document(design.netlist, design.technology),
        "predicted_power": predicted_document(design.power),
        "below_floor": [str(entry) for entry in design.below_floor],
        "drawn_weights": {
            "count": errors.size,
            "mean_error": float(errors.mean()) if errors.size else None,
            "max_error": float(errors.max()) if errors.size else None,
        },
        "frame_needed": needed,
        "frame_needed_wires": footprint.frame_s,
        "late_thresholds": late,
        "doubts": list(doubtful(model)),
    }


def describe(model: Model) -> Iterator[str]:
    """Say what a model is: its input, nodes with their parameter ranges, and readout."""
    unit = engineering(model.unit_current, "A")
    period = engineering(model.frame_period, "s")
    yield f"{model.name}: 1.0 is {unit}, a frame lasts {period}"
    yield f"input: {counted(model.input_size, 'channels')}, 0 … {model.input_max:g}"
    for node in model.nodes:
        size = model.sizes[node.name]
        op = op_of(node)
        line = f"{node.name}: {op} of {', '.join(sources(node))}, {counted(size, 'units')}"
        yield "; ".join([line, *_ranges(node)])
    states = sum(cell.size for cell in model.cells)
    readout = model.readout
    layers = f"{states} in {len(model.cells)} recurrent layers"
    yield f"states: {layers}; parameters: {_parameters(model)}"
    yield (
        f"readout: {readout.rule} of {readout.node} over frames {readout.start} … "
        f"{readout.stop - 1}; classes {', '.join(model.classes)}"
    )


def _ranges(node: object) -> Iterator[str]:
    if isinstance(node, Linear):
        yield f"weight {_span(node.weight)}, bias {_span(node.bias)}"
    elif isinstance(node, Cell):
        keys = dict.fromkeys((node.falling_key, node.rising_key, node.level_key))
        yield ", ".join(f"{key} {_span(getattr(node, key))}" for key in keys)
    elif isinstance(node, Add):
        yield "formed at its consumers"


def _span(values: np.ndarray) -> str:
    return f"{values.min():.4g} … {values.max():.4g}"


def _parameters(model: Model) -> int:
    linear = sum(n.weight.size + n.bias.size for n in model.nodes if isinstance(n, Linear))
    return linear + sum(len(cell.parameters) * cell.triggers for cell in model.cells)


def _realisable(design: Design) -> Iterator[str]:
    """Say what the technology can draw, and how well this model fits it."""
    circuit, technology, at = design.circuit, design.technology, design.conditions
    counts = design.netlist.counts
    unit = circuit.unit
    yield f"{technology.name}, {at.corner}, {at.temperature:g} °C, {at.vdd:g} V:"
    yield (
        f"  {sum(counts.values())} transistors; unit mirror {unit.width * 1e6:g} × "
        f"{unit.length * 1e6:g} µm"
    )
    for block in {layer.cell.op: layer.block for layer in circuit.cells}.values():
        low, high = block.limits
        yield f"  thresholds and outputs of {block.title}: {low:g} … {high:g} units"
    floors = {
        sign: min(
            table.gain[-1].max()
            for (_, polarity), table in design.known.mirrors.tables.items()
            if polarity == name
        )
        for sign, name in (("negative", "nmos"), ("positive", "pmos"))
    }
    largest = min(table.gain[0, :, 1:].min() for table in design.known.mirrors.tables.values())
    yield (
        f"  weights: up to {largest * technology.max_multiplicity:.3g}; floor about "
        f"{floors['positive']:.2g} (positive), {floors['negative']:.2g} (negative)"
    )
    errors = _weight_errors(design)
    if errors.size:
        off = f"off by {errors.mean():.2%} on average, {errors.max():.2%} at most"
        yield f"  sized weights: {errors.size}, {off}"


def _weight_errors(design: Design) -> np.ndarray:
    """Return the relative errors, without sign, of the weights that have a mirror."""
    errors = []
    for mirrors in (
        mirrors for layer in design.circuit.summing_layers for mirrors in layer.mirrors
    ):
        if mirrors.geometry is not None:
            there = mirrors.geometry.multiplicity > 0
            errors.append(np.abs(mirrors.geometry.realised[there] / mirrors.weight[there] - 1))
    return np.concatenate(errors) if errors else np.zeros(0)
