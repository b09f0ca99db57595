"""Why an operation of a trained network has no circuit here, and what to train instead."""

from __future__ import annotations

_RECURRENT = (
    "its gates multiply signals and its states take any value; the circuit's memory has two "
    "states a unit: train netgen.training.layers instead"
)
_CURVED = "the circuit rectifies (ReLU) and has no such curve; train with ReLU"
_PRODUCT = "the circuit multiplies a signal by learned constants only, never by another signal"
_NORMAL = "fold the normalisation into the linear layer before it, then import again"

REASONS = {
    **dict.fromkeys(("GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"), _RECURRENT),
    **dict.fromkeys(
        ("Tanh", "Sigmoid", "Gelu", "GELU", "Elu", "ELU", "SiLU", "Softplus", "HardSigmoid"),
        _CURVED,
    ),
    **dict.fromkeys(("Mul", "Div", "MultiheadAttention"), _PRODUCT),
    **dict.fromkeys(("BatchNormalization", "BatchNorm1d", "LayerNorm"), _NORMAL),
    **dict.fromkeys(
        ("Softmax", "LogSoftmax"),
        "a softmax is left out only where it is the network's output, over classes",
    ),
    **dict.fromkeys(
        ("Conv", "Conv1d", "Conv2d", "MaxPool", "AveragePool"),
        "the circuit has no convolution; a linear layer that computes the same can be imported",
    ),
    **dict.fromkeys(("Loop", "Scan", "If"), "the graph must not branch or loop"),
}


def reason(operation: str) -> str:
    """Say why an operation cannot be imported."""
    lowered = {name.lower(): text for name, text in REASONS.items()}
    return lowered.get(
        operation.lower(), "the circuit has linear, ReLU, residual add and cells only"
    )
