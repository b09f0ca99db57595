"""The report room: plots, HTML, JUnit XML and JSON of a comparison."""

from netgen.report.comparison.provenance import BuildSummary, HysteresisCurve, Provenance
from netgen.report.comparison.write import write_report

__all__ = ["BuildSummary", "HysteresisCurve", "Provenance", "write_report"]
