"""Random models of any shape: every op on every source it may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from small_models import document

from netgen.model import Model, from_dict

AWKWARD = """
    a.b a_b A.B A_B a__b ref REF ref_2 ref__2 X net network vdd vss 0 1e3 reset_1 set_1_b x_0 x_0_n
    _ __ a. .a n l1.state readout a_b_readout layer_x diode_relu end temp m1
    """.split()  # noqa: SIM905
"""Names that a netlist could take for something else, or for each other."""

COLLIDING = ("a", "a_0", "a_0_0", "a_1", "a_0_from_x", "a_0_v0")
"""Names that begin like the nets and elements of one another's units."""


@st.composite
def graphs(draw: st.DrawFn, most: int = 9, called: Sequence[str] = AWKWARD) -> Model:
    """Draw a valid model of up to ``most`` nodes: structure by hypothesis, numbers by NumPy.

    So a failing structure shrinks, and thresholds are never met exactly.
    """
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs = draw(st.integers(1, 3))
    names = draw(st.lists(st.sampled_from(called), min_size=1, max_size=most, unique=True))
    sizes, signed = {"x": inputs}, {"x": False}
    nodes: list[dict[str, Any]] = []
    for name in names:
        op = draw(st.sampled_from(["linear", "relu", "bmru", "add"]))
        unsigned = [known for known in sizes if not signed[known]]
        source = draw(st.sampled_from(unsigned if op == "bmru" else list(sizes)))
        size = sizes[source]
        node: dict[str, Any] = {"name": name, "op": op, "input": source}
        if op == "linear":
            size = draw(st.integers(1, 3))
            weight = random.normal(0, 1.2 / np.sqrt(sizes[source]), (size, sizes[source]))
            weight[random.uniform(size=weight.shape) < 0.2] = 0.0
            bias = random.normal(0, 0.5, size) * draw(st.sampled_from([0, 1]))
            node |= {"weight": weight.tolist(), "bias": bias.tolist()}
        elif op == "bmru":
            low = random.uniform(0.05, 0.5, size)
            node |= {
                "alpha": random.uniform(0.3, 1.2, size).tolist(),
                "beta_lo": low.tolist(),
                "beta_hi": (low + random.uniform(0.05, 0.6, size)).tolist(),
                "initial_state": random.integers(0, 2, size).tolist(),
            }
        elif op == "add":
            equal = [known for known in sizes if sizes[known] == size]
            others = draw(st.lists(st.sampled_from(equal), min_size=1, max_size=2))
            del node["input"]
            node["inputs"] = [source, *others]
        nodes.append(node)
        sizes[name], signed[name] = size, op in ("linear", "add")
    readout = draw(st.sampled_from(names))
    return from_dict(
        document(
            "random",
            nodes,
            size=inputs,
            frames=(0, 5),
            node=readout,
            classes=[f"class {index}" for index in range(sizes[readout])],
        )
    )


def random_inputs(model: Model, frames: int = 5) -> np.ndarray:
    """Return one random sequence, (frames, channels)."""
    random = np.random.default_rng(len(model.nodes))
    return random.uniform(0, model.input_max, (frames, model.input_size))
