"""Raw files, read back by an independent reader and by ngspice itself."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from netgen.simulators import Waveforms
from netgen.simulators.ngspice.raw import write_raw

TIME = np.array([0.0, 1e-6, 2.5e-6])
VECTORS = {
    "out": np.array([0.0, 0.1, 1 / 3]),
    "v1#branch": np.array([-1e-9, 2e-12, 0.0]),
    "@m.x1.m0[id]": np.array([1.0, 2.0, 3.0]),
}
WAVEFORMS = Waveforms(TIME, VECTORS, "first", {}, 0.1, "ngspice-39")


def read_raw(path: Path) -> tuple[dict[str, str], list[list[str]], NDArray[np.float64]]:
    """Read a raw file as the ngspice manual describes it."""
    header, _, body = path.read_bytes().partition(b"Binary:\n")
    fields, _, listing = header.decode().partition("Variables:\n")
    keys = dict(line.split(": ", 1) for line in fields.splitlines())
    variables = [line.split("\t")[1:] for line in listing.splitlines()]
    shape = (int(keys["No. Points"]), int(keys["No. Variables"]))
    return keys, variables, np.frombuffer(body).reshape(shape)


def test_header_and_data(tmp_path: Path) -> None:
    path = tmp_path / "run.raw"
    write_raw(path, WAVEFORMS, "a title\nand more")
    keys, variables, table = read_raw(path)
    assert keys["Title"] == "a title"
    assert keys["Plotname"] == "Transient Analysis"
    assert keys["Flags"] == "real"
    assert keys["Date"]
    assert variables == [
        ["0", "time", "time"],
        ["1", "v(out)", "voltage"],
        ["2", "i(v1)", "current"],
        ["3", "i(@m.x1.m0[id])", "current"],
    ]
    np.testing.assert_array_equal(table, np.column_stack([TIME, *VECTORS.values()]))


def test_nothing_else_is_left(tmp_path: Path) -> None:
    write_raw(tmp_path / "run.raw", WAVEFORMS, "")
    assert [path.name for path in tmp_path.iterdir()] == ["run.raw"]


def test_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.raw"
    path.write_text("old")
    uneven = Waveforms(TIME, {"out": TIME[:1]}, "first", {}, 0.1, "ngspice-39")
    with pytest.raises(ValueError, match="dimension"):
        write_raw(path, uneven, "")
    assert path.read_text() == "old"


READER = """
import sys
from netgen.simulators.ngspice.shared import SharedNgspice
simulator = SharedNgspice(lambda line: None)
simulator.exec_command("load " + sys.argv[1])
(plot,) = simulator.plots()
for name, values in plot.items():
    print(name, *map(float.hex, values.tolist()))
"""


@pytest.mark.ngspice
def test_ngspice_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "run.raw"
    write_raw(path, WAVEFORMS, "title")
    command = [sys.executable, "-W", "ignore", "-c", READER, str(path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    read = {
        name: [float.fromhex(value) for value in values]
        for name, *values in map(str.split, shown.stdout.splitlines())
    }
    assert read.pop("time") == TIME.tolist()
    assert sorted(map(tuple, read.values())) == sorted(map(tuple, VECTORS.values()))
