"""``netgen doctor``."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from netgen._version import __version__
from netgen.document import Json
from netgen.project.doctor import diagnose
from netgen.schema import head
from netgen.simulators.port import Finding

MARKS = {"ok": "ok", "note": "note", "fault": "FAULT"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor_command(as_json: bool) -> None:
    """Say what netgen found of Python, ngspice, PDKs and folders, and how to mend faults.

    Ends with the exit status of the first fault.
    """
    findings = []
    for finding in diagnose():
        findings.append(finding)
        if not as_json:
            mark = MARKS[finding.state]
            colour = {"fault": "red", "note": "yellow"}.get(finding.state)
            click.secho(f"  {mark:<6}{finding.subject}: {finding.summary}", fg=colour)
            if finding.hint:
                click.echo(f"        → {finding.hint}")
    if as_json:
        listed = [_record(finding) for finding in findings]
        document = head("doctor") | {"netgen": __version__, "findings": listed}
        click.echo(json.dumps(document, indent=1))
    faults = [finding for finding in findings if finding.state == "fault"]
    if not as_json:
        click.echo(f"faults: {len(faults)}" if faults else "netgen can work here")
    raise click.exceptions.Exit(faults[0].status if faults else 0)


def _record(finding: Finding) -> dict[str, Json]:
    """Return a finding with the keys of the file format."""
    names = {"summary": "said"}
    return {names.get(key, key): value for key, value in asdict(finding).items()}
