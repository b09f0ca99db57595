"""Structured chips in training against the fast chip model of the same network's circuit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ideal_twin import SLOPE, TECHNOLOGY, twin_of

from netgen.behavioural.cells import TwinCells
from netgen.behavioural.devices import way
from netgen.behavioural.fast import FastChips, fast_chips
from netgen.circuit import REFERENCE
from netgen.model import Model
from netgen.model.graph import Floats
from netgen.technology import Variation, sample_deviations

if TYPE_CHECKING:
    import torch
else:
    torch = pytest.importorskip("torch")

from netgen.training.exchange import to_model
from netgen.training.network import Architecture, as_drawn, hard, initial, run
from netgen.training.scoring import to_inputs
from netgen.training.structured import SLOPES, _Chips, chip_errors, structured_chips

ARCH = Architecture(3, 2, 2, 2)
DRAWN = replace(ARCH, drawn=True)
CHIPS = 3000


@pytest.fixture(autouse=True)
def slopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exponential devices of these tests have slopes of their own."""
    steep = {polarity: 1 / SLOPE[polarity] for polarity in SLOPES}
    monkeypatch.setattr("netgen.training.structured.SLOPES", steep)


def parameters() -> torch.Tensor:
    return initial(ARCH, 1, torch.Generator().manual_seed(5)).to(torch.float64)


def drawn(trimmed: float | None = None, share: float = 1.0) -> torch.Tensor:
    errors = chip_errors(TECHNOLOGY, twin_of(model()).circuit.unit, trimmed)
    generator = torch.Generator().manual_seed(1)
    laid, found = structured_chips(ARCH, parameters(), CHIPS, share, generator, errors)
    assert laid == DRAWN
    return found


def model() -> Model:
    names = {"name": "m", "classes": ("a", "b"), "meta": {}}
    return to_model(ARCH, parameters()[0], frames=5, input_max=1.5, **names)  # type: ignore[arg-type]


def named(node: str, source: str) -> str:
    """Return the array of training's chips that holds the weights from a source into a node."""
    if node == "logits":
        return {"x": "wx", REFERENCE: "bo"}.get(source, f"{source[1:2]}.wo")
    layer, kind = f"{node[1]}.", node[3:]
    own = "" if layer == "1." else layer
    if kind == "relu":
        return {"x": f"{own}w0", REFERENCE: f"{own}b0"}.get(source, f"{layer}add")
    return f"{layer}{'b' if source == REFERENCE else 'w'}{kind[0]}"


def circuit_chips(fast: FastChips, errors: Floats) -> torch.Tensor:
    """Lay out chips of a circuit, (chips, devices), as those of training are."""
    found = as_drawn(ARCH, parameters())[1].repeat(len(errors), 1)

    def put(name: str, values: Floats) -> None:
        place = DRAWN.take(found, name)
        place.copy_(torch.from_numpy(values.copy()).reshape(place.shape))

    for each in fast.layers:
        node = each.layer.node
        if isinstance(each, TwinCells):
            rising, falling, level = fast.thresholds(each, errors)
            for name, figures in (("hi", rising), ("width", rising - falling), ("alpha", level)):
                put(f"{node[1]}.{name}", figures)
            continue
        for source, groups in each.entries:
            units = 1 + max(group.unit.max() for group in groups)
            values = np.zeros((len(errors), each.layer.size, units))
            for group in groups:
                gains = group.sign * group.weight * np.exp(way(group.copies, errors))
                values[:, group.row, group.unit] = gains
            name = named(node, source)
            put(name, np.diagonal(values, axis1=1, axis2=2) if name.endswith("add") else values)
    return found


def logs(found: torch.Tensor, name: str) -> np.ndarray:
    ratio = DRAWN.take(found, name) / DRAWN.take(as_drawn(ARCH, parameters())[1], name)
    found_logs: np.ndarray = np.log(ratio.numpy()).reshape(CHIPS, -1)
    return found_logs


def test_cells_vary_as_in_the_circuit() -> None:
    twin = twin_of(model())
    fast = fast_chips(twin)
    shifts = sample_deviations(TECHNOLOGY, Variation(3), twin.netlist.transistors, 0, CHIPS)
    errors = fast.errors(shifts)
    found = drawn()
    for layer, cells in enumerate((c for c in fast.layers if isinstance(c, TwinCells)), start=1):
        rising, falling, output = fast.thresholds(cells, errors)
        hi, width, alpha = (logs(found, f"{layer}.{name}") for name in ("hi", "width", "alpha"))
        own = np.log(rising), np.log(rising - falling), np.log(output)
        for mine, theirs in zip((hi, width, alpha), own, strict=True):
            assert mine.std() == pytest.approx(theirs.std(axis=0).mean(), rel=0.06)
        # the candidate's way is in both thresholds
        mine = np.corrcoef(hi[:, 0], width[:, 0])[0, 1]
        theirs = np.corrcoef(own[0][:, 0], own[1][:, 0])[0, 1]
        assert mine == pytest.approx(theirs, abs=0.06)


def test_what_a_diodes_copies_share() -> None:
    """Weights of one input deviate together, those of one sign most of all."""
    found = drawn()
    weight = ARCH.take(parameters(), "w0")[0].numpy()
    each = logs(found, "w0").reshape(CHIPS, *weight.shape)
    errors = chip_errors(TECHNOLOGY, twin_of(model()).circuit.unit)
    shared = {True: 2 * errors.nmos**2 + errors.pmos**2, False: errors.nmos**2}
    for channel in range(ARCH.inputs):
        (one, other), variance = weight[:2, channel], []
        for each_weight in (one, other):
            table = errors.sourcing if each_weight > 0 else errors.sinking
            own = np.interp(np.log(abs(each_weight)), errors.ratios, table)
            variance.append(shared[bool(each_weight > 0)] + own**2)
        # an N- and a P-gate net have the first diode's error in common
        common = shared[bool(one > 0)] if one * other > 0 else errors.nmos**2
        expected = common / np.sqrt(np.prod(variance))
        together = np.corrcoef(each[:, 0, channel], each[:, 1, channel])[0, 1]
        assert together == pytest.approx(expected, abs=0.06)
    apart = np.corrcoef(each[:, 0, 0], each[:, 0, 1])[0, 1]
    assert abs(apart) < 0.06


def test_a_trim_leaves_one_step_of_its_codes() -> None:
    found = drawn(trimmed=0.019)
    for name in ("1.hi", "1.width", "2.alpha"):
        assert logs(found, name).std() == pytest.approx(0.019 / np.sqrt(12), rel=0.06)
    assert logs(found, "w0").std() == pytest.approx(logs(drawn(), "w0").std(), rel=0.05)


def test_gradients_pass_and_no_share_is_the_network() -> None:
    laid = as_drawn(ARCH, parameters())[1]
    assert torch.equal(drawn(share=0.0)[0], laid[0])
    own = laid.clone().requires_grad_()
    errors = chip_errors(TECHNOLOGY, twin_of(model()).circuit.unit)
    chips = _Chips(DRAWN, own, 1.0, torch.Generator().manual_seed(0), errors).parameters()
    torch.autograd.backward(chips.sum())
    assert own.grad is not None
    used = own[0].detach() != 0
    expected = (chips / own)[0].detach()
    np.testing.assert_allclose(own.grad[0][used], expected[used], rtol=1e-9)


def test_chips_as_drawn_compute_what_the_network_does() -> None:
    x = torch.rand(1, 30, 4, ARCH.inputs, generator=torch.Generator().manual_seed(2)).double()
    plain = run(ARCH, parameters(), x, hard)
    apart = run(*as_drawn(ARCH, parameters()), x, hard)
    torch.testing.assert_close(apart.logits, plain.logits)
    for one, other in zip(apart.layers, plain.layers, strict=True):
        assert torch.equal(one.state, other.state)
        assert 0 < float(one.state.mean()) < 1


def test_same_deviations_give_what_the_circuits_chips_give() -> None:
    """Cells of which β_lo is not positive are among them: no current makes them fall."""
    fast = fast_chips(twin_of(model()))
    transistors = fast.twin.netlist.transistors
    errors = 2 * fast.errors(sample_deviations(TECHNOLOGY, Variation(4), transistors, 0, 200))
    chips = circuit_chips(fast, errors)
    low = chips[:, DRAWN.mask("hi")] - chips[:, DRAWN.mask("width")]
    assert 0.02 < (low <= 0).double().mean() < 0.5
    x = 1.5 * np.random.default_rng(6).random((4, 40, ARCH.inputs))
    x[:, ::3] = 0
    theirs = fast.run(errors, x)
    mine = run(DRAWN, chips, to_inputs(x), hard)
    for number, layer in enumerate(mine.layers, start=1):
        states = theirs.states[f"l{number}.state"].transpose(0, 2, 1, 3)
        agree = (layer.state.numpy() > 0) == states
        assert agree.mean() > 0.9999  # the circuit's chips are computed in single precision
        assert 0.05 < states.mean() < 0.95
    logits = theirs.logits.transpose(0, 2, 1, 3)
    assert (np.abs(mine.logits.numpy() - logits) < 1e-5).mean() > 0.9999


def test_what_errors_share_is_what_they_share_in_the_circuit() -> None:
    """Covariances of any two weights or figures, over chips; a mirror's own error is in none."""
    fast = fast_chips(twin_of(model()))
    transistors = fast.twin.netlist.transistors
    errors = fast.errors(sample_deviations(TECHNOLOGY, Variation(3), transistors, 0, CHIPS))
    nominal = as_drawn(ARCH, parameters())[1]
    used = nominal[0] != 0
    mine, theirs = (
        np.cov(np.log((found / nominal)[:, used].numpy()).T)
        for found in (drawn(), circuit_chips(fast, errors))
    )
    apart = ~np.eye(len(mine), dtype=bool)
    noise = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)) / CHIPS)
    assert len(mine) > 40
    assert np.abs((mine - theirs) / noise)[apart].max() < 8
    assert (np.abs(theirs / noise)[apart] > 15).sum() > 30


def test_some_chips_of_each_network_do_not_deviate() -> None:
    own = torch.cat([parameters(), 2 * parameters()])
    errors = chip_errors(TECHNOLOGY, twin_of(model()).circuit.unit)
    generator = torch.Generator().manual_seed(0)
    _, chips = structured_chips(ARCH, own, 4, 1.0, generator, errors, nominal=1)
    found, still = chips.view(2, 4, -1), as_drawn(ARCH, own)[1]
    assert torch.equal(found[:, 0], still)
    assert not torch.isclose(found[:, 1:], still[:, None]).all(dim=2).any()
