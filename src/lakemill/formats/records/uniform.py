"""The fast path: records that differ in nothing but their numbers, copied like memory.

The SageMaker SDK and Spark write dense data so that every frame has the same length and the same bytes around the
numbers. The first record is read field by field; from it follow which bytes are numbers (features, labels), which are
free text (uid, metadata, configuration) and which must be the same in every frame. Then frames are an (n, F) byte
matrix whose columns are copied out, and the bytes in between are compared for every frame, a megabyte at a time so
that the comparison finds them in the processor's cache. If any frame differs the general path takes over; nothing is
assumed.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from lakemill.formats import recordio
from lakemill.formats.errors import FormatError
from lakemill.formats.records import message, wire

_CHUNK_BYTES = 1 << 20
_ITEM_BYTES = {message.FLOAT32: 4, message.FLOAT64: 8, message.INT32: 1}
_DTYPES = {message.FLOAT32: "<f4", message.FLOAT64: "<f8", message.INT32: "u1"}


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Where in every frame a tensor's values are."""

    start: int
    stop: int
    kind: int

    def array(self, count: int) -> np.ndarray:
        """(count, bytes) uint8 to copy the values' bytes to."""
        return np.empty((count, self.stop - self.start), np.uint8)

    def floats(self, raw: np.ndarray) -> np.ndarray:
        """(n, k) float32 of what was copied."""
        return raw.view(_DTYPES[self.kind]).astype(np.float32, copy=False)


@dataclasses.dataclass(frozen=True)
class Layout:
    """What all frames share: the frame's bytes with padding, the numbers' places, the places that must be equal."""

    frame_bytes: int
    features: Numbers
    labels: tuple[Numbers, ...]
    fixed: tuple[tuple[int, int], ...]


def layout(data: np.ndarray, label_names: tuple[str, ...]) -> Layout | None:
    """The layout the first frame suggests, or None when its kind of record needs the general path."""
    if len(data) < 8 or data[:4].tobytes() != recordio.MAGIC_BYTES:
        return None
    length = int.from_bytes(data[4:8].tobytes(), "little")
    padded = length + 3 & ~3
    if length >= 1 << 29 or 8 + padded > len(data):
        return None
    try:
        return _read(data[: 8 + padded], length, label_names)
    except FormatError:
        return None  # The general path says what is wrong.


def _read(frame: np.ndarray, length: int, label_names: tuple[str, ...]) -> Layout | None:
    view = frame.data
    features, label, texts = message.entries(view, 8, 8 + length)
    if "values" not in features:
        return None
    found = message.tensor(view, *features["values"], "")
    if found.kind == message.INT32:
        return None
    _, keys, _ = message.placed(frame, found)
    tensors = [found] + [message.tensor(view, *label[name], "") for name in label_names if name in label]
    if keys is not None or not all(_plain(tensor, frame) for tensor in tensors):
        return None
    numbers = [Numbers(*tensor.values[0][1:], tensor.kind) for tensor in tensors]
    padding = (8 + length, len(frame))
    free = sorted([(one.start, one.stop) for one in numbers] + texts + [padding])
    edges = [0, *itertools.chain.from_iterable(free), len(frame)]
    fixed = tuple((start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if start < stop)
    return Layout(len(frame), numbers[0], tuple(numbers[1:]), fixed)


def _plain(tensor: message.Tensor, frame: np.ndarray) -> bool:
    """Whether the values are one packed run of numbers of a fixed size (int32: of one byte)."""
    if len(tensor.values) != 1 or tensor.values[0][0] != wire.SPAN:
        return False
    _, start, stop = tensor.values[0]
    if (stop - start) % _ITEM_BYTES[tensor.kind]:
        return False
    return tensor.kind != message.INT32 or bool((frame[start:stop] < 0x80).all())


def decode(data: np.ndarray, label_names: tuple[str, ...], partial: bool) -> tuple[np.ndarray, Any, int] | None:
    """(n, d) float32 features, (n, m) float32 labels or None, and the bytes used; None if records are not uniform.

    data : (m,) uint8, m > 0. partial : the last frame may be incomplete.
    """
    found = layout(data, label_names)
    if found is None:
        return None
    count, rest = divmod(len(data), found.frame_bytes)
    if rest and not partial:
        return None
    frames = data[: count * found.frame_bytes].reshape(count, found.frame_bytes)
    numbers = (found.features, *found.labels)
    raw = [one.array(count) for one in numbers]
    check = _checker(frames, found)
    step = max(1, _CHUNK_BYTES // found.frame_bytes)
    for start in range(0, count, step):
        some = frames[start : start + step]
        for one, out in zip(numbers, raw, strict=True):
            out[start : start + step] = some[:, one.start : one.stop]
        if not check(some):
            return None
    for one, out in zip(found.labels, raw[1:], strict=True):
        if one.kind == message.INT32 and (out >= 0x80).any():
            return None
    labels = [one.floats(out) for one, out in zip(found.labels, raw[1:], strict=True)]
    return found.features.floats(raw[0]), np.hstack(labels) if labels else None, count * found.frame_bytes


def _checker(frames: np.ndarray, found: Layout) -> Callable[[np.ndarray], bool]:
    """A function that tells whether some frames have the first one's bytes at all fixed places.

    The places are gathered into a contiguous scratch array first: comparing them in place, column by column, costs
    three times as much.
    """
    step = min(len(frames), max(1, _CHUNK_BYTES // found.frame_bytes))
    scratch = [np.empty((step, stop - start), np.uint8) for start, stop in found.fixed]
    expected = [np.tile(frames[0, start:stop], (step, 1)) for start, stop in found.fixed]

    def check(some: np.ndarray) -> bool:
        for (start, stop), space, right in zip(found.fixed, scratch, expected, strict=True):
            here = space[: len(some)]
            here[:] = some[:, start:stop]
            if not np.array_equal(here, right[: len(some)]):
                return False
        return True

    return check
