"""What the circuit did with one sample, in software units, by node of the model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Array
from netgen.document import Json, list_at, number_at, text_at, texts_at, whole_at
from netgen.errors import ConfigurationError
from netgen.files import written_beside
from netgen.netlist import SupplyBranch
from netgen.simulators.store import UNREADABLE, read_arrays, seal

T = TypeVar("T", bound=np.generic)
FORMAT = 6
"""Of the trace files: belongs into their key, so that older ones are made again."""


@dataclass(frozen=True, eq=False)
class PowerTraces:
    """Who takes how much from the supplies, as the simulation's ammeters show it."""

    #: Kinds of block by node. What the readout's sources take back is negative.
    branches: tuple[SupplyBranch, ...]
    #: Averaged over the sample, W, (branches,); their sum is the supply power.
    average_w: NDArray[np.float64]
    wave_w: NDArray[np.float32]  #: Over the points of the traces, W, (points, branches), float32.

    @classmethod
    def of(cls, readings: Iterable[tuple[SupplyBranch, float, NDArray[np.float64]]]) -> PowerTraces:
        """Add up readings (average and wave, in W) by their branch."""
        average: dict[SupplyBranch, float] = {}
        waves: dict[SupplyBranch, NDArray[np.float64]] = {}
        for branch, watts, wave in readings:
            average[branch] = average.get(branch, 0.0) + watts
            waves[branch] = waves.get(branch, 0.0) + wave
        wave_w = np.stack(list(waves.values()), axis=1).astype(np.float32)
        return cls(tuple(average), np.array(list(average.values())), wave_w)


NO_POWER = PowerTraces((), np.zeros(0), np.zeros((0, 0), np.float32))
"""Of traces that no ammeters were read for."""


NO_WINNERS: NDArray[np.float64] = np.zeros((0, 0))


@dataclass(frozen=True, eq=False)
class Traces:
    """The circuit's answer to one sample."""

    sample: int  #: Index of the sample in its file.
    #: Settled values by node name (relu and cell nodes, and the readout node), each (frames,
    #: units), in software units, taken at 0.99 of every frame.
    frames: Mapping[str, NDArray[np.float64]]
    #: For every node that drives cells, the smallest and the largest value in each frame,
    #: transients included, (frames, units, 2): what a cell may have reacted to. Empty where the
    #: engine does not show transients.
    extremes: Mapping[str, NDArray[np.float64]]
    time: NDArray[np.float64]  #: Seconds, (points,): the simulator's own time points.
    #: The same nodes over time, each (points, units), float32, software units.
    waves: Mapping[str, NDArray[np.float32]]
    power_w: float  #: Supply power averaged over the sample, in watts.
    #: ``cpu_s``, ``attempt``, ``simulator``: what it cost, and which attempt of the
    #: retry sequence it took.
    cpu_s: float
    attempt: str
    simulator: str
    engine: str = "monolithic"  #: How the network was taken through the sample.
    power: PowerTraces = NO_POWER  #: The supply power taken apart.
    #: How many states a transient could have decided that the engine does not show.
    unseen: int = 0
    input_edge: float = 0.0  #: Rise time of an input step, s.
    #: Settled levels of the decision on the chip, shares of the supply, (frames, classes); (0, 0)
    #: without one.
    winners: NDArray[np.float64] = field(default_factory=lambda: NO_WINNERS)

    @property
    def shows_transients(self) -> bool:
        """Whether the engine simulates what happens before a frame has settled."""
        return shows_transients(self.engine)

    @property
    def timepoints(self) -> int:
        """How many points the simulator computed."""
        return len(self.time)


def shows_transients(engine: str) -> bool:
    """Tell whether an engine simulates what happens before a frame has settled."""
    return engine != "staged"


def save_traces(path: Path, traces: Traces, key: str) -> None:
    """Write traces to ``.npz``, whole or not at all; ``key`` names the run they belong to."""
    scalars = {
        name: getattr(traces, name)
        for name in (
            "sample",
            "power_w",
            "cpu_s",
            "attempt",
            "simulator",
            "engine",
            "unseen",
            "input_edge",
        )
    }
    arrays: dict[str, Array] = {"time": traces.time}
    arrays |= {f"frames/{name}": value for name, value in traces.frames.items()}
    arrays |= {f"extremes/{name}": value for name, value in traces.extremes.items()}
    arrays |= {f"waves/{name}": value for name, value in traces.waves.items()}
    arrays["winners"] = traces.winners
    arrays |= {"power/average": traces.power.average_w, "power/wave": traces.power.wave_w}
    branches = [[each.node, each.kind] for each in traces.power.branches]
    header = json.dumps(scalars | {"key": key, "consumers": branches})
    digest = seal(header, arrays)
    with written_beside(path) as scratch:
        np.savez_compressed(scratch, header=np.array([header, digest]), **arrays)  # type: ignore[arg-type]


def load_traces(path: Path) -> tuple[Traces, str]:
    """Read traces and their key.

    Raises
    ------
    ConfigurationError
        The file is not one that :func:`save_traces` wrote, or was changed since.
    """
    try:
        arrays = read_arrays(path)
        header, digest = map(str, arrays.pop("header"))
        if digest != seal(header, arrays):
            raise ValueError("changed")
        scalars: Json = json.loads(header)
        key = text_at(scalars, "key")
        branches = range(len(list_at(scalars, "consumers")))
        average, wave = arrays["power/average"], arrays["power/wave"]
        traces = Traces(
            whole_at(scalars, "sample"),
            dict(_group(arrays, "frames", np.float64)),
            dict(_group(arrays, "extremes", np.float64)),
            arrays["time"].astype(np.float64, copy=False),
            dict(_group(arrays, "waves", np.float32)),
            number_at(scalars, "power_w"),
            number_at(scalars, "cpu_s"),
            text_at(scalars, "attempt"),
            text_at(scalars, "simulator"),
            text_at(scalars, "engine"),
            PowerTraces(
                tuple(SupplyBranch(*texts_at(scalars, "consumers", at)) for at in branches),
                average.astype(np.float64, copy=False),
                wave.astype(np.float32, copy=False),
            ),
            whole_at(scalars, "unseen"),
            number_at(scalars, "input_edge"),
            arrays["winners"].astype(np.float64, copy=False),
        )
    except UNREADABLE as error:
        raise _no_traces(path, error) from None
    return traces, key


def _group(
    arrays: Mapping[str, Array], group: str, kind: type[T]
) -> Iterator[tuple[str, NDArray[T]]]:
    """Yield the arrays of a group by their node."""
    for name, values in arrays.items():
        if name.startswith(f"{group}/"):
            yield name.removeprefix(f"{group}/"), values.astype(kind, copy=False)


def trace_key(path: Path) -> str:
    """Read only the key of traces: which run they belong to.

    Raises
    ------
    ConfigurationError
        The file is not one that :func:`save_traces` wrote.
    """
    try:
        header, _ = map(str, read_arrays(path, ["header"])["header"])
        return str(json.loads(header)["key"])
    except UNREADABLE as error:
        raise _no_traces(path, error) from None


def _no_traces(path: Path, error: BaseException) -> ConfigurationError:
    problem = f"is no whole trace file of netgen ({type(error).__name__}); run netgen sim again"
    return ConfigurationError(str(path), [problem])
