"""The netlist's text: an independent reader finds the software model in it, device by device."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cells import bmru
from fake_technology import NMOS, PMOS, UNIT, fake_technology, ratio_drawn
from flat_netlist import CELL, Element, IdealCircuit, flat, lines_of, subcircuits
from hypothesis import given, settings
from hypothesis import strategies as st
from netlists import network_text
from random_graphs import graphs, random_inputs
from small_models import linear, small_model

from netgen._version import __version__
from netgen.circuit import Circuit, build_circuit
from netgen.circuit.circuit import realised_weight
from netgen.circuit.netlist import Role
from netgen.circuit.synthesis import synthesise
from netgen.model import Add, Cell, Linear, Model, evaluate, from_dict, load_model
from netgen.netlist import mapping
from netgen.netlist.write import transistors
from netgen.technology import Geometry

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset" / "model.json"


def device_counts(circuit: Circuit) -> dict[Role, int]:
    """Return how many transistors the record of a circuit holds, by role."""
    return synthesise(circuit, fake_technology()).counts


def drawn(model: Model) -> Circuit:
    return ratio_drawn(build_circuit(model, UNIT))


def text_of(circuit: Circuit, prefix: str = "X") -> str:
    return network_text(circuit, fake_technology(prefix))


def switches(elements: list[Element]) -> dict[str, Element]:
    """Return the start-up transistor of every cell, by the cell's name."""
    cells = {element.nets[5]: element.name for element in elements if element.model == CELL}
    return {
        cells[element.nets[0]]: element
        for element in elements
        if element.is_transistor and element.nets[0] in cells
    }


def ideal(circuit: Circuit, x: np.ndarray, prefix: str = "X") -> IdealCircuit:
    """Return the ideal circuit of a netlist, driven by one sequence (frames, channels)."""
    elements = flat(text_of(circuit, prefix))
    inputs = {f"x_{c}_n": x[:, c] * circuit.model.unit_current for c in range(x.shape[1])}
    high = {name for name, switch in switches(elements).items() if switch.model == PMOS}
    return IdealCircuit(elements, NMOS, PMOS, inputs, frozenset(high))


# The whole function


@settings(max_examples=60)
@given(graphs(), st.booleans())
def test_netlist_computes_what_the_software_does(model: Model, mirrored_bias: bool) -> None:
    circuit = replace(drawn(model), mirrored_bias=mirrored_bias)
    x = random_inputs(model)
    found = ideal(circuit, x)
    software = evaluate(model, x[None])
    amperes = model.unit_current
    for name, _ in circuit.signals:
        line = "p" if isinstance(model.by_name.get(name), Cell) else "n"
        for unit in range(model.sizes[name]):
            value = found.line(f"{circuit.prefixes[name]}_{unit}_{line}") / amperes
            np.testing.assert_allclose(value, software[name][0, :, unit], atol=1e-9, rtol=1e-9)
    word = circuit.prefix(circuit.layers[-1])
    for unit in range(model.sizes[model.readout.node]):
        value = found.inflow(f"{word}_{unit}_out") / amperes
        expected = software[model.readout.node][0, :, unit]
        np.testing.assert_allclose(value, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("prefix", ["X", "M"])
def test_bare_models_stand_in_m_lines(prefix: str) -> None:
    model = load_model(EXAMPLE)
    x = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    found = ideal(drawn(model), x, prefix)
    logits = [found.inflow(f"logits_{unit}_out") / 1e-9 for unit in range(4)]
    expected = evaluate(model, x[None])["logits"][0]
    np.testing.assert_allclose(np.array(logits).T, expected, atol=1e-12)
    transistors = [e for e in found.elements if e.is_transistor]
    assert all(e.name.split(".")[-1].startswith(prefix.lower()) for e in transistors)


@settings(max_examples=30)
@given(graphs())
def test_start_up_switch_of_every_cell_holds_its_initial_state(model: Model) -> None:
    circuit = drawn(model)
    found = switches(flat(text_of(circuit)))
    expected = {}
    for layer in circuit.cells:
        word = circuit.prefix(layer)
        for unit, state in enumerate(layer.initial_state):
            net = f"set_{layer.release + 1}_b" if state else f"reset_{layer.release + 1}"
            expected[f"x{word}.x{word}_{unit}"] = (PMOS if state else NMOS, net)
    assert {name: (e.model, e.nets[1]) for name, e in found.items()} == expected


# Names and ports


@settings(max_examples=60)
@given(graphs())
def test_names_are_unique_and_every_port_is_used(model: Model) -> None:
    known = subcircuits(text_of(drawn(model)))  # asserts unique names
    for found in known.values():
        connected = {net for element in found.elements for net in element.nets}
        unused = set(found.ports) - connected
        # a row without devices leaves its output alone; supplies are always handed down
        assert all(net in ("vdd", "vss") or net.endswith("_out") for net in unused)
        once = [net for net in connected - set(found.ports) if _uses(found.elements, net) < 2]
        # the diode that defines a signal is there for its own sake
        assert found.name == "network" or not once, f"{once} in {found.name} lead nowhere"
        assert all(net.endswith(("_n", "_p")) for net in once)


def _uses(elements: tuple[Element, ...], net: str) -> int:
    return sum(element.nets.count(net) for element in elements)


# How many


def counted(circuit: Circuit) -> int:
    """Count the transistors of a netlist, cells and parallel devices included."""
    elements = flat(text_of(circuit), keep=())
    return int(sum(e.parameters.get("m", 1) for e in elements if e.is_transistor))


@settings(max_examples=60)
@given(graphs())
def test_counts_are_those_of_the_text(model: Model) -> None:
    circuit = drawn(model)
    counts = device_counts(circuit)
    assert sum(counts.values()) == counted(circuit)
    states = sum(len(cell.level) for cell in model.cells)
    assert counts["cell"] == 9 * states
    assert counts["start"] == states
    assert f"{counted(circuit)} transistors" in text_of(circuit)


def test_counts_by_kind_of_the_example() -> None:
    # by hand: 4 weights of drive and 8 of logits; 2 + 2 constants, 2 × 3 cell biases and the
    # reference's diode; P-gate nets of the three inputs' negative-only weights need none
    assert device_counts(drawn(load_model(EXAMPLE))) == {
        "mirror": 12,
        "relu": 2,
        "cell": 18,
        "bias": 2 + 2 + 6 + 1,
        "line": 2 * (2 + 2 + 1 + 2),  # x_0_p x_2_p; candidate_p; ref_p; memory_n
        "input": 3,
        "start": 2,
        "decision": 0,
        "dac": 0,
        "divider": 0,
    }


def test_reference_diode_is_counted_only_where_it_is() -> None:
    data = small_model() | {"input": {"size": 1, "max": 1.0}, "nodes": [bmru("b", "x", 1)]}
    data["readout"] = {"node": "b", "rule": "last", "frames": [0, 1]}
    data["classes"] = ["one"]
    without = drawn(from_dict(data))
    assert "layer_ref" not in subcircuits(text_of(without))
    assert device_counts(without)["bias"] == 3
    data["nodes"] = [linear("b", "x", [[1.0]], [0.0])]
    unbiased = drawn(from_dict(data))
    assert "layer_ref" not in subcircuits(text_of(unbiased))
    assert device_counts(unbiased)["bias"] == 0
    data["nodes"] = [linear("b", "x", [[1.0]], [0.5])]
    assert device_counts(drawn(from_dict(data)))["bias"] == 2


# The cell


def test_cell_is_the_published_schmitt_trigger() -> None:
    cell = subcircuits(text_of(drawn(load_model(EXAMPLE))))[CELL]
    assert cell.ports == ("cand", "thresh", "width", "gain", "p", "v0", "vdd", "vss")
    devices = {e.name: (e.model, *e.nets) for e in cell.elements}
    inner_gain, inner_width = devices["xm3"][3], devices["xm6"][3]
    feedback = devices["xm7"][1]
    assert devices == {
        "xm1": (PMOS, "v0", "cand", "vdd", "vdd"),
        "xm2": (NMOS, "v0", "thresh", "vss", "vss"),
        "xm3": (NMOS, "p", "v0", inner_gain, "vss"),
        "xm4": (PMOS, "p", "p", "vdd", "vdd"),
        "xm5": (NMOS, inner_gain, "gain", "vss", "vss"),
        "xm6": (NMOS, feedback, "v0", inner_width, "vss"),
        "xm7": (PMOS, feedback, feedback, "vdd", "vdd"),
        "xm8": (NMOS, inner_width, "width", "vss", "vss"),
        "xm9": (PMOS, "v0", feedback, "vdd", "vdd"),
    }


@pytest.mark.parametrize("steering", [None, Geometry(0.5e-6, 7e-6)])
def test_only_the_steering_transistors_differ_from_the_unit(steering: Geometry | None) -> None:
    technology = replace(fake_technology(), steering=steering)
    text = network_text(drawn(load_model(EXAMPLE)), technology)
    sizes = {e.name: e.parameters for e in subcircuits(text)[CELL].elements}
    assert len(sizes) == 9
    for name, size in sizes.items():
        wanted = (steering or UNIT) if name in ("xm3", "xm6") else UNIT
        assert (size["w"], size["l"]) == pytest.approx((wanted.width, wanted.length))


def test_junction_areas_of_every_transistor() -> None:
    for element in flat(text_of(drawn(load_model(EXAMPLE))), keep=()):
        if element.is_transistor:
            size = element.parameters
            assert size["as"] == size["ad"] == pytest.approx(size["w"] * 0.48e-6)
            assert size["ps"] == size["pd"] == pytest.approx(2 * (size["w"] + 0.48e-6))


# Bias currents


def test_mirrored_bias_changes_bias_lines_only() -> None:
    circuit = drawn(load_model(EXAMPLE))
    ideal, mirrored = (text_of(replace(circuit, mirrored_bias=m)) for m in (False, True))
    sources = re.findall(r"^Imemory_\d_\w+ ", ideal, re.M)
    assert len(sources) == 6
    assert re.findall(r"^I\w+ ", mirrored, re.M) == ["Iref "]
    copies = re.findall(r"^X(memory_\d_\w+)_mirror (\S+) ref_p vdd vdd", mirrored, re.M)
    assert [f"I{name} " for name, _ in copies] == sources
    assert all(name == line for name, line in copies)
    changed = r"(?m)^(\*.*|[IX]memory_\d_(thresh|width|gain)(_mirror)? vdd.*|X\w+_mirror .*|\+.*)\n"
    assert re.sub(changed, "", ideal) == re.sub(changed, "", mirrored)


def test_the_reference_is_there_for_mirrored_biases_alone() -> None:
    data = small_model()
    data["nodes"][0]["bias"] = [0.0, 0.0]
    data["nodes"][5]["bias"] = [0.0, 0.0]
    circuit = drawn(from_dict(data))
    assert "layer_ref" not in subcircuits(text_of(circuit))
    mirrored = replace(circuit, mirrored_bias=True)
    known = subcircuits(text_of(mirrored))
    assert "ref_p" in known["layer_ref"].ports
    extra = {k: n - device_counts(circuit)[k] for k, n in device_counts(mirrored).items()}
    assert extra == dict.fromkeys(extra, 0) | {"bias": 3 * 2 + 1, "line": 2}


# What a reader sees


def test_length_beyond_the_longest_is_drawn_in_series() -> None:
    technology = replace(fake_technology("M"), max_series=3)
    write = transistors(technology)["pmos"]
    lines = write("w", "row", "line", "vdd", Geometry(0.22e-6, 120e-6)).splitlines()
    words = [line.split() for line in lines]
    assert [word[0] for word in words] == ["Mw", "Mw_s1", "Mw_s2"]
    assert [(word[1], word[2], word[3]) for word in words] == [
        ("row", "line", "w_d1"),
        ("w_d1", "line", "w_d2"),
        ("w_d2", "line", "vdd"),
    ]
    assert all("l=4e-05" in line for line in lines)
    assert len(write("w", "row", "line", "vdd", Geometry(1e-6, 50e-6)).splitlines()) == 1


def test_network_of_the_example(golden: Callable[[str, str], None]) -> None:
    text = text_of(drawn(load_model(EXAMPLE)))
    assert f"netgen {__version__} " in text
    golden("set-reset.cir", text.replace(f"netgen {__version__} ", "netgen "))


def test_learned_value_stands_beside_each_device() -> None:
    text = text_of(drawn(load_model(EXAMPLE)))
    note, device = re.findall(r"(.*)\n(.*logits_2_from_memory_1 .*)", text)[0]
    assert device.split()[1:4] == ["logits_2_out", "memory_1_n", "vss"]
    assert note == "* logits.weight[2][1] = -1.25, expected -1.25"


def test_weight_that_is_not_drawn_is_said_in_the_netlist() -> None:
    circuit = drawn(load_model(EXAMPLE))
    mirrors = circuit.summing_layers[-1].mirrors[0]
    assert mirrors.geometry is not None
    mirrors.geometry.multiplicity[2, 1] = 0
    text = text_of(circuit)
    assert "* NOT DRAWN, below the technology's floor: logits.weight[2][1] = -1.25\n" in text
    assert "logits_2_from_memory_1" not in text
    assert sum(device_counts(circuit).values()) == counted(circuit)


def test_names_cannot_inject_a_line() -> None:
    model = load_model(EXAMPLE)
    hostile = "a\n.include /etc/passwd\r\n\u2028.end µ\x85V1 a b 1\x0bx\x0cy"
    spoiled = replace(model, name=hostile, classes=(hostile,) * 4)
    text, plain = text_of(drawn(spoiled)), text_of(drawn(model))
    assert text.isascii()
    assert lines_of(text) == lines_of(plain)
    assert len(text.splitlines()) == len(plain.splitlines())


# mapping.json


def records(circuit: Circuit, prefix: str = "X") -> list[dict[str, object]]:
    technology = fake_technology(prefix)
    found = mapping(circuit, technology, synthesise(circuit, technology))
    read: list[dict[str, object]] = json.loads(json.dumps(found))
    return read


def used_linears(model: Model) -> list[Linear]:
    """Return the linear nodes that reach a row of the circuit."""
    reached, pending = set(), [model.readout.node]
    pending += [node.input for node in model.nodes if not isinstance(node, Linear | Add)]
    while pending:
        name = pending.pop()
        node = model.by_name.get(name)
        if name in reached or not isinstance(node, Linear | Add):
            continue
        reached.add(name)
        pending += node.inputs if isinstance(node, Add) else (node.input,)
    return [node for node in model.nodes if isinstance(node, Linear) and node.name in reached]


def mentions(parameter: str, wanted: str) -> bool:
    """Tell whether a record's parameter path covers a parameter, ``[:]`` standing for any index."""
    name, *indices = wanted.replace("]", "").split("[")
    for part in parameter.replace(" + ", "·").split("·"):
        head, *places = part.replace("]", "").split("[")
        wild = places or [":"] * len(indices)
        if head == name and all(p in (":", i) for p, i in zip(wild, indices, strict=True)):
            return True
    return False


@settings(max_examples=30)
@given(graphs(most=6))
def test_every_learned_parameter_has_a_record(model: Model) -> None:
    paths = {str(record["parameter"]) for record in records(drawn(model))}
    wanted = [
        path
        for node in used_linears(model)
        for row in range(len(node.bias))
        for path in (
            f"{node.name}.bias[{row}]",
            *(f"{node.name}.weight[{row}][{column}]" for column in range(node.weight.shape[1])),
        )
    ]
    for cell in model.cells:
        for unit in range(len(cell.level)):
            both = f"{cell.name}.beta_hi[{unit}] - {cell.name}.beta_lo[{unit}]"
            assert both.replace(f"- {cell.name}.", "- ") in paths
            wanted += [f"{cell.name}.beta_hi[{unit}]", f"{cell.name}.alpha[{unit}]"]
    for path in wanted:
        assert any(mentions(parameter, path) for parameter in paths), path


@settings(max_examples=30)
@given(graphs())
@pytest.mark.parametrize("prefix", ["X", "M"])
def test_every_device_of_the_mapping_is_in_the_netlist(prefix: str, model: Model) -> None:
    circuit = drawn(model)
    elements = {element.name: element for element in flat(text_of(circuit, prefix))}
    mapped = {}
    for record in records(circuit, prefix):
        if record["device"] is None:
            assert record["multiplicity"] == 0
            continue
        element = elements[str(record["device"]).lower()]
        assert element.name not in mapped
        mapped[element.name] = element
        if "bias_current" in record:
            assert element.parameters["dc"] == pytest.approx(record["bias_current"])
            continue
        assert element.model == {"nmos": NMOS, "pmos": PMOS}[str(record["polarity"])]
        size = element.parameters
        assert size["w"] == pytest.approx(record["width"])
        assert size["l"] == pytest.approx(record["length"])
        assert size.get("m", 1) == record["multiplicity"]
        realised = size["w"] / size["l"] * size.get("m", 1)
        sign = -1 if element.model == NMOS else 1
        assert sign * realised == pytest.approx(record["ideal"])
    mirrors = sum(
        int((realised_weight(m) != 0).sum()) for row in circuit.summing_layers for m in row.mirrors
    )
    assert len(mapped) == mirrors + 3 * sum(cell.size for cell in circuit.cells)


def test_record_of_a_weight() -> None:
    found = {str(record["parameter"]): record for record in records(drawn(load_model(EXAMPLE)))}
    assert found["logits.weight[2][1]"] == {
        "node": "logits",
        "row": 2,
        "column": 1,
        "parameter": "logits.weight[2][1]",
        "into": "logits",
        "from": "memory",
        "ideal": -1.25,
        "device": "Xlogits.Xlogits_2_from_memory_1",
        "polarity": "nmos",
        "width": pytest.approx(2.5e-6),
        "length": 2e-6,
        "multiplicity": 1,
        "series": 1,
        "realised": -1.25,
        "relative_error": 0.0,
    }
    assert found["drive.weight[0][2]"]["device"] is None  # exactly 0: nothing to draw
    assert found["drive.weight[0][2]"]["relative_error"] == 0.0
    assert found["memory.beta_hi[1]"]["bias_current"] == pytest.approx(0.75e-9)
    assert found["memory.beta_hi[1] - beta_lo[1]"]["ideal"] == pytest.approx(0.5)
    assert found["logits.bias[2]"]["column"] is None
