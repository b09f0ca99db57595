"""What is handed over to other tools is the circuit of the build, and needs nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import netgen, write_samples
from fake_technology import NMOS, PMOS
from fake_tools import FakeSimulator
from flat_netlist import Element, flat, subcircuits
from small_models import small_model

from netgen.model import Model, from_dict
from netgen.model.random import random_model
from netgen.netlist.testbench import voltages
from netgen.project import BuildOptions, Target, build, export, prepared, read_build
from netgen.project.design import read_netlist

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset"
MODELS = [from_dict(small_model()), random_model(1, state=3, inputs=3, frames=4)[0]]
HAS_XSCHEM = shutil.which("xschem") is not None


@pytest.fixture(params=MODELS, ids=lambda model: model.name)
def built(request: pytest.FixtureRequest, tmp_path: Path, simulator: FakeSimulator) -> Path:
    model: Model = request.param
    build(model, tmp_path / "out", BuildOptions())
    return tmp_path / "out"


def exported(folder: Path, *to: Target, **choices: Any) -> Path:
    export(read_build(folder, edited=True), to, **choices)
    return folder / "export"


def devices(text: str) -> list[Element]:
    """Return the elements of a flat netlist; ``m=1`` says nothing."""
    found = []
    for each in flat(text, keep=()):
        items = each.parameters.items()
        parameters = {key: value for key, value in items if (key, value) != ("m", 1)}
        found.append(replace(each, parameters=parameters))
    return sorted(found, key=lambda element: element.name)


def test_cdl_and_spice_have_the_same_pins_in_the_same_order(built: Path) -> None:
    folder = exported(built, "cdl", "spice")
    cdl, spice = (subcircuits((folder / f"network.{end}").read_text()) for end in ("cdl", "spice"))
    assert {name: each.ports for name, each in cdl.items()} == {
        name: each.ports for name, each in spice.items()
    }
    sources = {
        each.nets[1] for each in devices((built / "netlist.cir").read_text())
        if each.model == "current"
    }  # fmt: skip
    bare = {net.rsplit(".", 1)[-1] for net in sources}
    assert bare
    assert bare <= set(cdl["network"].ports), "bias currents come from outside"
    for name in cdl:
        nets = [[e.nets for e in each[name].elements] for each in (cdl, spice)]
        assert nets[0] == nets[1]


def test_klayout_reads_both_as_the_circuit(built: Path) -> None:
    kdb = pytest.importorskip("klayout.db")
    folder = exported(built, "cdl", "spice")
    count = sum(e.is_transistor for e in devices((built / "netlist.cir").read_text()))
    for name in ("network.cdl", "network.spice"):
        netlist = kdb.Netlist()
        netlist.read(str(folder / name), kdb.NetlistSpiceReader())
        netlist.flatten()
        top = netlist.circuit_by_name("NETWORK")
        found = [device.device_class().name for device in top.each_device()]
        if name.endswith("cdl"):
            assert {*found} <= {NMOS.upper(), PMOS.upper()}
            assert len(found) == count
        else:  # transistors are subcircuits of the technology
            assert not found
            assert len(list(top.each_subcircuit())) in (0, count)


@pytest.mark.parametrize("target", ["xyce", "spectre"])
def test_others_hold_nothing_of_ngspice_and_no_other_folder(built: Path, target: Target) -> None:
    folder = exported(built, target, nodes=True)
    decks = {path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".json"}
    assert len(decks) == 4  # with the lock
    (name,) = (name for name in decks if name.startswith("made_up"))
    only = r"(?im)^\.(save|option|control)\b|@m|#branch|\b(vntol|bypass)\b"
    assert not re.search(only, decks[name] + decks["netlist.cir"])
    included = re.findall(r'(?im)^\.(?:include|lib)\s+"(.*?)"', "\n".join(decks.values()))
    assert sorted(included) == ["models.cir", "netlist.cir"]
    assert str(folder) not in "".join(decks.values())
    inner = "v0" if target == "spectre" else ":"
    assert inner in decks[name]


def test_all_nets_are_observed_once(built: Path) -> None:
    made = read_build(built)
    netlist = read_netlist(made, prepared(made)[0])
    names = [each.net for each in voltages(netlist)]
    assert len(names) == len(set(names))
    inside = {net for e in devices((built / "netlist.cir").read_text()) for net in e.nets}
    flat_names = {re.sub(r"(^|\.)x(?=\w)", r"\1x", net) for net in inside - {"vdd", "vss"}}
    assert {name.removeprefix("xnet.") for name in names} == flat_names


def test_an_edited_schematic_is_moved_aside(built: Path) -> None:
    folder = exported(built, "xschem")
    file = folder / "xschem" / "testbench.sch"
    file.write_text("mine")
    _, kept = export(read_build(built), ["xschem"])
    assert [path.read_text() for path in kept] == ["mine"]
    assert kept[0].parent == file.parent
    exported(built, "cdl")
    assert file.exists(), "what was written for another tool stays"


def test_another_folder_keeps_what_it_holds(built: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert netgen("export", built, "--to", "cdl", "-o", tmp_path / "mine").exit_code == 2
    result = netgen("export", built, "--to", "cdl", "-o", tmp_path / "new")
    assert result.exit_code == 0
    assert (tmp_path / "new" / "network.cdl").is_file()


def test_the_export_of_another_model_stays_unless_asked(
    tmp_path: Path, simulator: FakeSimulator
) -> None:
    out = tmp_path / "export"
    for model in MODELS:
        build(model, tmp_path / model.name, BuildOptions())
    mine, other = (tmp_path / model.name for model in MODELS)
    for _ in range(2):
        assert netgen("export", mine, "--to", "cdl", "--to", "spice", "-o", out).exit_code == 0
    first = (out / "network.cdl").read_bytes()
    (out / "network.spice").write_text("mine")
    refused = netgen("export", other, "--to", "cdl", "--to", "spice", "-o", out)
    assert refused.exit_code == 2
    assert f"holds results about {MODELS[0].name}; " in refused.output
    assert (out / "network.cdl").read_bytes() == first
    words = ("export", other, "--to", "cdl", "--to", "spice", "-o", out, "--replace")
    assert netgen(*words).exit_code == 0
    assert (out / "network.cdl").read_bytes() != first
    assert (out / "network.spice.edited-1").read_text() == "mine"


def test_what_a_build_exports_goes_with_its_circuit(
    tmp_path: Path, simulator: FakeSimulator
) -> None:
    build(MODELS[0], tmp_path / "out", BuildOptions())
    exported(tmp_path / "out", "cdl")
    build(MODELS[1], tmp_path / "out", BuildOptions())
    assert not (tmp_path / "out" / "export" / "network.cdl").exists()
    assert netgen("export", tmp_path / "out", "--to", "cdl").exit_code == 0


def test_a_sample_that_is_not_there(built: Path) -> None:
    result = netgen("export", built, "--to", "ngspice", "--sample", 0)
    assert result.exit_code == 3
    assert "run netgen sim first" in result.output


def test_what_has_no_symbol_is_refused(built: Path) -> None:
    path = built / "netlist.cir"
    text = path.read_text()
    path.write_text(text.replace(".ends network", "Rload x_0_n 0 1e9\n.ends network"))
    result = netgen("export", built, "--to", "xschem", "--edited-netlist")
    assert result.exit_code == 3
    assert "has no symbol; leave out --to xschem" in result.output
    assert netgen("export", built, "--to", "spice", "--edited-netlist").exit_code == 0
    assert "rload" in (built / "export" / "network.spice").read_text()


def pins(symbol: str) -> list[str]:
    return re.findall(r"(?m)^B 5 \S+ \S+ \S+ \S+ \{name=(\S+)", symbol)


def placed(sheet: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"(?m)^C \{(\S+)\} \S+ \S+ 0 [01] \{name=(\S+?)[ }]", sheet)


def test_symbols_and_schematics_are_whole(built: Path) -> None:
    folder = exported(built, "xschem") / "xschem"
    for name, circuit in subcircuits((built / "netlist.cir").read_text()).items():
        assert pins((folder / f"{name}.sym").read_text()) == list(circuit.ports)
        sheet = (folder / f"{name}.sch").read_text()
        drawn = [own.lower() for symbol, own in placed(sheet) if own[0] in "XIM"]
        assert sorted(drawn) == sorted(each.name for each in circuit.elements)
        used = {symbol for symbol, _ in placed(sheet) if not symbol.startswith("devices/")}
        assert all((folder / symbol).is_file() for symbol in used)


def netlisted(folder: Path) -> str:
    """Return what xschem makes of the testbench."""
    command = ["xschem", "--rcfile", "xschemrc", "-n", "-s", "-q", "-x", "-r", "testbench.sch"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return (folder / "testbench.spice").read_text()


@pytest.mark.skipif(not HAS_XSCHEM, reason="xschem is not installed")
def test_xschem_draws_the_circuit_of_the_build(built: Path) -> None:
    made = netlisted(exported(built, "xschem") / "xschem")
    assert "IS MISSING" not in made.upper()
    blocks = re.search(r"(?s)^\.subckt network .*^\.ends$", made, re.MULTILINE)
    assert blocks
    ours = (built / "netlist.cir").read_text()
    assert devices(blocks[0]) == devices(ours)
    ports = {name: each.ports for name, each in subcircuits(ours).items()}
    assert {name: each.ports for name, each in subcircuits(blocks[0]).items()} == ports


# With ngspice


def raw(path: Path) -> dict[str, np.ndarray]:
    """Read a binary waveform file."""
    header, _, body = path.read_bytes().partition(b"Binary:\n")
    names = re.findall(r"(?m)^\t\d+\t(\S+)\t", header.decode())
    table = np.frombuffer(body).reshape(-1, len(names))
    return dict(zip(names, table.T, strict=True))


def ngspice(deck: Path, cwd: Path) -> None:
    found = subprocess.run(
        ["ngspice", "-b", str(deck)], cwd=cwd, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, one sample of it simulated with all nets."""
    folder = tmp_path_factory.mktemp("example") / "out"
    x = np.load(EXAMPLE / "samples.npz")["x"][:2]
    samples = write_samples(folder.with_name("samples.npz"), x)
    assert netgen("build", EXAMPLE / "model.json", "-o", folder).exit_code == 0
    assert netgen("sim", folder, samples, "--samples", 1, "--nodes").exit_code == 0
    return folder


def moved(folder: Path, place: Path, targets: Collection[Target]) -> Path:
    """Hand over sample 1 and move it to where no path of the build leads."""
    export(read_build(folder), targets, place / "handed", sample=1, nodes=True)
    (place / "handed").rename(place / "moved")
    return place / "moved"


@pytest.mark.ngspice
def test_the_deck_is_what_ran_and_runs_anywhere(simulated: Path, tmp_path: Path) -> None:
    deck = moved(simulated, tmp_path, ["ngspice"]) / "sample_0001.cir"
    ran = (simulated / "sim" / "sample_0001.ran.cir").read_text()
    before, control, end = re.split(r"(?s)(\.control\n.*\.endc\n)", deck.read_text())
    assert before + end == ran
    assert "hardcopy" in control
    if shutil.which("ngspice") is None:
        pytest.skip("the program ngspice is not installed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ngspice(deck, elsewhere)
    found, kept = raw(elsewhere / "sample_0001.raw"), raw(simulated / "sim" / "sample_0001.raw")
    assert found.keys() == kept.keys()
    assert "v(xnet.xmemory.xmemory_0.vfb)" in found
    for name, values in kept.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-18)
    assert "<svg" in (elsewhere / "sample_0001.svg").read_text()


@pytest.mark.ngspice
@pytest.mark.skipif(not HAS_XSCHEM, reason="xschem is not installed")
@pytest.mark.skipif(shutil.which("ngspice") is None, reason="the program is not installed")
def test_xschem_and_ngspice_simulate_what_netgen_did(simulated: Path, tmp_path: Path) -> None:
    folder = moved(simulated, tmp_path, ["xschem"]) / "xschem"
    netlisted(folder)
    ngspice(folder / "testbench.spice", folder)
    found, kept = raw(folder / "sample_0001.raw"), raw(simulated / "sim" / "sample_0001.raw")
    for name in (f"i(vlogits_{row}_out)" for row in range(4)):
        ends = [each[name][np.searchsorted(each["time"], 0.0999)] for each in (found, kept)]
        assert ends[0] == pytest.approx(ends[1], rel=1e-3, abs=1e-13)
