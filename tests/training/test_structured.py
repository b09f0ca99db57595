"""Structured chips in training against the fast chip model of the same network's circuit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ideal_twin import SLOPE, TECHNOLOGY, twin_of

from netgen.behavioural.cells import TwinCells
from netgen.behavioural.fast import fast_chips
from netgen.model import Model
from netgen.technology import Variation, sample_deviations

if TYPE_CHECKING:
    import torch
else:
    torch = pytest.importorskip("torch")

from netgen.training.exchange import to_model
from netgen.training.network import Architecture, initial
from netgen.training.structured import SLOPES, chip_errors, structured_chips

ARCH = Architecture(3, 2, 2, 2)
CHIPS = 3000


@pytest.fixture(autouse=True)
def slopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exponential devices of these tests have slopes of their own."""
    steep = {polarity: 1 / SLOPE[polarity] for polarity in SLOPES}
    monkeypatch.setattr("netgen.training.structured.SLOPES", steep)


def parameters() -> torch.Tensor:
    return initial(ARCH, 1, torch.Generator().manual_seed(5)).to(torch.float64)


def drawn(trimmed: float | None = None, share: float = 1.0) -> torch.Tensor:
    twin = twin_of(model())
    errors = chip_errors(TECHNOLOGY, twin.circuit.unit, trimmed)
    generator = torch.Generator().manual_seed(1)
    return structured_chips(ARCH, parameters(), CHIPS, share, generator, errors)


def model() -> Model:
    names = {"name": "m", "classes": ("a", "b"), "meta": {}}
    return to_model(ARCH, parameters()[0], frames=5, input_max=1.5, **names)  # type: ignore[arg-type]


def logs(found: torch.Tensor, name: str) -> np.ndarray:
    ratio = ARCH.take(found, name) / ARCH.take(parameters(), name)
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
    assert torch.equal(drawn(share=0.0)[0], parameters()[0])
    own = parameters().requires_grad_()
    errors = chip_errors(TECHNOLOGY, twin_of(model()).circuit.unit)
    found = structured_chips(ARCH, own, 2, 1.0, torch.Generator().manual_seed(0), errors)
    torch.autograd.backward(found.sum())
    assert own.grad is not None
    used = own[0].detach() != 0
    expected = (found / own).sum(dim=0).detach()
    np.testing.assert_allclose(own.grad[0][used], expected[used], rtol=1e-9)


def test_some_chips_of_each_network_do_not_deviate() -> None:
    own = torch.cat([parameters(), 2 * parameters()])
    errors = chip_errors(TECHNOLOGY, twin_of(model()).circuit.unit)
    generator = torch.Generator().manual_seed(0)
    found = structured_chips(ARCH, own, 4, 1.0, generator, errors, nominal=1).view(2, 4, -1)
    assert torch.equal(found[:, 0], own)
    assert not torch.isclose(found[:, 1:], own[:, None]).all(dim=2).any()
