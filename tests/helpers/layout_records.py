"""A record of a layout, written by hand, and a picture of one point."""

from __future__ import annotations

import struct
import zlib

from netgen.document import Json
from netgen.schema import head

SEAL = "0" * 64


def record(clean: bool = True) -> dict[str, Json]:
    """Return what ``layout.json`` says of a small layout."""
    group: dict[str, Json] = {"net": "x_0_n", "polarity": "nmos", "fingers": 5, "rows": 2,
             "farthest_m": 9.2e-6, "neighbours": 0.8, "turned": 2}  # fmt: skip
    broken = [] if clean else ["M1.1 (width metal1 0.23): 2 violations, first at (1.000, 2.000) µm"]
    lost = [] if clean else ["net out is not in the layout"]
    antenna: dict[str, Json] = {"name": "antenna", "categories": 0, "errors": {}, "match": None,
                                "problem": "it failed in KLayout 0: old"}  # fmt: skip
    rules: dict[str, Json] = {"name": "design rules", "categories": 651, "errors": {"M1.1": 2},
                              "match": None, "problem": ""}  # fmt: skip
    decks = (
        [] if clean else [rules, antenna, {**antenna, "name": "LVS", "match": False, "problem": ""}]
    )
    return {
        **head("layout"),
        "complete": True,
        "build": SEAL,
        "cell": "small",
        "choices": {"rows": None, "effort": 1.0, "seed": 0, "clear": False},
        "size": {"width_m": 4e-5, "height_m": 2.5e-5, "area_m2": 1e-9, "gate_area_m2": 2e-10,
                 "area_by_gate_area": 5.0, "rows": 8, "tracks": 3},
        "devices": {"fingers": 68, "dummies": 16},
        "area_by_block": {"mirror": {"gate_m2": 1e-10, "drawn_m2": 4e-10},
                          "cell": {"gate_m2": 1e-10, "drawn_m2": 5e-10}},
        "wires": {
            "length_m": {"metal1": 1e-3, "metal2": 2e-3, "metal4": 0.0},
            "total_f": 4e-14,
            "nets": {f"n{i}": {"total_f": 1e-15 * (i + 1), "coupling_f": 4e-16} for i in range(20)},
        },
        "mirror_groups": [group, {**group, "net": "<a>", "turned": 0}],
        "checks": {"rules": 116, "violations": broken, "clean": clean, "decks": decks,
                   "lvs": {"match": clean, "devices": 68, "nets": 37, "differences": lost}},
        "tools": {"netgen": "0", "klayout": "0"},
        "files": {"small.gds": SEAL},
        "seal": SEAL,
    }  # fmt: skip


def picture() -> bytes:
    """Return a PNG of one grey point."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
              (b"IDAT", zlib.compress(b"\0\x80")), (b"IEND", b""))  # fmt: skip
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
