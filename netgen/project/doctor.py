"""A diagnosis of the installation: what netgen stands on, where it was found, what to mend."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from netgen._version import __version__
from netgen.errors import NetgenError, SimulationError
from netgen.netlist.characterisation import ACCURATE, DIODE_VOLTAGES, diode_deck
from netgen.project.options import BuildOptions, resolve_options
from netgen.simulators import Finding, cache_folder, chosen_simulator, job_of, run_job
from netgen.technology import default_technology, load_technology, technologies

DISTRIBUTION = "fqnetgen"
OLDEST_PYTHON = (3, 10)
SMALLEST_SPACE = 200e6
"""Bytes that a characterisation and a few hundred traces need."""


def diagnose() -> Iterator[Finding]:
    """Yield what was found, cheapest first; the last is a simulation of about a second."""
    yield _python()
    yield from _packages()
    simulator = list(chosen_simulator().diagnose())
    yield from simulator
    yield from _pdk_root()
    findings = list(_technologies())
    yield from findings
    yield _writable("cache", cache_folder(), "set NETGEN_CACHE to a folder that you may write")
    yield _writable("current folder", Path.cwd(), "give -o a folder elsewhere")
    if simulator[0].state == "fault" or all(each.state != "ok" for each in findings):
        yield Finding("simulation", "note", "not tried: see the faults above")
    else:
        yield _simulation()


def _python() -> Finding:
    versions = f"netgen {__version__}, Python {platform.python_version()}, {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "fault", versions, "netgen needs Python 3.10 or later", 4)
    return Finding("Python", "ok", versions)


def _packages() -> Iterator[Finding]:
    try:
        listed = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        hint = "install it: pip install . in its source folder"
        yield Finding("packages", "note", f"{DISTRIBUTION} is not installed as a package", hint)
        return
    there, optional = [], []
    for requirement in listed:
        name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        extra = re.search(r"extra\s*==\s*[\"'](\w+)[\"']", requirement)
        if extra is None and "python_version" in requirement:
            continue
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if extra is None:
                hint = f"run: pip install '{requirement}'"
                yield Finding("packages", "fault", f"{name} is not installed", hint, 4)
            elif extra[1] != "dev":
                optional.append(f"{name} (extra [{extra[1]}])")
    yield Finding("packages", "ok", ", ".join(dict.fromkeys(there)))
    if optional:
        hint = "run: pip install '.[EXTRA]' in the folder of netgen's source, for what you use"
        yield Finding("packages", "note", f"not installed: {', '.join(optional)}", hint)


def _pdk_root() -> Iterator[Finding]:
    root = os.environ.get("PDK_ROOT")
    if not root:
        return
    if not Path(root).is_dir():
        hint = "set it to the folder that holds the PDKs' own folders, or unset it"
        yield Finding("PDK_ROOT", "fault", f"{root} is no folder", hint, 4)
        return
    kits = sorted(entry.name for entry in Path(root).iterdir() if entry.is_dir())
    yield Finding("PDK_ROOT", "ok", f"{root}: {', '.join(kits) or 'empty'}")


def _technologies() -> Iterator[Finding]:
    try:
        default = default_technology()
    except NetgenError:
        default = ""
    for name in technologies():
        try:
            technology = load_technology(name)
        except NetgenError as error:
            if name == default:
                yield Finding(name, "fault", str(error), status=error.exit_status)
            else:
                yield Finding(name, "note", str(error))
        else:
            role = ", the default" if name == default else ""
            yield Finding(
                name, "ok", f"{technology.folder}, SHA-256 {technology.digest[:12]}…{role}"
            )


def _writable(subject: str, folder: Path, hint: str) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(subject, "fault", f"{folder} cannot be written ({error.strerror})", hint, 2)
    summary = f"{folder}, {free / 1e9:.1f} GB free"
    if free < SMALLEST_SPACE:
        return Finding(subject, "fault", summary, "free some disk space", 5)
    return Finding(subject, "ok", summary)


def _simulation() -> Finding:
    """Sweep two diodes of the default technology; the answer must be a plausible voltage."""
    try:
        technology, at, unit = resolve_options(BuildOptions())
        deck = diode_deck(technology, at, unit, (-25.0, -20.0, 0.5))
        result = run_job(job_of("diagnosis", deck, (("default", ACCURATE),), 60.0))
    except SimulationError as error:
        return Finding("simulation", "fault", str(error), "run it again with another simulator", 5)
    except (NetgenError, OSError) as error:
        status = error.exit_status if isinstance(error, NetgenError) else 5
        return Finding("simulation", "fault", str(error), status=status)
    volts = float(result[DIODE_VOLTAGES["nmos"]][-1])
    summary = f"a diode of {technology.name} has {volts:.3f} V at 2 nA ({result.cpu_s:.1f} CPU s)"
    if not 0 < volts < at.vdd:
        return Finding("simulation", "fault", summary, "model files or simulator are damaged", 5)
    return Finding("simulation", "ok", summary)
