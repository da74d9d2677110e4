"""Records as tensors by name: inference answers, and data with several features per record (seq2seq)."""

from typing import Any

import numpy as np

from lakemill.formats import recordio
from lakemill.formats.errors import FormatError
from lakemill.formats.records import message


def decode_outputs(buffer: Any) -> list[dict[str, np.ndarray]]:
    """What each Record holds as labels: name -> (k,) array in the tensor's own type.

    Raises FormatError naming the record, from 1.
    """
    return [label for _, label in _records(buffer)]


def decode_features(buffer: Any) -> list[dict[str, np.ndarray]]:
    """What each Record holds as features: name -> array in the tensor's own type and, for dense ones, its shape.

    A sparse tensor is filled up with zeros. Raises FormatError naming the record, from 1.
    """
    return [features for features, _ in _records(buffer)]


def _records(buffer: Any) -> list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    frames = recordio.frames(buffer)
    view = frames.data.data
    found = []
    for number, (start, length) in enumerate(zip(frames.offsets.tolist(), frames.lengths.tolist(), strict=True), 1):
        try:
            features, label, _ = message.entries(view, start, start + length)
            found.append((_arrays(frames.data, view, features, "feature"), _arrays(frames.data, view, label, "label")))
        except FormatError as wrong:
            raise FormatError(f"record {number} {wrong}", record=number) from None
    return found


def _arrays(data: np.ndarray, view: memoryview, entries: message.Entries, what: str) -> dict[str, np.ndarray]:
    return {name: _array(data, message.tensor(view, *place, f"{what} {name!r}")) for name, place in entries.items()}


def _array(data: np.ndarray, tensor: message.Tensor) -> np.ndarray:
    values, keys, width = message.placed(data, tensor)
    shape = message.shape(data, tensor)
    if keys is not None:
        full = np.zeros(width, values.dtype)
        np.add.at(full, keys, values)
        values = full
    return values.reshape(shape) if shape else values
