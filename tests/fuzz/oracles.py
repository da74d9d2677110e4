"""What must hold for any bytes handed to a parser; a broken promise is an AssertionError, a crash is whatever it is."""

import io
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from lakemill.formats import content, streams
from lakemill.formats.block import Block, concatenate
from lakemill.formats.errors import FormatError
from tests.fuzz import references

TINY_PIECE_BYTES = 48
CELLS_MAX = 1_000_000


def parsed(body: bytes, kind: str, labels: int = 0) -> Block | None:
    """The block, or None if the body was refused as it should be: with a FormatError that says something."""
    try:
        return content.decode(body, kind, label_size_default=labels)
    except FormatError as wrong:
        assert str(wrong).strip(), "a refusal without words"
        return None


def well_formed(block: Block) -> None:
    """Arrays as Block promises them."""
    count = len(block)
    for column in (block.labels, block.weights, block.groups):
        assert column is None or len(column) == count
    if block.sparse:
        matrix = block.features
        assert matrix.dtype == np.float32
        assert len(matrix.indptr) == count + 1 and matrix.indptr[0] == 0 and matrix.indptr[-1] == len(matrix.data)
        assert (np.diff(matrix.indptr) >= 0).all()
        if len(matrix.indices):
            assert matrix.indices.min() >= 0 and matrix.indices.max() < matrix.shape[1]
    else:
        assert block.features.dtype == np.float32 and block.features.flags.c_contiguous and block.features.ndim == 2


@contextmanager
def tiny_pieces() -> Any:
    """Streams are read a few bytes at a time."""
    initial = streams.Pieces.__init__.__defaults__
    streams.Pieces.__init__.__defaults__ = (TINY_PIECE_BYTES,)
    try:
        yield
    finally:
        streams.Pieces.__init__.__defaults__ = initial


def streamed(body: bytes, kind: str, labels: int = 0) -> Block | None:
    """The same by way of a stream in tiny pieces."""
    try:
        with tiny_pieces():
            found = list(content.iter_blocks([io.BytesIO(body)], kind, 3, label_size_default=labels))
        return concatenate(found) if found else Block(np.empty((0, 0), np.float32))
    except FormatError:
        return None


def agree(whole: Block | None, by_piece: Block | None) -> None:
    """Reading in pieces accepts what reading at once accepts, and means the same."""
    assert (whole is None) == (by_piece is None), (whole, by_piece)
    if whole is None or by_piece is None or not len(whole):
        return
    assert whole.features.shape == by_piece.features.shape
    if whole.features.shape[0] * whole.features.shape[1] <= CELLS_MAX:
        np.testing.assert_array_equal(whole.dense(), by_piece.dense())
    if whole.labels is not None:
        np.testing.assert_array_equal(whole.labels, by_piece.labels)


def close(ours: np.ndarray, theirs: Any) -> None:
    """float32 of what the reference read. Numbers beyond float32 are infinite in both."""
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(ours, np.asarray(theirs, np.float64).astype(np.float32), rtol=3e-7, atol=1e-44)


def check_rows(body: bytes, kind: str, reference: Callable[[bytes], references.Rows]) -> None:
    """A format whose records are rows of numbers."""
    block = parsed(body, kind)
    agree(block, streamed(body, kind))
    if block is None:
        return
    well_formed(block)
    if block.features.shape[0] * block.features.shape[1] > CELLS_MAX:
        return
    try:
        rows = reference(body)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as wrong:
        if "too wide" in str(wrong):
            return
        raise AssertionError(f"accepted, but the reference cannot read it: {wrong!r}") from wrong
    dense = block.dense()
    labels = np.empty((len(block), 0), np.float32) if block.labels is None else block.labels.reshape(len(block), -1)
    assert len(rows) == len(block), (len(rows), len(block))
    for ours, label, theirs in zip(dense, labels, rows, strict=True):
        close(np.concatenate([label, ours]), theirs)


def csv(body: bytes) -> None:
    check_rows(body, "text/csv", references.csv)


def recordio(body: bytes) -> None:
    check_rows(body, "application/x-recordio-protobuf", references.recordio)


def json(body: bytes) -> None:
    check_rows(body, "application/json", references.json_document)


def jsonlines(body: bytes) -> None:
    check_rows(body, "application/jsonlines", references.json_lines)


def libsvm(body: bytes) -> None:
    kind = "text/libsvm"
    agree(parsed(body, kind, labels=1), streamed(body, kind, labels=1))  # As training reads it.
    block = parsed(body, kind)
    if block is None:
        return
    well_formed(block)
    try:
        rows = references.libsvm(body)
    except (ValueError, OverflowError) as wrong:
        raise AssertionError(f"accepted, but the reference cannot read it: {wrong!r}") from wrong
    assert len(rows) == len(block)
    for number, (label, pairs) in enumerate(rows):
        row = block.features[number]
        found = {int(at): float(value) for at, value in zip(row.indices, row.data, strict=True)}
        assert found.keys() == pairs.keys(), (found, pairs)
        close(np.float32([found[at] for at in pairs]), list(pairs.values()))
        if label is not None and block.labels is not None:
            close(block.labels[number : number + 1], [label])


TARGETS: dict[str, Callable[[bytes], None]] = {
    "csv": csv,
    "libsvm": libsvm,
    "recordio": recordio,
    "json": json,
    "jsonlines": jsonlines,
}
