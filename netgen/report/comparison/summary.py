"""One table in Markdown: what a job's summary page shows of a comparison."""

from __future__ import annotations

from netgen.document import Json, flag_at, number_at, tables_at, text_at, value_at, whole_at
from netgen.report.text import printable


def summary(document: Json) -> str:
    """Return the summary of a ``report.json``.

    A line with the verdict, and a row for every figure with a limit, and for every figure that
    became worse than in the baseline.
    """
    agreement = "agree" if text_at(document, "verdict") == "pass" else "do not agree"
    decided = _number(document, "decision_agreement")
    share = "" if decided is None else f", {100 * decided:.4g} % of decisions equal"
    lines = [
        f"### netgen: {_cell(text_at(document, 'model', 'name'))}",
        "",
        f"Circuit and software **{agreement}**: {whole_at(document, 'samples')} samples{share} "
        f"({text_at(document, 'scope')}).",
        "",
    ]
    earlier: dict[str, Json] = {}
    if value_at(document, "baseline") is not None:
        if not flag_at(document, "baseline", "passed"):
            lines += [
                f"**Regressed** against {_cell(text_at(document, 'baseline', 'source'))}.",
                "",
            ]
        changes = tables_at(document, "baseline", "changes")
        earlier = {text_at(change, "name"): change for change in changes}
    columns = ["figure", "value", "wanted", "places"]
    columns += ["baseline", "may worsen by"] if earlier else []
    lines += [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    checks = {text_at(check, "name"): check for check in tables_at(document, "checks")}
    limited = (name for name, c in earlier.items() if value_at(c, "allowed") is not None)
    for name in dict.fromkeys([*checks, *limited]):
        lines.append(_row(name, checks.get(name), earlier.get(name), bool(earlier)))
    power = _number(document, "power_w")
    if power is not None:
        lines += ["", f"Mean supply power of the core: {power * 1e9:.4g} nW."]
    return "\n".join(lines) + "\n"


def _row(name: str, check: Json, change: Json, wide: bool) -> str:
    passed = all(flag_at(each, "passed") for each in (check, change) if each is not None)
    value = _number(check, "value") if check else _number(change, "now") if change else None
    wanted, places = "", []
    if check:
        wanted = f"{text_at(check, 'relation')} {number_at(check, 'limit'):g}"
        places = tables_at(check, "places")
    named = ", ".join(_cell(text_at(place, "what")) for place in places[:3])
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    mark = "✗" if not passed else "–" if value is None else "✓"
    cells = [mark, name, _figure(value), wanted, named + more]
    if wide:
        cells += [_figure(_number(change, "before") if change else None)]
        allowed = _number(change, "allowed") if change else None
        cells += ["" if allowed is None else f"{allowed:g}"]
    return f"| {' | '.join(cells)} |"


def _number(document: Json, key: str) -> float | None:
    return None if value_at(document, key) is None else number_at(document, key)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _cell(text: str) -> str:
    """Return text as a cell of a table: nothing of it is markup."""
    plain = printable(text).replace("\\", "\\\\").replace("\n", " ")
    return "".join(f"\\{char}" if char in "|<>`*_[]" else char for char in plain)
