"""RecordIO-protobuf to blocks: uniform records by memory copy, others compiled, a few others in plain Python."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np

from lakemill.formats import jit, recordio, streams
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError
from lakemill.formats.records import compiled, uniform
from lakemill.formats.records.columns import BadRecord, Columns, interpreted

_KERNELS = "lakemill.formats.records.kernel"


def decode(buffer: Any, label_names: tuple[str, ...] = ("values",)) -> Block:
    """The records of a RecordIO-protobuf buffer.

    Parameters
    ----------
    buffer : bytes-like
        Frames of Records whose feature is called `values`: float32, float64 or int32, dense or sparse.
    label_names : tuple of str
        Which keys of the label map make the label columns, in this order; a label of several numbers makes several.

    Returns
    -------
    Block
        features (n, d) float32, or csr_matrix when a record is sparse (values of a key that a record repeats add up);
        labels (n,), (n, m) or None.

    Raises
    ------
    FormatError
        If bytes are corrupt or cut off, records differ in width or in their number of labels, keys and values do not
        match, or a key is outside of the shape. Names the record, from 1.

    Notes
    -----
    Dense records of one layout are copied at the speed of memory; others cost about a nanosecond per byte.

    >>> from lakemill.formats.records import encode
    >>> block = decode(encode(np.float32([[1, 2], [3, 4]]), np.float32([0, 1])))
    >>> block.features.tolist(), block.labels.tolist()
    ([[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0])
    """
    block, _ = Reader(label_names).piece(recordio.as_bytes(buffer), partial=False)
    return block


def iter_blocks(
    sources: Iterable[streams.Source], rows: int, label_names: tuple[str, ...] = ("values",)
) -> Iterator[Block]:
    """The records of files or streams in blocks of exactly `rows` (the last may be shorter), in bounded memory.

    Raises FormatError as `decode` does, with the file's name.
    """
    return streams.iter_blocks(sources, rows, lambda stream: blocks(stream, label_names))


def blocks(stream: BinaryIO, label_names: tuple[str, ...] = ("values",)) -> Iterator[Block]:
    """The records of one stream in blocks of some megabytes. Raises FormatError as `decode` does."""
    pieces = streams.Pieces(stream)
    reader = Reader(label_names)
    for view in pieces.filled():
        block, used = reader.piece(view, partial=not pieces.ended)
        if len(block):
            yield block
        pieces.used(used)


class Reader:
    """Reads a stream of records piece by piece, and holds them to one width and one number of labels."""

    def __init__(self, label_names: tuple[str, ...]) -> None:
        self._label_names = label_names
        self._record = 1
        self._offset = 0
        self._width: int | None = None
        self._label_count: int | None = None

    def piece(self, data: np.ndarray, partial: bool) -> tuple[Block, int]:
        """The block that the next bytes of the stream hold and how many of them it used.

        partial: the bytes may end inside a record. The block does not refer to the bytes.
        """
        found = uniform.decode(data, self._label_names, partial) if len(data) else None
        if found is not None:
            features, labels, used = found
            count = len(features)
            self._agree(np.array([features.shape[1]]), np.array([0 if labels is None else labels.shape[1]]))
            block = Block(features, _squeezed(labels))
        else:
            columns, used = self._columns(data, partial)
            block, count = self._block(columns), len(columns.counts)
        self._record += count
        self._offset += used
        return block, used

    def _columns(self, data: np.ndarray, partial: bool) -> tuple[Columns, int]:
        try:
            kernels = jit.kernels(_KERNELS, len(data))
            if kernels is not None and (found := compiled.walk(kernels, data, self._label_names, partial)) is not None:
                return found
            frames = recordio.frames(data, partial=partial, first_record=self._record, first_offset=self._offset)
            if kernels is not None:
                return compiled.measure(kernels, frames, self._label_names), frames.consumed
            return interpreted(frames, self._label_names), frames.consumed
        except BadRecord as bad:
            raise self._wrong(bad.index, bad.what) from None

    def _block(self, columns: Columns) -> Block:
        n = len(columns.counts)
        if not n:
            return Block(np.empty((0, self._width or 0), np.float32))
        self._agree(columns.widths, columns.label_counts)
        labels = columns.labels.reshape(n, -1) if len(columns.labels) else None
        if columns.keys is None:
            return Block(columns.values.reshape(n, int(columns.widths[0])), _squeezed(labels))
        from scipy import sparse  # Dense data never waits for scipy.

        starts = np.zeros(n + 1, np.int64)
        np.cumsum(columns.counts, out=starts[1:])
        starts = starts.astype(np.int32) if starts[-1] < 1 << 31 else starts
        features = sparse.csr_matrix((columns.values, columns.keys, starts), shape=(n, self._width), copy=False)
        if columns.ordered:
            features.has_canonical_format = True
        features.sort_indices()
        return Block(features, _squeezed(labels))

    def _agree(self, widths: np.ndarray, label_counts: np.ndarray) -> None:
        if self._width is None:
            self._width, self._label_count = int(widths[0]), int(label_counts[0])
        if (widths != self._width).any():
            first = int(np.argmax(widths != self._width))
            raise self._wrong(first, f"has {widths[first]} features; the records before it have {self._width}")
        if (label_counts != self._label_count).any():
            first = int(np.argmax(label_counts != self._label_count))
            raise self._wrong(
                first, f"has {label_counts[first]} labels; the records before it have {self._label_count}"
            )

    def _wrong(self, index: int, what: str) -> FormatError:
        record = self._record + index
        return FormatError(f"record {record} {what}", record=record)


def _squeezed(labels: np.ndarray | None) -> np.ndarray | None:
    """(n, 1) as (n,); (n, 0) as None."""
    if labels is None or not labels.shape[1]:
        return None
    return labels[:, 0] if labels.shape[1] == 1 else labels
