"""LibSVM text (`text/libsvm`): a record per line, `label[:weight] [qid:group] index:value index:value ... [# comment]`.

Indices are taken as they are written (counted from 0), as XGBoost does; `one_based` asks for another reading. Indices
need no order; what is repeated adds up. Numbers are read to within two units in the last place of a float64 before they
become float32.
"""

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from scipy import sparse

from lakemill.formats import jit, recordio, streams
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError

_KERNELS = "lakemill.formats.libsvm_kernel"
_INDEX_MAX = (1 << 31) - 2
_DIGITS_MAX = 15
"""Of a group or an index, leading zeros included: what a float64 holds exactly."""


def decode(buffer: Any, *, labels: bool = True, dimension: int | None = None, one_based: bool | None = False) -> Block:
    """The records of a LibSVM text.

    Parameters
    ----------
    buffer : bytes-like
    labels : bool
        True: every line starts with a label. False: it may; a line may start with its first feature.
    dimension : int, optional
        How many features there are; without it the highest index decides.
    one_based : bool, optional
        True: indices count from 1. None: they do if none of them is 0 (as newer XGBoost containers read requests).

    Returns
    -------
    Block
        features (n, d) csr_matrix of float32; labels, weights and groups (n,) or None.

    Raises
    ------
    FormatError
        If a line is not of that form (names the line, from 1), an index does not fit the dimension, or only some
        records have a weight or group.

    >>> block = decode(b"1 0:0.5 2:2\\n0 1:1.5\\n")
    >>> block.dense().tolist(), block.labels.tolist()
    ([[0.5, 0.0, 2.0], [0.0, 1.5, 0.0]], [1.0, 0.0])
    """
    rows = _Parser(labels).rows(recordio.as_bytes(buffer))
    return rows.block(_Indexing.of([rows], dimension, one_based))


def iter_blocks(
    sources: Iterable[streams.Source],
    rows: int,
    *,
    labels: bool = True,
    dimension: int | None = None,
    one_based: bool | None = False,
) -> Iterator[Block]:
    """The records of files in blocks of exactly `rows` (the last may be shorter), in bounded memory.

    All blocks have the same width. Without a dimension it is found by reading everything once before; sources must then
    be files or seekable streams. Raises FormatError as `decode` does, with the file's name.
    """
    return streams.rebatch(all_blocks(sources, labels=labels, dimension=dimension, one_based=one_based), rows)


def all_blocks(
    sources: Iterable[streams.Source],
    *,
    labels: bool = True,
    dimension: int | None = None,
    one_based: bool | None = False,
) -> Iterator[Block]:
    """As `iter_blocks`, in blocks of some megabytes of text."""
    kept = list(sources)
    if dimension is None or one_based is None:
        indexing = _Indexing.of(_surveyed(kept, labels), dimension, one_based)
    else:
        indexing = _Indexing(int(one_based), dimension)
    return streams.all_blocks(kept, lambda stream: (one.block(indexing) for one in _pieces(stream, labels)))


def _surveyed(sources: list[streams.Source], labels: bool) -> Iterator["_Rows"]:
    for source in sources:
        try:
            with streams.opened(source) as stream:
                place = stream.tell()
                yield from _pieces(stream, labels)
                if source is stream:
                    stream.seek(place)
        except FormatError as wrong:
            name = streams.name_of(source)
            raise wrong.within(name) if name else wrong from None


def _pieces(stream: BinaryIO, labels: bool) -> Iterator["_Rows"]:
    parser = _Parser(labels)
    pieces = streams.Pieces(stream)
    for view in pieces.filled():
        used = len(view) if pieces.ended else streams.after_last_line(view)
        if used:
            rows = parser.rows(view[:used])
            if len(rows):
                yield rows
        pieces.used(used)


class _Rows:
    """Parsed lines: weights are NaN and groups -1 where a line has none, labels are NaN where it may go without."""

    def __init__(self, values: np.ndarray, indices: np.ndarray, starts: np.ndarray, first_record: int) -> None:
        self.values = values
        self.indices = indices
        self.starts = starts
        self.first_record = first_record
        n = len(starts) - 1
        self.labels = np.empty(n, np.float32)
        self.labelled = np.empty(n, np.bool_)
        self.weights = np.empty(n, np.float32)
        self.groups = np.empty(n, np.int64)
        self.ordered = True

    def __len__(self) -> int:
        return len(self.labels)

    def cut(self, count: int, numbers: int) -> "_Rows":
        """The first records, where more was allotted than needed."""
        rows = _Rows(self.values[:numbers], self.indices[:numbers], self.starts[: count + 1], self.first_record)
        for name in ("labels", "labelled", "weights", "groups"):
            setattr(rows, name, getattr(self, name)[:count])
        rows.ordered = self.ordered
        return rows

    def block(self, indexing: "_Indexing") -> Block:
        if len(self.indices):
            self._check_indices(indexing)
        indices = self.indices - np.int32(indexing.base) if indexing.base else self.indices
        features = sparse.csr_matrix((self.values, indices, self.starts), shape=(len(self), indexing.dimension))
        if self.ordered:
            features.has_canonical_format = True
        features.sort_indices()
        labels = self.labels if len(self) and self.labelled.all() else None
        weighted, grouped = ~np.isnan(self.weights), self.groups >= 0
        return Block(
            features, labels, self._all_or_none("weight", self.weights, weighted),
            self._all_or_none("qid", self.groups, grouped),
        )  # fmt: skip

    def _check_indices(self, indexing: "_Indexing") -> None:
        outside = (self.indices < indexing.base) | (self.indices >= indexing.dimension + indexing.base)
        if outside.any():
            place = int(np.argmax(outside))
            record = self.first_record + int(np.searchsorted(self.starts, place, "right")) - 1
            low, high = indexing.base, indexing.dimension + indexing.base - 1
            raise FormatError(f"record {record} has the index {self.indices[place]}; indices run from {low} to {high}",
                              record=record)  # fmt: skip

    def _all_or_none(self, what: str, numbers: np.ndarray, present: np.ndarray) -> np.ndarray | None:
        if not present.any():
            return None
        if not present.all():
            record = self.first_record + int(np.argmin(present))
            raise FormatError(f"record {record} has no {what}; others have one", record=record)
        return numbers


class _Indexing:
    """From which number indices count, and how many there are."""

    def __init__(self, base: int, dimension: int) -> None:
        self.base = base
        self.dimension = dimension

    @classmethod
    def of(cls, parts: Iterable[_Rows], dimension: int | None, one_based: bool | None) -> "_Indexing":
        low, high = _INDEX_MAX, -1
        for rows in parts:
            if len(rows.indices):
                low, high = min(low, int(rows.indices.min())), max(high, int(rows.indices.max()))
        base = int(high >= 0 and low >= 1) if one_based is None else int(one_based)
        return cls(base, high + 1 - base if dimension is None else dimension)


class _Parser:
    """Parses pieces of one text, cut at line ends."""

    def __init__(self, labels: bool) -> None:
        self._labels = labels
        self._line = 1
        self._record = 1

    def rows(self, data: np.ndarray) -> _Rows:
        kernels = jit.kernels(_KERNELS, len(data))
        rows = self._interpreted(data) if kernels is None else self._compiled(kernels, data)
        self._line += int(np.count_nonzero(data == 10))
        self._record += len(rows)
        return rows

    def _interpreted(self, data: np.ndarray) -> _Rows:
        text = data.tobytes()
        rows = self._allotted(text.count(b":"), text.count(b"\n") + 1)
        count = filled = 0
        for number, line in enumerate(text.split(b"\n"), self._line):
            if found := _parsed(line, number, self._labels):
                filled = self._put(rows, count, filled, found)
                count += 1
        return rows.cut(count, filled)

    def _compiled(self, kernels: ModuleType, data: np.ndarray) -> _Rows:
        colons, lines = (int(np.count_nonzero(data == character)) for character in b":\n")
        rows = self._allotted(colons, lines + 1)
        at = count = filled = 0
        while True:
            at, count, filled, ordered, odd = kernels.parse(
                data, at, self._labels, count, filled, rows.values, rows.indices, rows.starts,
                rows.labels, rows.labelled, rows.weights, rows.groups,
            )  # fmt: skip
            rows.ordered &= ordered
            if not odd:
                return rows.cut(count, filled)
            end = _line_end(data, at)
            if found := self._odd(data, at, end):
                filled = self._put(rows, count, filled, found)
                count += 1
            at = end

    def _odd(self, data: np.ndarray, start: int, end: int) -> "_Line | None":
        """A line the compiled code left alone: an unusual number, or an error."""
        text = data[start:end].tobytes()
        try:
            return _parsed(text, 0, self._labels)
        except FormatError:
            number = self._line + int(np.count_nonzero(data[:start] == 10))
            return _parsed(text, number, self._labels)

    def _allotted(self, numbers: int, lines: int) -> _Rows:
        starts = np.zeros(lines + 1, np.int32 if numbers < 1 << 31 else np.int64)
        return _Rows(np.empty(numbers, np.float32), np.empty(numbers, np.int32), starts, self._record)

    @staticmethod
    def _put(rows: _Rows, count: int, filled: int, found: "_Line") -> int:
        label, weight, group, indices, values = found
        end = filled + len(indices)
        with np.errstate(over="ignore"):
            rows.indices[filled:end], rows.values[filled:end] = indices, values
            rows.labels[count], rows.labelled[count] = (0, False) if label is None else (label, True)
            rows.weights[count], rows.groups[count] = weight, group
        rows.starts[count + 1] = end
        rows.ordered &= all(map(int.__lt__, indices, indices[1:]))
        return end


def _line_end(data: np.ndarray, at: int) -> int:
    step = 1 << 12
    for start in range(at, len(data), step):
        if len(found := np.flatnonzero(data[start : start + step] == 10)):
            return start + int(found[0])
    return len(data)


_Line = tuple[float | None, float, int, list[int], list[float]]
"""Label or None, weight or NaN, group or -1, indices, values."""


def _parsed(line: bytes, number: int, labels: bool) -> _Line | None:
    """One line, or None when it is blank. Raises FormatError."""
    tokens = line.split(b"#", 1)[0].split()
    if not tokens:
        return None
    label, weight, group = None, float("nan"), -1
    indices: list[int] = []
    values: list[float] = []
    first, colon, rest = tokens[0].partition(b":")
    if labels or not colon:
        label = _number(first, tokens[0], number)
        weight = _number(rest, tokens[0], number) if colon else weight
        del tokens[0]
    for token in tokens:
        index, colon, value = token.partition(b":")
        if index == b"qid":
            if not value.isdigit() or indices or len(value) > _DIGITS_MAX:
                raise _wrong(
                    token, number, f"must be qid:group, a number of up to {_DIGITS_MAX} digits before all indices"
                )
            group = int(value)
        elif not colon or not index.isdigit() or len(index) > _DIGITS_MAX or int(index) > _INDEX_MAX:
            raise _wrong(token, number, f"must be index:value with an index from 0 to {_INDEX_MAX}")
        else:
            indices.append(int(index))
            values.append(_number(value, token, number))
    return label, weight, group, indices, values


def _number(text: bytes, token: bytes, line: int) -> float:
    try:
        if b"_" in text:
            raise ValueError
        return float(text)
    except ValueError:
        raise _wrong(token, line, "does not hold a number where one must be") from None


def _wrong(token: bytes, line: int, what: str) -> FormatError:
    shown = token[:40].decode("utf-8", "replace")
    return FormatError(f"line {line}: {shown!r} {what}", line=line)


def encode(features: Any, labels: np.ndarray | None = None, weights: np.ndarray | None = None) -> bytes:
    """One line per record; zeros of a dense matrix are left out. Without labels a line starts with its first feature.

    features : (n, d) ndarray or sparse matrix; labels, weights : (n,). Raises ValueError if they do not go together.

    >>> encode(np.float32([[0.5, 0, 2]]), np.float32([1]))
    b'1 0:0.5 2:2\\n'
    """
    rows = sparse.csr_matrix(features)
    for column in (labels, weights):
        if column is not None and len(column) != rows.shape[0]:
            raise ValueError(f"there must be one label and weight per record; got {len(column)} for {rows.shape[0]}")
    if weights is not None and labels is None:
        raise ValueError("a weight is written behind a label; there are no labels")
    pairs = list(map("%d:%s".__mod__, zip(rows.indices.tolist(), _texts(rows.data), strict=True)))
    heads = [] if labels is None else _texts(labels)
    if weights is not None:
        heads = list(map("%s:%s".__mod__, zip(heads, _texts(weights), strict=True)))
    ends = rows.indptr.tolist()
    lines = (" ".join([*heads[i : i + 1], *pairs[ends[i] : ends[i + 1]]]) + "\n" for i in range(rows.shape[0]))
    return "".join(lines).encode()


def _texts(numbers: Any) -> list[str]:
    """The shortest texts that read back as the same float32."""
    words = np.asarray(numbers, np.float32).astype("U").tolist()
    return [word.removesuffix(".0") for word in words]
