"""CSV of numbers (`text/csv`): no header, the label (if any) in the first column.

Cells may be padded with spaces or quoted; lines end in LF or CRLF; blank lines are skipped. `nan`, `inf` and `-inf` in
any case are numbers (XGBoost reads NaN as missing); an empty cell or any other text is an error that names its place.
The delimiter is the first of comma, tab, semicolon, bar and space that the first line has.

Large data is parsed by pyarrow.csv on all cores, small bodies by plain Python, because importing pyarrow takes longer
than reading them. What pyarrow does not like is read again line by line, which either finds the culprit or succeeds
(`+1.5`, padding pyarrow does not know).
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np

from lakemill.formats import streams
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError

SMALL_BYTES = 64 << 10
"""Up to here plain Python reads the data."""
_WARM_BYTES = 16 << 10
"""The same once pyarrow is loaded anyway."""
_SMALL_CELLS = 4096
_PART_BYTES = 1 << 18
_BOM = b"\xef\xbb\xbf"
_SHOWN = 40


def decode(
    buffer: Any, label_size: int = 0, weights: bool = False, delimiter: str | None = None, missing: bool = False
) -> Block:
    """The records of a CSV text.

    Parameters
    ----------
    buffer : bytes-like, UTF-8
    label_size : 0 or 1
        Whether the first column is the label.
    weights : bool
        Whether the column after the label is the record's weight (XGBoost's csv_weights).
    delimiter : str, optional
        One character; without it the first line decides.
    missing : bool
        Whether an empty cell is a missing value, which becomes NaN, and not an error.

    Returns
    -------
    Block
        features (n, d) float32, labels (n,) or None, weights (n,) or None.

    Raises
    ------
    FormatError
        If a cell is no number (names line and column from 1, and the text) or a line has another number of columns.

    >>> block = decode(b"1,0.5,2\\n0,1.5,3\\n", label_size=1)
    >>> block.features.tolist(), block.labels.tolist()
    ([[0.5, 2.0], [1.5, 3.0]], [1.0, 0.0])
    """
    matrix = _Parser(label_size, weights, delimiter, missing).matrix(_view(buffer))
    return _block(matrix, label_size, weights)


def iter_blocks(
    sources: Iterable[streams.Source],
    rows: int,
    label_size: int = 0,
    weights: bool = False,
    delimiter: str | None = None,
    missing: bool = False,
) -> Iterator[Block]:
    """The records of files or streams in blocks of exactly `rows` (the last may be shorter), in bounded memory.

    Raises FormatError as `decode` does, with the file's name.
    """
    return streams.iter_blocks(sources, rows, lambda stream: blocks(stream, label_size, weights, delimiter, missing))


def blocks(
    stream: BinaryIO, label_size: int = 0, weights: bool = False, delimiter: str | None = None, missing: bool = False
) -> Iterator[Block]:
    """The records of one stream in blocks of some megabytes. Raises FormatError as `decode` does."""
    parser = _Parser(label_size, weights, delimiter, missing)
    pieces = streams.Pieces(stream)
    for view in pieces.filled():
        used = len(view) if pieces.ended else streams.after_last_line(view)
        if used:
            matrix = parser.matrix(view[:used].data)
            if len(matrix):
                yield _block(matrix, label_size, weights)
            if not pieces.ended:
                parser.line += _count_lines(view[:used])
        pieces.used(used)


def _view(buffer: Any) -> memoryview:
    return memoryview(buffer).cast("B") if not isinstance(buffer, memoryview) else buffer


def _block(matrix: np.ndarray, label_size: int, weights: bool) -> Block:
    first = label_size + weights
    return Block(
        np.ascontiguousarray(matrix[:, first:]) if first else matrix,
        matrix[:, 0].copy() if label_size and len(matrix) else None,
        matrix[:, label_size].copy() if weights and len(matrix) else None,
    )


class _Parser:
    """Turns pieces of one CSV text, cut at line ends, into matrices of one width."""

    def __init__(self, label_size: int, weights: bool, delimiter: str | None, missing: bool) -> None:
        if label_size not in (0, 1):
            raise FormatError(f"label_size of CSV must be 0 or 1; got {label_size}")
        if weights and not label_size:
            raise FormatError("weights stand in the column after the label; label_size must be 1")
        self._columns_min = label_size + weights + 1
        self._delimiter = delimiter.encode() if delimiter else None
        self._missing = missing
        self._columns: int | None = None
        self._begun = False
        self.line = 1
        """The number of the next piece's first line."""

    def matrix(self, piece: memoryview) -> np.ndarray:
        """(n, columns) float32 of the next lines, label and weight included."""
        if not self._begun and bytes(piece[:3]) == _BOM:
            piece = piece[3:]
        self._begun = True
        if self._delimiter is None and (line := _first_line(piece)):
            self._delimiter = sniffed(line)
        if len(piece) <= (_WARM_BYTES if "pyarrow.csv" in sys.modules else SMALL_BYTES):
            return self._small(bytes(piece))
        return self._large(piece)

    def _small(self, text: bytes) -> np.ndarray:
        if b"\r" in text and b"\r" in text.replace(b"\r\n", b"\n"):
            return self._line_by_line(text)  # Lines may end in CR alone; float() would take it for padding.
        lines = text.split(b"\n")
        numbers: list[float] = []
        delimiter = None if self._delimiter == b" " else self._delimiter
        try:
            if b"_" in text:  # float() takes 1_000, we do not.
                raise ValueError
            for line in lines:
                if not line or line.isspace():
                    continue
                before = len(numbers)
                numbers.extend(map(float, line.split(delimiter)))
                if self._columns != len(numbers) - before:
                    self._first_row(len(numbers) - before)
        except ValueError:
            return self._line_by_line(text)
        return _floats(numbers, self._columns)

    def _first_row(self, columns: int) -> None:
        if self._columns is not None or columns < self._columns_min:
            raise ValueError
        self._columns = columns

    def _large(self, piece: memoryview) -> np.ndarray:
        from lakemill.formats import csv_arrow  # Importing pyarrow takes longer than reading a small body.

        data: Any = piece
        delimiter = self._delimiter or b","
        if delimiter == b" ":
            data, delimiter = _single_spaced(bytes(piece)), b","
        columns = self._columns or len(_first_line(data).split(delimiter))
        if columns < self._columns_min:
            return self._line_by_line(bytes(piece))
        matrix = csv_arrow.matrix(data, columns, delimiter.decode(), self._missing)
        if matrix is None:
            return self._in_parts(piece)
        self._columns = columns
        return matrix

    def _in_parts(self, piece: memoryview) -> np.ndarray:
        """What pyarrow refused, part by part, so that few lines have to be read the slow way."""
        if len(piece) <= _PART_BYTES:
            return self._line_by_line(bytes(piece))
        found, line, at = [], self.line, 0
        while at < len(piece):
            end = at + _PART_BYTES
            view = np.frombuffer(piece[at:end], np.uint8)
            used = len(view) if end >= len(piece) else streams.after_last_line(view) or len(piece) - at
            found.append(
                self._large(piece[at : at + used]) if used <= _PART_BYTES else self._line_by_line(bytes(piece[at:]))
            )
            self.line += _count_lines(view[:used])
            at += used
        self.line = line
        return np.concatenate(found)

    def _line_by_line(self, text: bytes) -> np.ndarray:
        """The slow way, which says what is wrong and where."""
        rows = []
        for number, line in enumerate(re.split(rb"\r\n|\n|\r", text), self.line):
            if line.strip():
                rows.append(self._row(number, line))
        return _floats(rows, self._columns)

    def _row(self, number: int, line: bytes) -> list[float]:
        cells = line.split() if self._delimiter == b" " else line.split(self._delimiter)
        row = [_number(cell, number, column, self._missing) for column, cell in enumerate(cells, 1)]
        if len(row) < self._columns_min:
            message = f"line {number} has {len(row)} columns; at least {self._columns_min} are needed"
            raise FormatError(message, line=number)
        if self._columns is not None and len(row) != self._columns:
            message = f"line {number} has {len(row)} columns; the lines before it have {self._columns}"
            raise FormatError(message, line=number)
        self._columns = len(row)
        return row


def _floats(numbers: Sequence[Any], columns: int | None) -> np.ndarray:
    """(n, columns) float32; what is too large for a float32 becomes infinite."""
    with np.errstate(over="ignore"):
        return np.array(numbers, np.float32).reshape(-1, columns) if columns else np.empty((0, 0), np.float32)


def _number(cell: bytes, line: int, column: int, missing: bool) -> float:
    text = cell.strip()
    if missing and not text:
        return float("nan")
    if len(text) > 1 and text[:1] == text[-1:] == b'"':
        text = text[1:-1].strip()
    try:
        if b"_" in text:
            raise ValueError
        return float(text)
    except ValueError:
        shown = text[:_SHOWN].decode("utf-8", "replace") + ("..." if len(text) > _SHOWN else "")
        what = f"{shown!r} is not a number" if text else "the cell is empty and must be a number"
        hint = "; a CSV file must have no header line" if line == 1 and text else ""
        raise FormatError(f"line {line}, column {column}: {what}{hint}", line=line, column=column) from None


def sniffed(line: bytes) -> bytes:
    """The delimiter a first line suggests; a comma when it has none.

    >>> sniffed(b"1;2;3"), sniffed(b"1 2"), sniffed(b"1, 2"), sniffed(b"7")
    (b';', b' ', b',', b',')
    """
    return next((one for one in (b",", b"\t", b";", b"|", b" ") if one in line.strip()), b",")


def _first_line(piece: Any) -> bytes:
    """The first line that is not blank."""
    view = memoryview(piece)
    for size in (1 << 12, 1 << 16, 1 << 20, len(view)):
        head = bytes(view[:size])
        stripped = head.lstrip()
        line, end, _ = stripped.partition(b"\n")
        if end or size >= len(view):
            return line
    return b""


def _single_spaced(text: bytes) -> bytes:
    lines = (b",".join(line.split()) for line in text.split(b"\n"))
    return b"\n".join(lines)


def _count_lines(view: np.ndarray) -> int:
    step = 1 << 18  # What is compared stays in the cache.
    return sum(int(np.count_nonzero(view[at : at + step] == 10)) for at in range(0, len(view), step))


def encode(rows: np.ndarray | Sequence[Sequence[float]] | Sequence[float], delimiter: str = ",") -> bytes:
    """Numbers as lines; (n,) is one number per line.

    Integers print as integers, floats in the shortest form that reads back as the same number (with or without `.0`).

    Raises
    ------
    ValueError
        If there are more than two dimensions.

    >>> encode(np.float32([[0.1, 2], [3, 4]]))
    b'0.1,2.0\\n3.0,4.0\\n'
    """
    array = np.asarray(rows)
    if array.ndim not in (1, 2):
        raise ValueError(f"rows must have one or two dimensions; got {array.ndim}")
    table = array.reshape(len(array), -1 if array.size else 0)
    if table.size > _SMALL_CELLS:
        from lakemill.formats import csv_arrow  # Importing pyarrow takes longer than writing a small answer.

        return csv_arrow.text(table, delimiter)
    words = (table.astype("U") if table.dtype == np.float32 else table).tolist()
    return "".join(delimiter.join(map(str, row)) + "\n" for row in words).encode()
