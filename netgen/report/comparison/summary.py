"""One table in Markdown: what a job's summary page shows of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netgen.report.text import printable


def summary(document: Mapping[str, Any]) -> str:
    """Return the summary of a ``report.json``.

    A line with the verdict, and a row for every figure with a limit, and for every figure that
    became worse than in the baseline.
    """
    said = "agree" if document["verdict"] == "pass" else "do not agree"
    decided = document["decision_agreement"]
    share = "" if decided is None else f", {100 * decided:.4g} % of decisions equal"
    baseline = document["baseline"]
    lines = [
        f"### netgen: {_cell(document['model']['name'])}",
        "",
        f"Circuit and software **{said}**: {document['samples']} samples{share} "
        f"({document['scope']}).",
        "",
    ]
    if baseline is not None and not baseline["passed"]:
        lines += [f"**Regressed** against {_cell(baseline['source'])}.", ""]
    earlier = {} if baseline is None else {c["name"]: c for c in baseline["changes"]}
    columns = ["figure", "value", "wanted", "places"]
    columns += ["baseline", "may worsen by"] if earlier else []
    lines += [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    checks = {check["name"]: check for check in document["checks"]}
    for name in dict.fromkeys(
        [*checks, *(n for n, c in earlier.items() if c["allowed"] is not None)]
    ):
        lines.append(_row(name, checks.get(name), earlier.get(name), bool(earlier)))
    power = document["power_w"]
    if power is not None:
        lines += ["", f"Mean supply power of the core: {power * 1e9:.4g} nW."]
    return "\n".join(lines) + "\n"


def _row(
    name: str, check: Mapping[str, Any] | None, change: Mapping[str, Any] | None, wide: bool
) -> str:
    passed = (check is None or check["passed"]) and (change is None or change["passed"])
    value = check["value"] if check else change["now"] if change else None
    wanted = f"{check['relation']} {check['limit']:g}" if check else ""
    places = check["places"] if check else ()
    named = ", ".join(_cell(place["what"]) for place in places[:3])
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    cells = ["✓" if passed else "✗", name, _figure(value), wanted, named + more]
    if wide:
        cells += [_figure(change["before"] if change else None)]
        allowed = change["allowed"] if change else None
        cells += ["" if allowed is None else f"{allowed:g}"]
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _cell(text: str) -> str:
    """Return text as a cell of a table: nothing of it is markup."""
    plain = printable(text).replace("\\", "\\\\").replace("\n", " ")
    return "".join(f"\\{char}" if char in "|<>`*_[]" else char for char in plain)
