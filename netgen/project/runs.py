"""What a build folder holds of simulated samples: only what its record vouches for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netgen.document import Json, numbers_at, table_at, text_at
from netgen.errors import ConfigurationError, InputError
from netgen.model import Samples, load_samples
from netgen.project.folder import Folder
from netgen.project.reading import Build
from netgen.project.record import SIMULATION, read_file, read_record, rewritten, write_sealed
from netgen.simulation import Traces, load_traces, trace_key
from netgen.simulators import key


@dataclass(frozen=True, eq=False)
class Runs:
    """What a folder holds of simulated samples."""

    folder: Folder
    samples: Samples  #: All samples of the file that was simulated.
    asked: tuple[int, ...]  #: Indices that were asked for so far.
    failures: Mapping[int, str]  #: Class of failure by index.
    keys: Mapping[int, str]  #: By index, the run that a sample's traces must be of.
    pads: str = ""  #: Through which inputs came; empty where straight into their diodes.

    def holds(self, sample: int) -> bool:
        """Tell whether the traces of a sample are there, and of this run.

        Raises
        ------
        ConfigurationError
            They are there and damaged.
        """
        path = self.folder.traces(sample)
        return path.is_file() and trace_key(path) == self.keys[sample]

    def traces(self, sample: int) -> Traces:
        """Return the traces of a sample.

        Raises
        ------
        ConfigurationError
            They are not there, damaged, or those of another run.
        """
        traces, stored_key = load_traces(self.folder.traces(sample))
        if stored_key != self.keys[sample] or traces.sample != sample:
            problem = "is of another run than sim.json says; run netgen sim again"
            raise ConfigurationError(str(self.folder.traces(sample)), [problem])
        return traces


def read_runs(build: Build) -> Runs:
    """Return the samples a folder was asked to simulate.

    Raises
    ------
    ConfigurationError
        Nothing was simulated yet, the circuit is not what was simulated, or the folder is damaged.
    """
    folder = build.folder
    if not folder.index.is_file():
        problem = "holds no simulation; run netgen sim first"
        raise ConfigurationError(str(folder.path), [problem])
    record = read_record(folder.index, SIMULATION)
    if record.get("circuit") != build.identity:
        problem = "the circuit was built anew, or edited by hand, since; run netgen sim again"
        raise ConfigurationError(str(folder.index), [problem])
    try:
        samples = recorded_samples(build, folder.samples, record, SIMULATION.hint)
        failures, keys = (
            {int(sample): str(value) for sample, value in table_at(record, name).items()}
            for name in ("failures", "keys")
        )
        asked = tuple(int(sample) for sample in numbers_at(record, "asked"))
        if not all(sample in keys and 0 <= sample < len(samples) for sample in asked):
            raise ValueError(asked)
    except ValueError:
        problem = "does not fit its samples; run netgen sim again"
        raise ConfigurationError(str(folder.index), [problem]) from None
    return Runs(folder, samples, asked, failures, keys, str(record.get("pads") or ""))


def recorded_samples(build: Build, path: Path, record: Mapping[str, Json], hint: str) -> Samples:
    """Read the samples beside a record, which vouches for them.

    Raises
    ------
    ConfigurationError
        They are not what was simulated.
    """
    read_file(path, text_at(record, "files", path.name), hint)
    try:
        return load_samples(path, build.model)
    except InputError:
        raise ConfigurationError(str(path), [f"does not fit the model; {hint}"]) from None


def samples_file(samples: Samples) -> bytes:
    """Return samples as a file, as they are read, see :func:`netgen.model.load_samples`."""
    buffer = io.BytesIO()
    arrays = {"x": samples.x, "id": np.array(samples.ids)}
    if samples.y is not None:
        arrays["y"] = samples.y
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def start_runs(
    build: Build, samples: Samples, keys: Mapping[int, str], facts: Mapping[str, object]
) -> Runs:
    """Say in the record which samples are simulated now, and return it.

    Samples that were asked for before stay if all else is the same. Other samples, or another
    circuit than before, start afresh: nothing of them is left.

    Parameters
    ----------
    keys
        The run of each sample that is simulated now.
    facts
        What else to record: simulator, options.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    folder = build.folder
    folder.runs.mkdir(exist_ok=True)
    try:
        known = read_runs(build)
        same = _digest(known.samples) == _digest(samples)
    except InputError:
        same = False
    if same:
        failures = {i: kind for i, kind in known.failures.items() if i not in keys}
        asked = tuple(sorted({*known.asked, *keys}))
        runs = Runs(folder, samples, asked, failures, {**known.keys, **keys})
        if runs.asked != known.asked or runs.keys != known.keys:
            folder.remove_reports()
        write_runs(build, runs, facts)
        return runs
    runs = Runs(folder, samples, tuple(sorted(keys)), {}, dict(keys))
    with rewritten(folder.index, SIMULATION) as draft:
        folder.remove_reports()
        draft.write(folder.samples.name, samples_file(samples))
        _remove_runs(folder, keys)
        draft.content = _content(build, runs, facts)
    return runs


def write_runs(build: Build, runs: Runs, facts: Mapping[str, object]) -> None:
    """Write the record of simulated samples anew; the samples are those it has."""
    files = read_record(runs.folder.index, SIMULATION)["files"]
    content = _content(build, runs, facts) | {"files": files}
    write_sealed(runs.folder.index, SIMULATION, content)


def _content(build: Build, runs: Runs, facts: Mapping[str, object]) -> dict[str, object]:
    return {
        "circuit": build.identity,
        "edited": list(build.edited),
        **facts,
        "asked": list(runs.asked),
        "failures": {str(sample): kind for sample, kind in sorted(runs.failures.items())},
        "keys": {str(sample): runs.keys[sample] for sample in runs.asked},
    }


def _remove_runs(folder: Folder, keys: Mapping[int, str]) -> None:
    """Remove what earlier simulations left of samples that are not simulated now."""
    for path in folder.runs.glob("sample_*"):
        number = path.stem.removeprefix("sample_")
        is_traces = number.isdecimal() and path.name == f"sample_{int(number):04d}{path.suffix}"
        if is_traces and path.suffix in (".npz", ".cir", ".raw") and int(number) not in keys:
            path.unlink()


def _digest(samples: Samples) -> str:
    return key(samples.x.tobytes(), samples.x.shape, samples.ids, str(samples.y))
