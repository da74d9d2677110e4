"""Arrays to RecordIO-protobuf.

Dense records have one layout, so they are the columns of a byte matrix: constant bytes, numbers, constant bytes. Sparse
records vary; all their lengths are computed first (by array), then every part is scattered to its place.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lakemill.formats import recordio
from lakemill.formats.records import message, wire

_NAME = wire.span(1, b"values")
_SPARSE_ROWS = 1 << 12


def encode(features: Any, labels: np.ndarray | None = None) -> bytes:
    """One RecordIO frame per row, everything as float32.

    Parameters
    ----------
    features : (n, d) ndarray, or a scipy sparse matrix of that shape
        A sparse matrix is written with keys and shape; a row without entries is a record of zeros.
    labels : (n,) or (n, m) ndarray, optional

    Raises
    ------
    ValueError
        If the shapes do not go together.

    >>> encode(np.float32([[1, 2]]), np.float32([3]))[8:].hex(" ", 4)
    '0a160a06 76616c75 6573120c 120a0a08 0000803f 00000040 12120a06 76616c75 65731208 12060a04 00004040'
    """
    rows = features if hasattr(features, "tocsr") else np.asarray(features)
    if rows.ndim != 2:
        raise ValueError(f"features must have two dimensions; got {rows.ndim}")
    columns = None if labels is None else _floats(labels)
    if columns is not None and len(columns) != rows.shape[0]:
        raise ValueError(f"there must be one label per record; got {len(columns)} for {rows.shape[0]} records")
    if hasattr(rows, "tocsr"):
        return _encode_sparse(rows.tocsr(), columns)
    return encode_parts([*tensor_parts(message.FEATURES, "values", _floats(rows)), *_label_parts(columns)], len(rows))


def _label_parts(columns: np.ndarray | None) -> list[bytes | np.ndarray]:
    return [] if columns is None else tensor_parts(message.LABEL, "values", columns)


def _floats(numbers: Any) -> np.ndarray:
    """(n, k) contiguous float32 of (n,) or (n, k) numbers."""
    array = np.ascontiguousarray(numbers, np.float32)
    return array.reshape(len(array), -1 if array.size else int(np.prod(array.shape[1:])))


def tensor_parts(field: int, name: str, numbers: np.ndarray) -> list[bytes | np.ndarray]:
    """A map entry that holds one float32 tensor per row: the constant bytes before the numbers, and the numbers."""
    content = 4 * numbers.shape[1]
    inner = wire.head(message.VALUES, content) if content else b""
    value = wire.head(message.FLOAT32, len(inner) + content) + inner
    entry = wire.span(1, name.encode()) + wire.head(2, len(value) + content) + value
    return [wire.head(field, len(entry) + content) + entry, numbers]


def encode_parts(parts: Sequence[bytes | np.ndarray], count: int) -> bytes:
    """n records of one layout: bytes are the same in every record, of an (n, k) float32 array each has its row."""
    widths = [len(part) if isinstance(part, bytes) else 4 * part.shape[1] for part in parts]
    length = sum(widths)
    head = np.frombuffer(recordio.encode([bytes(length)]), np.uint8)
    out = np.empty((count, len(head)), np.uint8)
    at = 8
    out[:, :at] = head[:at]
    for part, width in zip(parts, widths, strict=True):
        out[:, at : at + width] = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part.view(np.uint8)
        at += width
    out[:, at:] = 0
    return out.tobytes()


def _encode_sparse(rows: Any, labels: np.ndarray | None) -> bytes:
    """Some thousand rows at a time, whose places stay in the processor's cache."""
    starts = range(0, rows.shape[0], _SPARSE_ROWS)
    parts = [slice(start, start + _SPARSE_ROWS) for start in starts]
    return b"".join(_encode_rows(rows[part], _label_parts(None if labels is None else labels[part])) for part in parts)


def _encode_rows(rows: Any, tail: list[bytes | np.ndarray]) -> bytes:
    n, width = rows.shape
    counts = np.diff(rows.indptr).astype(np.int64)
    first, last = int(rows.indptr[0]), int(rows.indptr[-1])
    keys = _varint_bytes(rows.indices[first:last])
    ends = np.concatenate([[0], np.cumsum(keys[1])])
    key_bytes = np.diff(ends[(rows.indptr - first).astype(np.int64)])
    shape = wire.span(message.SHAPE, wire.encode_varint(width))
    values = np.ascontiguousarray(rows.data[first:last], "<f4").view(np.uint8)
    # From the inside out: what a length field says is the size of everything after it.
    inner = [
        *_head(message.VALUES, 4 * counts, skip_empty=True), (values, 4 * counts),
        *_head(message.KEYS, key_bytes, skip_empty=True), (keys[0], key_bytes),
        _constant(shape, n),
    ]  # fmt: skip
    value = [*_head(message.FLOAT32, _size(inner)), *inner]
    entry = [_constant(_NAME, n), *_head(2, _size(value)), *value]
    record = [*_head(message.FEATURES, _size(entry)), *entry, *(_part(part, n) for part in tail)]
    lengths = _size(record)
    if n and lengths.max() > recordio.PAYLOAD_BYTES_MAX:
        raise ValueError(f"a record must be at most {recordio.PAYLOAD_BYTES_MAX} bytes; got {lengths.max()}")
    header = np.empty((n, 2), "<u4")
    header[:, 0], header[:, 1] = recordio.MAGIC, lengths
    return _scattered([(header.view(np.uint8).reshape(-1), np.full(n, 8)), *record], n)


Part = tuple[np.ndarray, np.ndarray]
"""Bytes of all records one after the other, and how many of them each record has."""


def _constant(text: bytes, n: int) -> Part:
    return np.tile(np.frombuffer(text, np.uint8), n), np.full(n, len(text), np.int64)


def _part(part: bytes | np.ndarray, n: int) -> Part:
    if isinstance(part, bytes):
        return _constant(part, n)
    return part.view(np.uint8).reshape(-1), np.full(n, 4 * part.shape[1], np.int64)


def _size(parts: Sequence[Part]) -> np.ndarray:
    return np.sum([lengths for _, lengths in parts], axis=0)


def _head(number: int, lengths: np.ndarray, skip_empty: bool = False) -> list[Part]:
    """Tag and length before a field; with skip_empty a field of no bytes is left out."""
    present = lengths > 0 if skip_empty else np.ones(len(lengths), bool)
    tag = np.full(int(present.sum()), number << 3 | wire.SPAN, np.uint8)
    data, sizes = _varint_bytes(lengths[present])
    per_record = np.zeros(len(lengths), np.int64)
    per_record[present] = sizes
    return [(tag, present.astype(np.int64)), (data, per_record)]


def _varint_bytes(values: np.ndarray) -> Part:
    """Numbers as varints one after the other, and how many bytes each takes."""
    lengths = wire.varint_lengths(values)
    owner = np.repeat(np.arange(len(values)), lengths)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    data = (values.astype(np.uint64)[owner] >> (place * 7).astype(np.uint64)).astype(np.uint8) & 0x7F
    return data | ((place < lengths[owner] - 1) << 7).astype(np.uint8), lengths


def _scattered(parts: Sequence[Part], n: int) -> bytes:
    """The parts of every record behind each other, padded to a multiple of 4."""
    sizes = _size(parts)
    starts = np.concatenate([[0], np.cumsum(sizes + -sizes % 4)])
    out = np.zeros(int(starts[-1]), np.uint8)
    at = starts[:-1].copy()
    for data, lengths in parts:
        # Place of byte j of this part = start of its run in `out` + how far into the run it is.
        shift = at - (np.cumsum(lengths) - lengths)
        out[np.arange(len(data)) + np.repeat(shift, lengths)] = data
        at += lengths
    return out.tobytes()


def encode_outputs(outputs: Mapping[str, Any]) -> bytes:
    """Inference results as Records with empty features: each output a float32 tensor in `label`.

    Parameters
    ----------
    outputs : name -> (n,) or (n, k) array, or a list of n arrays of any lengths

    Raises
    ------
    ValueError
        If the outputs differ in n.

    >>> from lakemill.formats.records import decode_outputs
    >>> decode_outputs(encode_outputs({"score": np.float32([0.5])}))
    [{'score': array([0.5], dtype=float32)}]
    """
    counts = {name: len(column) for name, column in outputs.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"every output must have one entry per record; got {counts}")
    n = next(iter(counts.values()), 0)
    if any(_ragged(column) for column in outputs.values()):
        return b"".join(encode_outputs({name: [column[i]] for name, column in outputs.items()}) for i in range(n))
    parts = [tensor_parts(message.LABEL, name, _floats(column)) for name, column in outputs.items()]
    return encode_parts(list(itertools.chain.from_iterable(parts)), n)


def _ragged(column: Any) -> bool:
    return not isinstance(column, np.ndarray) and len({np.size(one) for one in column}) > 1
