"""Predictions -> response bodies, in the forms of AWS's container."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lakemill.algorithms import serving


def one_line(predictions: np.ndarray) -> bytes:
    """`0.1,0.2`; a list prediction as `[0.1, 0.9],[0.3, 0.7]`: the form of the oldest containers."""
    return ",".join(map(str, predictions.tolist())).encode()


def lines(predictions: np.ndarray) -> bytes:
    """One prediction per line; a list prediction as `[0.1, 0.9]`: the form in a transform job."""
    return _joined(predictions.tolist())


def csv(predictions: np.ndarray) -> bytes:
    """One prediction per line; a list prediction as `0.1,0.9`."""
    if predictions.ndim == 1:
        return _joined(predictions.tolist())
    return _joined([",".join(map(str, row)) for row in predictions.tolist()])


def _joined(rows: Sequence[Any]) -> bytes:
    return ("\n".join(map(str, rows)) + "\n").encode()


def encode(predictions: np.ndarray, accept: str) -> bytes:
    """(n,) or (n, k) float32 predictions as a body of type accept."""
    if accept == serving.CSV:
        return csv(predictions)
    return serving.encode({"score": predictions}, accept)
