"""``design.json``: exact, versioned, and less than the text where a person edited that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_technology import fake_technology, ratio_drawn
from fake_tools import FakeSimulator
from hypothesis import given, settings
from random_graphs import graphs
from small_models import small_model

from netgen.circuit import build_circuit
from netgen.circuit.blocks.dac import DAC, DacRange
from netgen.circuit.exchange import decoded, encoded
from netgen.circuit.netlist import Netlist
from netgen.circuit.synthesis import synthesise
from netgen.errors import ConfigurationError, UsageError
from netgen.files import sha256_of
from netgen.model import Model, from_dict
from netgen.netlist.write import network_body
from netgen.project import BIASES, BuildOptions, build, read_build
from netgen.project.design import read_netlist
from netgen.project.folder import OTHER_BIAS, Folder

TECHNOLOGY = fake_technology()


@pytest.fixture
def built(tmp_path: Path, simulator: FakeSimulator) -> Folder:
    return build_small(tmp_path / "out")


def build_small(path: Path) -> Folder:
    build(from_dict(small_model()), path, BuildOptions())
    return Folder(path)


@settings(max_examples=40)
@given(graphs())
def test_networks_come_back_exactly(model: Model) -> None:
    circuit = ratio_drawn(build_circuit(model, TECHNOLOGY.unit))
    ideal = synthesise(circuit, TECHNOLOGY)
    mirrored = synthesise(replace(circuit, mirrored_bias=True), TECHNOLOGY, ideal)
    networks: dict[str, Netlist] = {"ideal": ideal, "mirrored": mirrored}
    content = encoded(networks)
    back = decoded(json.loads(json.dumps(content)))
    assert back.keys() == networks.keys()
    for name, network in networks.items():
        assert back[name].transistors == network.transistors
        assert back[name].sources == network.sources
        assert network_body(back[name], TECHNOLOGY) == network_body(network, TECHNOLOGY)
        assert [unit.nets for unit in back[name].units] == [unit.nets for unit in network.units]
    assert len(content["layers"]) < len(ideal.layers) + len(mirrored.layers), "inputs once"


def test_a_folder_holds_what_was_built(built: Folder) -> None:
    technology = TECHNOLOGY
    network = read_netlist(read_build(built.path), technology)
    assert network_body(network, technology) == built.netlist.read_text()
    mirrored = read_netlist(read_build(built.path), technology, "mirrored")
    assert network_body(mirrored, technology) == (built.path / OTHER_BIAS["ideal"]).read_text()
    assert not mirrored.sources.keys() - {"ref"}


def test_edited_text_counts(built: Folder) -> None:
    text = built.netlist.read_text()
    line = next(line for line in text.splitlines() if line.startswith("Istate_0_gain"))
    built.netlist.write_text(text.replace(line, "Istate_0_gain vdd state_0_gain 2n"))
    network = read_netlist(read_build(built.path, edited=True), TECHNOLOGY)
    assert network.sources["state_0_gain"].current == pytest.approx(2e-9)
    assert network.sources["state_0_gain"].parameter == "state.alpha[0]"


def test_a_folder_of_an_older_version_says_to_build_again(built: Folder) -> None:
    record = json.loads(built.build.read_text())
    built.build.write_text(json.dumps(record | {"version": 1}))
    with pytest.raises(ConfigurationError, match=r"has format version 1, .*; build again"):
        read_build(built.path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 2}, "is not version 1 of netgen-design; build again"),
        ({"format": "other"}, "is not version 1 of netgen-design; build again"),
        ({"layers": []}, "is damaged; build again"),
        ({"sha256": {}}, "is damaged; build again"),
        ({"networks": 3}, "is damaged; build again"),
        ({"blocks": [{"name": "x", "ports": [], "comments": [], "devices": [[1, 2]]}]}, "damaged"),
    ],
)
def test_a_damaged_record_says_so(built: Folder, change: dict[str, object], problem: str) -> None:
    made = read_build(built.path)
    content = json.loads(built.design.read_text()) | change
    built.design.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match="was changed since it was built"):
        read_build(built.path)
    vouched = replace(made, digests={**made.digests, "design.json": sha256_of(built.design)})
    with pytest.raises(ConfigurationError, match=problem):
        read_netlist(vouched, TECHNOLOGY)


def test_a_missing_text_says_so(built: Folder) -> None:
    made = read_build(built.path)
    (built.path / OTHER_BIAS["ideal"]).unlink()
    with pytest.raises(ConfigurationError, match=r"netlist_mirrored_bias.cir: "):
        read_netlist(made, TECHNOLOGY, "mirrored")


def test_build_with_mirrored_biases_keeps_the_ideal_ones_beside(
    built: Folder, tmp_path: Path
) -> None:
    model = from_dict(small_model())
    build(model, tmp_path / "mirrored", BuildOptions(bias="mirrored"))
    ideal, mirrored = read_build(built.path), read_build(tmp_path / "mirrored")
    assert (ideal.options.bias, mirrored.options.bias) == BIASES[:2]
    assert ideal.digests["netlist.cir"] == mirrored.digests["netlist_ideal_bias.cir"]
    assert mirrored.digests["netlist.cir"] == ideal.digests["netlist_mirrored_bias.cir"]
    assert ideal.identity != mirrored.identity
    for one in (ideal, mirrored):
        sources = {
            bias: sum(
                len(layer.units[0].sources) for layer in read_netlist(one, TECHNOLOGY, bias).layers
            )
            for bias in BIASES[:2]
        }
        assert sources["mirrored"] == 1 < sources["ideal"], "the reference, and each bias current"
        assert read_netlist(one, TECHNOLOGY).source == str(one.folder.netlist)


def test_build_with_dacs_keeps_the_ideal_biases_beside(built: Folder, tmp_path: Path) -> None:
    model, codes = from_dict(small_model()), DacRange(5, 0.6, 1.7)
    build(model, tmp_path / "dacs", BuildOptions(bias="programmable", codes=codes))
    made, ideal = read_build(tmp_path / "dacs"), read_build(built.path)
    assert made.options.codes == codes
    assert DAC in read_netlist(made, TECHNOLOGY).blocks
    beside = read_netlist(made, TECHNOLOGY, "ideal")
    assert beside.sources == read_netlist(ideal, TECHNOLOGY).sources
    with pytest.raises(UsageError, match="build with --bias mirrored"):
        read_netlist(made, TECHNOLOGY, "mirrored")
    with pytest.raises(UsageError, match="build with --bias programmable"):
        read_netlist(ideal, TECHNOLOGY, "programmable")
