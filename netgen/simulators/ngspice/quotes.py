"""ngspice's complaints without what they quote of files that a deck includes.

A line that ngspice cannot read it prints whole. What stands in the deck is netgen's own; what
stands in an included file may be anything that somebody's technology names, and must not get into
logs and reports that are passed on.
"""

from __future__ import annotations

import re

HIDDEN = "…"
_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a aborted after all allowed already ambiguous an analysis and argument arguments "
        "array as at bad be because been but by cannot card channel circuit code command "
        "compatibility computed connection contents control could current data deck default "
        "defined definition depth device devices dimension does doing duplicate element "
        "empty end ends enough error errors exceeded expected expecting expression extra "
        "failed fatal few file files find floating for found from function gate given got "
        "has have if ignored illegal impossible in include included including incomplete "
        "incorrect instance integer internal into invalid is it its large length less level "
        "lib library like limit line lines list loaded loop many matrix may mismatch "
        "misplaced missing mode model models must name names need needs nesting netlist no "
        "node nodes nodeset non not note nothing number of on one only open opened option "
        "options or original out parameter parameters parsing path please poly port ports "
        "positive possible range read recognized recursive reference referenced resolve "
        "same section selected setting should simulation singular size small smaller source "
        "spice statement step string subcircuit subcircuits subckt substitute such "
        "supported syntax table takes temperature than that the there this time timestep to "
        "token too tran transient type typo unable undefined unexpected unimplemented "
        "unknown unrecognized unsupported use used using valid value values variable vector "
        "version warning was were while width will with without wrong xspice yet your zero ",
    )
)
_PIECES = re.compile(r"[^\W\d_]+|\d+", re.UNICODE)


def without_quotes(line: str, deck: str) -> str:
    """Return a line of ngspice's with words hidden that are neither its own nor the deck's."""
    known = set(_tokens(deck))
    shown: list[str] = []
    for token in line.split():
        of_line = token.isdigit() and shown[-1:] == ["line"]
        if of_line or _is_ngspices(token) or all(part in known for part in _tokens(token)):
            shown.append(token)
        elif shown[-1:] != [HIDDEN]:
            shown.append(HIDDEN)
    return " ".join(shown)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\s()\[\]{}<>=:;,\"'|`]+", text.lower())


def _is_ngspices(token: str) -> bool:
    return all(piece in _WORDS for piece in _PIECES.findall(token.lower()))
