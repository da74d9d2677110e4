"""The address encoder: what is known of an address's prefixes, through fully connected layers.

h0 is the sum of the vectors of the longest known prefix and of all that it lies in; a layer adds to it,

    h' = h + (relu(h) W + b) / sqrt(d)

so that values of either sign come out of the last one, and any number of layers begins as the identity.
"""

from collections.abc import Sequence

import numpy as np

Layer = tuple[np.ndarray, np.ndarray]
"""W (d, d) and b (1, d), float32."""

SLICE = 8192
"""Rows that go back through the layers at a time; what the layers gave is computed again rather than kept."""


def forward(h: np.ndarray, layers: Sequence[Layer]) -> np.ndarray:
    """(n, d) through the layers."""
    return _through(h, layers)[-1]


def _through(h: np.ndarray, layers: Sequence[Layer]) -> list[np.ndarray]:
    """The input and what each layer gives."""
    found = [h]
    for weights, bias in layers:
        found.append(found[-1] + (np.maximum(found[-1], 0) @ weights + bias) * _scale(weights))
    return found


def backward(
    h: np.ndarray, gradients: np.ndarray, layers: Sequence[Layer]
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The gradients of the input, (n, d), and of each layer, from those of the output."""
    if not layers:
        return gradients, []
    summed = [(np.zeros_like(weights), np.zeros_like(bias)) for weights, bias in layers]
    out = np.empty_like(gradients)
    for start in range(0, len(h), SLICE):
        part = slice(start, start + SLICE)
        inputs, current = _through(h[part], layers[:-1]), gradients[part]
        for number in reversed(range(len(layers))):
            weights, _ = layers[number]
            scaled = current * _scale(weights)
            summed[number][0][:] += np.maximum(inputs[number], 0).T @ scaled
            summed[number][1][:] += scaled.sum(axis=0, keepdims=True)
            current = current + (scaled @ weights.T) * (inputs[number] > 0)
        out[part] = current
    return out, summed


def _scale(weights: np.ndarray) -> np.float32:
    return np.float32(len(weights) ** -0.5)
