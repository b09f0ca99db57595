"""The deck of a sample: stimuli, start-up, probes, options; and what it is put together from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pwl
import pytest
from cells import bmru
from decks import ngspice_name, ngspice_text
from fake_technology import fake_technology, ratio_drawn
from flat_netlist import lines_of, subcircuits
from hypothesis import given, settings
from hypothesis import strategies as st
from netlists import network_text
from random_graphs import graphs, random_inputs
from small_models import small_model

from netgen.circuit import Circuit, build_circuit
from netgen.model import Model, from_dict, load_model
from netgen.netlist import READOUT, Conditions, SimulatorOptions, nominal
from netgen.netlist import testbench as deck_of
from netgen.netlist.deck import DrainCurrent, SourceCurrent, Sweep, drain_current
from netgen.netlist.render import continued, printable_ascii, render_template
from netgen.netlist.testbench import EDGE, Pad, bench_text, probes, release_time, staircase
from netgen.netlist.write import transistors
from netgen.simulators import job_of
from netgen.technology import Geometry

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset" / "model.json"
TECHNOLOGY = fake_technology()
PERIOD = 0.01


def drawn(model: Model) -> Circuit:
    return ratio_drawn(build_circuit(model, TECHNOLOGY.unit))


def deck(model: Model, x: np.ndarray, at: Conditions | None = None) -> str:
    where = drawn(model), TECHNOLOGY, at or nominal(TECHNOLOGY)
    return ngspice_text(deck_of(*where, x, Path("netlist.cir"), "a sample"))


def sources(text: str) -> dict[str, tuple[str, str, str]]:
    """Return positive net, negative net and waveform of every source at the top level."""
    found = {}
    for line in lines_of(text):
        if line[0] in "IV":
            name, plus, minus, waveform = line.split(maxsplit=3)
            found[name] = (plus, minus, waveform)
    return found


# Stimuli


values = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5]), min_size=1, max_size=12)


@given(values)
def test_steps_hold_each_value_for_a_frame(held: list[float]) -> None:
    waveform = staircase(np.array(held) * 1e-9, PERIOD)
    for phase in (EDGE, 0.5, 0.99, 1 - 1e-9):
        time = (np.arange(len(held)) + phase) * PERIOD
        if phase == EDGE:
            time += 1e-12
        np.testing.assert_allclose(pwl.at(waveform, time), np.array(held) * 1e-9, atol=1e-17)


@given(values)
def test_steps_take_points_only_where_something_changes(held: list[float]) -> None:
    times, _ = pwl.points(staircase(np.array(held), PERIOD))
    assert np.all(np.diff(times) > 0)
    changes = int(np.count_nonzero(np.diff(held)))
    assert len(times) == 1 + 2 * changes
    assert times[0] == 0


def test_step_is_an_edge_after_the_frame_begins() -> None:
    times, currents = pwl.points(staircase(np.array([0.0, 2.0, 2.0, 1.0]), PERIOD))
    np.testing.assert_allclose(times, [0.0, 0.01, 0.0101, 0.03, 0.0301])
    np.testing.assert_allclose(currents, [0.0, 0.0, 2.0, 2.0, 1.0])


def test_input_that_does_not_change_is_a_constant() -> None:
    assert staircase(np.array([0.25, 0.25]), PERIOD) == "dc 0.25"


@settings(max_examples=30)
@given(graphs(most=5))
def test_deck_drives_every_port_of_the_network(model: Model) -> None:
    circuit, x = drawn(model), random_inputs(model)
    text = deck(model, x)
    network = subcircuits(network_text(circuit, TECHNOLOGY))["network"]
    instance = next(line for line in lines_of(text) if line.startswith("Xnet "))
    name, *nets, subcircuit = instance.lower().split()
    assert (name, subcircuit) == ("xnet", "network")
    assert tuple(nets) == ("vdd", "0", *network.ports[2:])
    found = sources(text)
    driven = {plus for name, (plus, minus, _) in found.items() if name[0] == "V" and minus == "0"}
    driven |= {minus for name, (plus, minus, _) in found.items() if (name[0], plus) == ("I", "vdd")}
    assert driven == {"vdd", *network.ports[2:]}
    for channel in range(model.input_size):
        _, _, waveform = found[f"Ix_{channel}_n"]
        settled = (np.arange(len(x)) + 0.99) * PERIOD
        np.testing.assert_allclose(pwl.at(waveform, settled), x[:, channel] * 1e-9, rtol=1e-9)


def test_readout_flows_into_half_the_supply() -> None:
    text = deck(load_model(EXAMPLE), np.zeros((3, 3)), Conditions("slow", 85.0, 1.62))
    found = sources(text)
    assert found["Vvdd"] == ("vdd", "0", "1.62")
    assert found["Vlogits_3_out"] == ("logits_3_out", "0", "0.81")
    assert ".tran 0.01 0.03" in lines_of(text)
    assert '.lib "/pdk/fake/models.lib" ss' in lines_of(text)
    assert ".option temp=85 tnom=25" in lines_of(text)


def test_pads_lie_between_the_sources_and_the_network() -> None:
    circuit, at = build_circuit(load_model(EXAMPLE), TECHNOLOGY.unit), Conditions("slow", 25.0, 3.3)
    x = np.zeros((2, 3))
    plain, padded = (
        bench_text(circuit, at, x, pad=pad) for pad in (None, Pad(500.0, 5e-12, 1e-11))
    )
    lines = padded.splitlines()
    nets = [*(f"x_{i}_n" for i in range(3)), *(f"logits_{i}_out" for i in range(4))]
    for net in nets:
        assert f"Rpad_{net} pin_{net} {net} 500" in lines
        assert f"Cpad_{net} pin_{net} 0 5e-12" in lines
        assert f"Ipad_{net} pin_{net} 0 1e-11" in lines
        source = next(line for line in plain.splitlines() if line[1:].startswith(f"{net} "))
        assert source not in lines
        name, *words = source.split()
        assert " ".join([name, *(f"pin_{w}" if w == net else w for w in words)]) in lines
    assert "pad" not in plain
    assert len(lines) - len(plain.splitlines()) <= 3 * len(nets) + 2


# Start-up


def stacked(layers: int) -> Model:
    """Cells on cells, the odd ones high at first."""
    nodes = [bmru(f"b{i}", f"b{i - 1}" if i else "x", 1, i % 2) for i in range(layers)]
    data = small_model() | {"nodes": nodes, "input": {"size": 1, "max": 1.0}, "classes": ["one"]}
    data["readout"] = {"node": f"b{layers - 1}", "rule": "last", "frames": [0, 1]}
    return from_dict(data)


@pytest.mark.parametrize("layers", [1, 2, 3, 6])
def test_cells_are_held_and_released_one_layer_after_the_other(layers: int) -> None:
    found = sources(deck(stacked(layers), np.zeros((2, 1))))
    released = []
    for order in range(layers):
        name = f"set_{order + 1}_b" if order % 2 else f"reset_{order + 1}"
        on, off = (0.0, 1.8) if order % 2 else (1.8, 0.0)
        times, volts = pwl.points(found[f"V{name}"][2])
        assert (volts[0], volts[-1]) == (on, off)
        assert times[0] == 0
        released.append(times[1])
        assert pwl.at(found[f"V{name}"][2], 0.9 * PERIOD) == off
    # room before the first, between them, and before the first frame is read
    assert np.diff([0.0, *released, 0.99 * PERIOD]).min() >= 0.09 * PERIOD


def test_release_of_one_layer_does_not_depend_on_how_few_there_are() -> None:
    assert release_time(0, 1, PERIOD) == release_time(0, 3, PERIOD) == pytest.approx(0.002)


def test_states_of_one_layer_may_differ() -> None:
    text = deck(load_model(EXAMPLE), np.zeros((2, 3)))
    assert {"Vreset_1", "Vset_1_b"} <= sources(text).keys()


def test_circuit_without_cells_needs_no_start_up() -> None:
    data = small_model() | {"nodes": [{"name": "r", "op": "relu", "input": "x"}]}
    data["readout"] = {"node": "r", "rule": "last", "frames": [0, 1]}
    data["classes"] = ["a", "b", "c"]
    found = sources(deck(from_dict(data), np.zeros((1, 3))))
    inputs, outputs = ({f"Ix_{u}_n" for u in range(3)}, {f"Vr_readout_{u}_out" for u in range(3)})
    assert set(found) == {"Vvdd"} | inputs | outputs


# Probes


@settings(max_examples=30)
@given(graphs(most=5))
def test_probes_are_saved_and_unique(model: Model) -> None:
    circuit = drawn(model)
    where = probes(circuit, TECHNOLOGY, 1.8)
    text = deck(model, random_inputs(model))
    saved = [line.split()[1] for line in lines_of(text) if line.startswith(".save")]
    assert saved == [ngspice_name(quantity) for quantity in where.quantities]
    assert len(set(saved)) == len(saved)
    assert all(name == name.lower() for name in saved)
    own = {layer.node for layer in circuit.layers[:-1]}
    assert set(where.nodes) == own | {READOUT}
    for name, currents in where.nodes.items():
        node = model.readout.node if name == READOUT else name
        assert len(currents) == model.sizes[node]
    assert set(where.supplies) == {SourceCurrent("vvdd"), *where.nodes[READOUT]}


def test_probes_of_the_example() -> None:
    where = probes(drawn(load_model(EXAMPLE)), TECHNOLOGY, 1.8)
    assert where.nodes["candidate"][1] == DrainCurrent("xnet.xcandidate.xcandidate_1.xdiode.m0")
    assert where.nodes["memory"][0] == DrainCurrent("xnet.xmemory.xmemory_0.xm4.m0")
    assert where.supplies == {
        SourceCurrent("vvdd"): 1.8,
        **{SourceCurrent(f"vlogits_{unit}_out"): 0.9 for unit in range(4)},
    }


@pytest.mark.parametrize(
    ("prefix", "path", "name"),
    [("X", "xnet", "@m.xnet.xm4.m0[id]"), ("M", "xnet", "@m.xnet.mm4[id]")],
)
def test_drain_current_by_kind_of_device(prefix: str, path: str, name: str) -> None:
    assert ngspice_name(drain_current(fake_technology(prefix), "pmos", path, "m4")) == name


# Options


def test_options_are_all_stated() -> None:
    lines = lines_of(deck(load_model(EXAMPLE), np.zeros((1, 3))))
    (options,) = [line for line in lines if line.startswith(".option gmin")]
    assert options.split()[1:] == [
        "gmin=1e-17", "abstol=1e-15", "reltol=0.0005", "vntol=1e-05", "chgtol=1e-15",
        "method=gear", "itl1=500", "bypass=1",
    ]  # fmt: skip


def test_a_sweep_bypasses_no_transistor_and_is_not_tried_twice_alike() -> None:
    """Its points are operating points, which ngspice gets wrong with what was bypassed."""
    circuit = drawn(load_model(EXAMPLE))
    where = circuit, TECHNOLOGY, nominal(TECHNOLOGY), np.zeros((1, 3))
    transient = deck_of(*where, Path("netlist.cir"), "a sample")
    sweep = replace(transient, analysis=Sweep("Vframe", 0, 1, 1, end=1))
    retries = SimulatorOptions().retries()
    bypassing = [
        ["bypass=1" in a.netlist for a in job_of("", each, retries, 1.0).attempts]
        for each in (transient, sweep)
    ]
    assert bypassing == [[True, False, False, False], [False, False, False]]


def test_retry_sequence_starts_as_asked_and_never_loosens_the_error() -> None:
    asked = SimulatorOptions(reltol=2e-4)
    sequence = asked.retries()
    labels = [label for label, _ in sequence]
    assert sequence[0] == ("default", asked)
    assert len(set(labels)) == len(labels) > 2
    assert len({options for _, options in sequence}) == len(sequence)
    for _, options in sequence[1:]:
        assert not options.bypass  # bypass can end a run early
        assert options.reltol <= asked.reltol
        assert options.gmin <= 1e-14
        assert (options.abstol, options.method) == (asked.abstol, "gear")


@pytest.mark.parametrize("unit_current", [1e-12, 1e-10, 1e-9, 1e-7])
def test_truncation_error_is_a_millionth_of_the_unit_current(unit_current: float) -> None:
    scaled = SimulatorOptions().scaled(unit_current)
    assert scaled.abstol == pytest.approx(1e-6 * unit_current)
    assert all(options.abstol <= scaled.abstol for _, options in scaled.retries())


def test_statistics_switches_are_explicit() -> None:
    lines = lines_of(deck(load_model(EXAMPLE), np.zeros((1, 3))))
    include = lines.index('.include "/pdk/fake/design.sp"')
    assert lines[include + 1] == ".param sw_stat=0"


# The whole deck, and text from outside


def test_testbench_of_the_example(golden: Callable[[str, str], None]) -> None:
    x = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.5, 0.0]])
    golden("set-reset-testbench.cir", deck(load_model(EXAMPLE), x))


def test_title_cannot_inject_a_line() -> None:
    model = load_model(EXAMPLE)
    x = np.zeros((2, 3))
    fixed = (drawn(model), TECHNOLOGY, nominal(TECHNOLOGY), x, Path("n.cir"))
    hostile = ngspice_text(deck_of(*fixed, "one\nVevil vdd 0 1\r\x0b\u2028.end\x85µ"))
    plain = ngspice_text(deck_of(*fixed, "one"))
    assert hostile.isascii()
    assert lines_of(hostile) == lines_of(plain)
    assert len(hostile.splitlines()) == len(plain.splitlines())


def test_names_of_classes_and_samples_stay_out_of_the_deck() -> None:
    model = replace(load_model(EXAMPLE), classes=("zzyzx",) * 4)
    assert "zzyzx" not in deck(model, np.zeros((2, 3))) + network_text(drawn(model), TECHNOLOGY)


@given(st.text())
def test_printable_text_is_one_line_of_ascii(text: str) -> None:
    safe = printable_ascii(text)
    assert len(safe) == len(text)
    assert safe.isascii()
    assert safe == "" or safe.isprintable()
    assert len(safe.splitlines()) <= 1


def test_long_lists_continue() -> None:
    names = [f"l1_relu_{unit}_p" for unit in range(40)]
    text = continued(names)
    assert all(len(line) <= 100 and line.startswith("+ ") for line in text.splitlines())
    assert text.replace("+", " ").split() == names


def test_undefined_name_in_a_template_is_an_error() -> None:
    with pytest.raises(Exception, match="'vdd' is undefined"):
        render_template("stimuli.j2", title="x")


def test_parallel_devices_are_written_with_m() -> None:
    write = transistors(TECHNOLOGY)["nmos"]
    line = write("one", "d", "g", "s", Geometry(1e-6, 2e-6, 3))
    assert line.startswith("Xone d g s vss nch w=1e-06 l=2e-06 ")
    assert line.endswith(" m=3")
