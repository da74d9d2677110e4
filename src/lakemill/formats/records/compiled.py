"""Drives the compiled loops of kernel.py: structure first, then, with the sizes known, the numbers."""

import dataclasses
from types import ModuleType

import numpy as np

from lakemill.formats import recordio
from lakemill.formats.records import columns
from lakemill.formats.records.columns import BadRecord, Columns

_BATCH = 1 << 13


@dataclasses.dataclass
class _Structure:
    """What kernel.measure notes about n records with k wanted labels."""

    offsets: np.ndarray
    lengths: np.ndarray
    places: np.ndarray
    label_places: np.ndarray
    counts: np.ndarray
    sparse: np.ndarray
    widths: np.ndarray
    label_counts: np.ndarray

    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self))

    def first(self, count: int) -> "_Structure":
        return _Structure(*(array[:count] for array in self.arrays()))


def _empty(n: int, k: int) -> _Structure:
    numbers = [np.empty(n, np.int64) for _ in range(5)]
    return _Structure(
        numbers[0], numbers[1], np.empty((n, 3), np.int64), np.empty((n, k, 3), np.int64),
        numbers[2], np.empty(n, np.bool_), numbers[3], numbers[4],
    )  # fmt: skip


def walk(
    kernels: ModuleType, data: np.ndarray, label_names: tuple[str, ...], partial: bool
) -> tuple[Columns, int] | None:
    """The columns of a buffer and how many bytes they cover; None when it holds anything but whole, unsplit frames.

    partial: the buffer may end inside a frame. Raises BadRecord.
    """
    names, ends = _names(label_names)
    data = _read_only(data)
    found: list[_Structure] = []
    at, size = 0, _BATCH
    while True:
        batch = _empty(size, len(label_names))
        count, at, bad = kernels.measure(data, at, True, names, ends, *batch.arrays())
        if bad:
            _explain(data, sum(len(one.offsets) for one in found) + count, batch, count, label_names)
        found.append(batch.first(count))
        if count < size:
            break
        size *= 2
    if at < len(data) and not (partial and at):
        return None
    joined = _Structure(*map(np.concatenate, zip(*(one.arrays() for one in found), strict=True)))
    return _filled(kernels, data, joined, label_names), at


def measure(kernels: ModuleType, frames: recordio.Frames, label_names: tuple[str, ...]) -> Columns:
    """The columns of frames that are known already. Raises BadRecord."""
    names, ends = _names(label_names)
    data = _read_only(frames.data)
    structure = _empty(len(frames), len(label_names))
    structure.offsets, structure.lengths = frames.offsets, frames.lengths
    count, _, bad = kernels.measure(data, 0, False, names, ends, *structure.arrays())
    if bad:
        _explain(data, count, structure, count, label_names)
    return _filled(kernels, data, structure, label_names)


def _read_only(data: np.ndarray) -> np.ndarray:
    """A view: numba compiles anew, for half a minute, for an array that may be written to."""
    view = data.view()
    view.flags.writeable = False
    return view


def _names(label_names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    names = [name.encode() for name in ("values", *label_names)]
    return np.frombuffer(b"".join(names), np.uint8), np.cumsum([len(name) for name in names])


def _filled(kernels: ModuleType, data: np.ndarray, found: _Structure, label_names: tuple[str, ...]) -> Columns:
    values = np.empty(found.counts.sum(), np.float32)
    labels = np.empty(found.label_counts.sum(), np.float32)
    is_sparse = bool(found.sparse.any())
    keys = np.empty(len(values) if is_sparse else 0, np.int32)
    bad, ordered = kernels.fill(
        data, found.places, found.label_places, found.counts, found.sparse, found.widths,
        values, values.view(np.uint8), keys, labels, labels.view(np.uint8),
    )  # fmt: skip
    if bad >= 0:
        _explain(data, bad, found, bad, label_names)
    return Columns(values, keys if is_sparse else None, found.counts, found.widths, labels, found.label_counts, ordered)


def _explain(data: np.ndarray, index: int, found: _Structure, place: int, label_names: tuple[str, ...]) -> None:
    """Raise BadRecord for a record that the compiled code did not like, in the words of message.py."""
    frames = recordio.Frames(data, found.offsets, found.lengths, 0)
    try:
        columns.row(frames, place, label_names)
    except BadRecord as bad:
        raise BadRecord(index, bad.what) from None
    raise BadRecord(index, "is not a protobuf Record")
