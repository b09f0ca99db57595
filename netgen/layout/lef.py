"""The outline of a block for place-and-route tools: LEF 5.8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netgen.circuit.netlist import SUPPLIES
from netgen.layout.canvas import Box
from netgen.layout.process import Process


@dataclass(frozen=True)
class Terminal:
    """A port of a block: its net, the wire's layer and rectangle, nm."""

    net: str
    layer: str
    box: Box


def lef_text(
    name: str,
    size: tuple[int, int],
    terminals: Sequence[Terminal],
    process: Process,
    use: Mapping[str, str] | None = None,
) -> str:
    """Return the LEF of a block.

    Parameters
    ----------
    size
        Width and height, nm; the origin is the lower left corner.
    use
        ``POWER`` or ``GROUND`` by net; the supplies' own where None.
    """
    kinds = dict(zip(SUPPLIES, ("POWER", "GROUND"), strict=True)) if use is None else use
    lines = [
        'VERSION 5.8 ;\nBUSBITCHARS "[]" ;\nDIVIDERCHAR "/" ;',
        f"MACRO {name}",
        "  CLASS BLOCK ;",
        f"  FOREIGN {name} ;",
        "  ORIGIN 0.000 0.000 ;",
        f"  SIZE {_um(size[0])} BY {_um(size[1])} ;",
    ]
    for terminal in terminals:
        kind = kinds.get(terminal.net, "SIGNAL")
        lines += [
            f"  PIN {terminal.net}",
            "    DIRECTION INOUT ;",
            f"    USE {kind} ;",
            "    PORT",
            f"      LAYER {process.lef[terminal.layer]} ;",
            f"        RECT {' '.join(map(_um, terminal.box))} ;",
            "    END",
            f"  END {terminal.net}",
        ]
    lines.append("  OBS")  # nothing else may be drawn on the wires' layers over a block
    for layer in process.roles.wires[1:4]:
        lines.append(f"    LAYER {process.lef[layer]} ;")
        lines.append(f"      RECT 0.000 0.000 {_um(size[0])} {_um(size[1])} ;")
    lines.append("  END")
    return "\n".join([*lines, f"END {name}", "END LIBRARY", ""])


def verilog_text(name: str, ports: Sequence[str], title: str) -> str:
    """Return a black box in Verilog: names of ports, no timing."""
    lines = [f"// {title}", "(* blackbox *)", f"module {name} ("]
    lines.append(",\n".join(f"    inout wire {port}" for port in ports))
    return "\n".join([*lines, ");", "endmodule", ""])


def _um(nm: int) -> str:
    return f"{nm / 1000:.3f}"
