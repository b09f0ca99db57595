"""Which block realises what, and the subcircuits that a circuit takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netgen.circuit.blocks import bias, mirror, relu
from netgen.circuit.blocks.kit import Kit
from netgen.circuit.blocks.port import Block, CellBlock
from netgen.circuit.netlist import Module
from netgen.errors import ConfigurationError
from netgen.model.cell import GROUP, Cell, realised
from netgen.model.graph import Model
from netgen.technology import Geometry, Technology


def block_of(cell: Cell) -> CellBlock:
    """Return the block that realises a node.

    Raises
    ------
    ConfigurationError
        What is installed for its operation is no block of circuits.
    """
    found = realised()[cell.op]
    if not isinstance(found, CellBlock):
        source = f"operation {cell.op} of {GROUP}"
        raise ConfigurationError(source, ["is realised by no CellBlock; uninstall its package"])
    return found


def blocks_of(model: Model) -> Mapping[str, CellBlock]:
    """Return the blocks of a model's cells by operation, in the order of their first node."""
    return {cell.op: block_of(cell) for cell in model.cells}


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
    all_blocks = (relu.BLOCK, mirror.BLOCK, *dict.fromkeys(blocks), bias.BLOCK)
    return {module.name: module for block in all_blocks for module in block.modules(kit)}
