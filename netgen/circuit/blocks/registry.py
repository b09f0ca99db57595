"""Which block realises what, and the subcircuits that a circuit takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netgen.circuit.blocks import bias, mirror, relu
from netgen.circuit.blocks.groups import GATE_NETS, MIRRORS
from netgen.circuit.blocks.kit import Kit
from netgen.circuit.blocks.port import Block, CellBlock
from netgen.circuit.netlist import Module
from netgen.errors import ConfigurationError
from netgen.model.cell import GROUP, Cell, realised
from netgen.technology import Geometry, Technology, size_name, sizes_of


def block_of(cell: Cell) -> CellBlock:
    """Return the block that realises a node.

    Raises
    ------
    ConfigurationError
        What is installed for its operation is no block of circuits.
    """
    block = realised()[cell.op]
    if not isinstance(block, CellBlock):
        source = f"operation {cell.op} of {GROUP}"
        raise ConfigurationError(source, ["is realised by no CellBlock; uninstall its package"])
    return block.of(cell)


def modules_of(
    blocks: Iterable[Block], technology: Technology, unit: Geometry
) -> dict[str, Module]:
    """Return all subcircuits that circuits with given blocks take, by name, in order.

    Parameters
    ----------
    unit
        Geometry of the unit mirror.
    """
    kit = Kit(technology, unit)
    modules = [*relu.BLOCK.modules(kit), *mirror.BLOCK.modules(kit)]
    for block in dict.fromkeys(blocks):
        modules += block.modules(replace(kit, groups=block.groups))
    modules += bias.BLOCK.modules(kit)
    for name, size in sizes_of(unit).items():
        group, group_kit = name.rpartition(".")[2], Kit(technology, size)
        if group in GATE_NETS:
            sized = (*relu.BLOCK.modules(group_kit), *mirror.BLOCK.modules(group_kit))
        elif group not in MIRRORS:
            sized = tuple(each for each in bias.BLOCK.modules(group_kit) if each.name == bias.DIODE)
        else:
            continue
        modules += (replace(each, name=_named(each.name, name)) for each in sized)
    return {module.name: module for module in modules}


def sized_name(module: str, group: str, unit: Geometry, node: str = "") -> str:
    """Return the name of a subcircuit of lines and biases in the size of a group at a node."""
    return _named(module, size_name(unit, group, node))


def _named(module: str, size: str) -> str:
    return f"{module}_{size.lower().replace('.', '_')}" if size else module
