"""Testbenches for simulators that cannot be run here: checked as texts, and read back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_technology import UNIT, fake_technology, ratio_drawn
from flat_netlist import subcircuits
from netlists import network_text

from netgen._version import __version__
from netgen.circuit import build_circuit
from netgen.model import load_model
from netgen.netlist import SpiceNetlister, nominal
from netgen.netlist import testbench as sample_deck
from netgen.netlist.models import SimulatorOptions
from netgen.netlist.testbench import probes
from netgen.simulators import chosen_simulator
from netgen.simulators.dialects import DIALECTS

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset" / "model.json"
MODEL = load_model(EXAMPLE)
TECHNOLOGY = fake_technology()
CIRCUIT = ratio_drawn(build_circuit(MODEL, UNIT))
X = np.array([[0.1, 0.2, 0.3], [1.0, 0.2, 0.0], [0.0, 0.2, 0.5]])
OTHERS = [name for name in DIALECTS if name != "ngspice"]


def deck(name: str, prefix: str = "X") -> str:
    technology = fake_technology(prefix)
    at = nominal(technology)
    of = sample_deck(CIRCUIT, technology, at, X, Path("netlist.cir"), "set-reset")
    return DIALECTS[name].text(of, SimulatorOptions())


def statements(text: str) -> list[str]:
    joined = re.sub(r"\n\+ ", " ", text)
    return [line for line in joined.splitlines() if line and not line.startswith(("*", "//"))]


@pytest.mark.parametrize("name", OTHERS)
def test_testbench_of_the_example(name: str, golden: Callable[[str, str], None]) -> None:
    text = deck(name).replace(f"netgen {__version__}", "netgen")
    golden(f"set-reset{DIALECTS[name].suffix}", text)


def test_the_simulator_that_is_run_writes_its_own_dialect() -> None:
    assert type(chosen_simulator().netlister) is type(DIALECTS["ngspice"])


@pytest.mark.parametrize("name", OTHERS)
def test_others_hold_nothing_that_only_ngspice_reads(name: str) -> None:
    only = r"(?im)^\.(save|option)\b|@m|#branch|\b(vntol|chgtol|bypass|itl1|spinit|control)\b"
    assert re.search(only, deck("ngspice"))
    assert not re.search(only, deck(name))


@pytest.mark.parametrize("name", DIALECTS)
def test_one_netlister_writes_all_dialects(name: str) -> None:
    assert isinstance(DIALECTS[name], SpiceNetlister)
    assert "text" not in vars(type(DIALECTS[name]))


@pytest.mark.parametrize("name", OTHERS)
def test_says_that_it_was_not_run(name: str) -> None:
    assert "NOT RUN" in deck(name).splitlines()[1]


@pytest.mark.parametrize("name", DIALECTS)
def test_includes_the_shared_body_and_drives_all_its_ports(name: str) -> None:
    body = network_text(CIRCUIT, TECHNOLOGY)
    lines = statements(deck(name))
    assert lines.count('.include "netlist.cir"') == 1
    (instance,) = [line for line in lines if line.startswith("Xnet")]
    nets = instance.split()[1:-1]
    ports = subcircuits(body)["network"].ports
    assert nets == ["vdd", "0", *ports[2:]]
    sources = [line.split() for line in lines if re.match(r"[IV]\w+ \w+ \w+ ", line)]
    driven = {net for words in sources for net in words[1:3]} - {"vdd", "0"}
    assert driven == set(nets) - {"vdd", "0"}


@pytest.mark.parametrize("name", DIALECTS)
def test_body_needs_no_dialect(name: str) -> None:
    """No option, save, analysis or remark behind a statement; names without capitals matter not."""
    body = network_text(CIRCUIT, TECHNOLOGY)
    assert {line.split()[0].lower() for line in statements(body) if line[0] == "."} == {
        ".subckt",
        ".ends",
    }
    code = [line for line in body.splitlines() if not line.startswith("*")]
    assert not any(set(";$") & set(line) for line in code)
    values = re.findall(r"=(\S+)", "\n".join(code))
    assert values
    for value in values:
        assert re.fullmatch(r"[0-9.]+(e-?[0-9]+)?", value)  # a plain exponent, no suffix


def test_options_that_xyce_does_not_know_are_left_out() -> None:
    text = deck("xyce")
    assert not re.search(r"vntol|chgtol|bypass|\.save|itl1", text)


@pytest.mark.parametrize(("prefix", "tail"), [("X", "xm4:m0"), ("M", "mm4")])
def test_device_currents_are_probed_where_ngspice_probes_them(prefix: str, tail: str) -> None:
    observed = probes(CIRCUIT, TECHNOLOGY, 1.8).quantities
    xyce, spectre = deck("xyce", prefix), deck("spectre", prefix)
    assert len(re.findall(r"^\+ I", xyce, re.M)) == len(observed)
    assert len(re.findall(r"^save ", spectre, re.M)) == len(observed)
    assert f"ID(xnet:xmemory:xmemory_0:{tail})" in xyce
    assert f"save xnet.xmemory.xmemory_0.{tail.replace(':', '.')}:d" in spectre
    assert "+ I(vvdd)" in xyce
    assert "save vvdd:p" in spectre
