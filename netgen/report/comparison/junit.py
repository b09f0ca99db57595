"""JUnit XML: a test case a sample, a tolerance and a node, for continuous integration."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from netgen.analysis import Check, Comparison, SampleComparison
from netgen.analysis.comparison.baseline import BaselineComparison
from netgen.model import Model
from netgen.report.text import MEANINGS, class_name, limit, measured, printable, source


def to_junit(
    comparison: Comparison,
    model: Model,
    checks: Sequence[Check],
    edited: Sequence[str] = (),
    baseline: BaselineComparison | None = None,
) -> bytes:
    """Return the XML. It is red exactly where the verdict is.

    A sample whose simulation failed is an error. One that is decided otherwise is a failure, or
    skipped where ``decision_agreement`` holds all the same: the tolerance allows for it.

    Parameters
    ----------
    edited
        Files of the build that were edited by hand since: shown as a skipped test case.
    baseline
        Figures against those of an earlier report: a test case for each that has a limit.
    """
    allowed = all(check.passed for check in checks if check.name == "decision_agreement")
    tolerances = _suite(f"{model.name}.tolerances")
    for check in checks:
        case = _case(tolerances, check.name, 0.0)
        if check.source:
            text = f"{limit(check)}, {source(check)}"
            ElementTree.SubElement(case, "system-out").text = printable(text)
        if not check.passed:
            _result(
                case, "failure", f"{measured(check)}, wanted {limit(check)}: {MEANINGS[check.name]}"
            )
        elif check.unjudged:
            _result(case, "skipped", "not judged: there is nothing to judge")
    for name in edited:
        _result(_case(tolerances, name, 0.0), "skipped", "edited by hand since it was built")
    nodes = _suite(f"{model.name}.nodes")
    for node in model.nodes:
        case = _case(nodes, node.name, 0.0)
        missed = [
            f"{check.name}: {place.what} ({place.error:+.3g})"
            for check in checks
            for place in check.places
            if place.node == node.name
        ]
        if missed:
            _result(case, "failure", "; ".join(missed))
    samples = _suite(f"{model.name}.samples")
    for entry in comparison.samples:
        case = _case(samples, f"{entry.sample}: {entry.id}", entry.cpu_s)
        if entry.tie:
            tied = ", ".join(class_name(model, index) for index in entry.tie)
            _result(case, "skipped" if entry.undecided or allowed else "failure",
                    f"software itself does not decide between {tied}; "
                    f"the circuit takes {class_name(model, entry.class_circuit)}")  # fmt: skip
        elif not entry.agrees:
            _result(case, "skipped" if allowed else "failure", _difference(entry, model))
    for sample, kind in comparison.failures.items():
        case = _case(samples, f"{sample}", 0.0)
        _result(case, "error", f"the simulation failed: {kind}")
    root = ElementTree.Element("testsuites", name=model.name)
    root.extend([tolerances, nodes, samples])
    if baseline is not None:
        root.append(_regressions(model, baseline))
    for suite in root:
        suite.set("tests", str(len(suite)))
        for kind, total in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(total, str(len(suite.findall(f"testcase/{kind}"))))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _regressions(model: Model, baseline: BaselineComparison) -> ElementTree.Element:
    suite = _suite(f"{model.name}.baseline")
    for change in baseline.changes:
        if change.allowed is not None:
            case = _case(suite, change.name, 0.0)
            if not change.passed:
                _result(case, "failure", f"{change.summary} ({printable(baseline.source)})")
    return suite


def _suite(name: str) -> ElementTree.Element:
    return ElementTree.Element("testsuite", name=name)


def _case(suite: ElementTree.Element, name: str, seconds: float) -> ElementTree.Element:
    return ElementTree.SubElement(
        suite,
        "testcase",
        classname=suite.attrib["name"],
        name=printable(name),
        time=f"{seconds:.3f}",
    )


def _result(case: ElementTree.Element, kind: str, message: str) -> None:
    ElementTree.SubElement(case, kind, message=printable(message))


def _difference(entry: SampleComparison, model: Model) -> str:
    text = (
        f"circuit decides {class_name(model, entry.class_circuit)}, "
        f"software {class_name(model, entry.class_software)}"
    )
    first = entry.first_divergence
    if first is None:
        return text
    place = f"frame {first.frame}, {first.node}[{first.unit}]"
    return f"{text}; first divergence in {place} ({first.cause})"
