"""JSON records as Arrow columns, by the block: compiled for what is usual, jsonserde.py for the rest."""

import dataclasses
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.formats import hive, jit, jsonserde
from lakemill.formats.jsonserde import Column, HiveJson, OpenX, Refused, RowReader, Serde

_KERNEL = "lakemill.formats.jsoncolumns_kernel"
_BLOCK_BYTES = 2 << 20  # What fits the processor's caches is quickest.
_BLOCK_RECORDS = 1 << 13
_WHOLE_TYPES = {"tinyint": np.int8, "smallint": np.int16, "int": np.int32, "bigint": np.int64}
_RAW_TYPES = ("array", "map", "struct", "decimal")


class Blocks(Protocol):
    """Records as Arrow arrays of some MB, one after the other. An array is not looked at once the next one is made."""

    nbytes: int
    """Of all arrays."""

    def __iter__(self) -> Iterator[pa.BinaryArray]: ...


Records: TypeAlias = Sequence[bytes] | pa.BinaryArray | Blocks


@dataclasses.dataclass(frozen=True)
class Failure:
    """A record that gave no rows: its place among the records, jsonserde's code, and a sentence for the user."""

    index: int
    code: str
    message: str


class ColumnReader:
    """Tables of one schema from records. unit, of timestamps: ns or us.

    compiled: True or False to insist; None chooses by the size of what is read.
    Raises hive.TypeUnknown and moments.PatternRefused.
    """

    def __init__(
        self, columns: Sequence[Column], serde: Serde, unit: str = "ns", *, compiled: bool | None = None
    ) -> None:
        self._types = [hive.parse(column.type) for column in columns]
        self.schema = pa.schema(
            [pa.field(column.name, hive.arrow(type, unit)) for column, type in zip(columns, self._types, strict=True)]
        )
        self._slow = RowReader(columns, serde, unit)
        self._keys = [jsonserde.key_of(column.name, serde).encode() for column in columns]
        self._serde, self._unit, self._compiled = serde, unit, compiled
        self._state: _Compiled | None = None

    def read(self, records: Records) -> tuple[pa.Table, list[Failure]]:
        """All rows in the records' order, and what failed. Raises jsonserde.TimeOutOfRange (unit ns only)."""
        batches: list[pa.RecordBatch] = []
        failures: list[Failure] = []
        kernel = self._kernel(records)
        if kernel is not None and self._state is None:
            self._state = _Compiled(self, kernel)
        start = 0
        for part in _parts(records, arrays=kernel is not None):
            if kernel is not None:
                self._read_block(start, part, batches, failures)
            else:
                made, _, found = self._read_slowly(part, range(len(part)), start)
                batches += made
                failures += found
            start += len(part)
        return pa.Table.from_batches(batches, self.schema), failures

    def _kernel(self, records: Records) -> ModuleType | None:
        if self._compiled is False or len(set(self._keys)) < len(self._keys):  # Two columns of one key: rare.
            return None
        size = 0
        if not isinstance(records, Sequence):
            size, records = records.nbytes, []
        for record in records:
            size += len(record)
            if size >= jit.COLD_BYTES:
                break
        return jit.kernels(_KERNEL, jit.COLD_BYTES if self._compiled else size)

    def _read_block(self, start: int, part: pa.Array, batches: list[Any], failures: list[Failure]) -> None:
        assert self._state
        refused = not_text(part)
        places: list[np.ndarray] = []
        quick: list[pa.RecordBatch] = []
        for batch, place in self._state.batches(part, refused):
            quick.append(batch)
            places.append(place)
        if not refused.any():
            batches += quick
            return
        slow, slow_places, found = self._read_slowly(part, np.flatnonzero(refused).tolist(), start)
        failures += found
        if not slow:
            batches += quick
            return
        table = pa.Table.from_batches([*quick, *slow], self.schema)
        order = np.argsort(np.concatenate([*places, np.asarray(slow_places)]), kind="stable")
        batches += table.combine_chunks().take(pa.array(order)).to_batches()

    def _read_slowly(
        self, records: Sequence[bytes] | pa.BinaryArray, indices: Sequence[int], start: int
    ) -> tuple[list[pa.RecordBatch], list[int], list[Failure]]:
        """Rows as batches, the record each is of, and what failed. start: of the first of these among all."""
        rows: list[list[Any]] = []
        places: list[int] = []
        failures: list[Failure] = []
        for index in indices:
            record = records[index]
            try:
                found = self._slow.rows(record if isinstance(record, bytes) else record.as_py())
            except Refused as refused:
                failures.append(Failure(start + index, refused.code, refused.message))
                continue
            rows += found
            places += [index] * len(found)
        if not rows:
            return [], [], failures
        columns = [array_of([row[place] for row in rows], field.type) for place, field in enumerate(self.schema)]
        return [pa.record_batch(columns, schema=self.schema)], places, failures


def _parts(records: Records, *, arrays: bool) -> Iterator[Any]:
    """Records in order: by arrays of what fits the processor's caches, or as they are."""
    step = 256
    for some in [records] if isinstance(records, pa.Array | Sequence) else records:
        start = 0
        while start < len(some):
            part: Any = some[start : start + step] if arrays else some
            if arrays and not isinstance(part, pa.Array):
                part = pa.array(part, pa.binary())
            yield part
            start += len(part)
            if arrays:
                step = max(1, min(_BLOCK_RECORDS, step * _BLOCK_BYTES // max(1, part.nbytes)))


def array_of(values: list[Any], type: pa.DataType) -> pa.Array:
    """Values that a convertor made as an Arrow array."""
    return pa.array(values, type)


def not_text(records: pa.BinaryArray) -> np.ndarray:
    """(n,) bool: which are not UTF-8."""
    try:
        records.cast(pa.string())
    except pa.ArrowInvalid:
        return np.array([not _is_text(one.as_py()) for one in records], bool)
    return np.zeros(len(records), bool)


def gathered(
    kernel: Any, type: pa.DataType, bitmap: Any, address: int, size: int, valid: np.ndarray, cells: np.ndarray
) -> pa.Array:
    """The slices of one column, that a kernel has found, as an array; those that are none are empty.

    address, size: of the bytes. bitmap: which values are there, as Arrow has it; None if all. valid, cells (n,): as the
    kernel has them.
    """
    offsets = np.empty(len(valid) + 1, np.int32)
    data = np.empty(kernel.measured(cells, valid) + 8, np.uint8)
    kernel.gathered(address, size - 8, cells, valid, data.ctypes.data, offsets)
    return pa.Array.from_buffers(type, len(valid), [bitmap, pa.py_buffer(offsets), pa.py_buffer(data)])


def _is_text(record: bytes) -> bool:
    try:
        record.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Compiled:
    """The tables the compiled loop works with, and its results as arrays."""

    def __init__(self, reader: ColumnReader, kernel: Any) -> None:
        self._kernel, self._schema, self._types = kernel, reader.schema, reader._types
        self._convertors = reader._slow.convertors
        serde = reader._serde
        self._fold = isinstance(serde, HiveJson) or serde.case_insensitive
        self._dots = isinstance(serde, OpenX) and serde.dots_to_underscores
        self._lenient = isinstance(serde, OpenX)
        self._scale = 1_000_000_000 if reader._unit == "ns" else 1_000_000
        raw = _RAW_TYPES if self._lenient or not serde.timestamp_formats else (*_RAW_TYPES, "timestamp")  # type: ignore[union-attr]
        self._kinds = np.array([self._kind(type.name, raw) for type in self._types], np.int64)
        bits = [jsonserde.WHOLE_RANGES.get(type.name, 0) for type in self._types]
        self._lows = np.array([-(1 << bit) for bit in bits], np.int64)
        self._highs = np.array([(1 << bit) - 1 for bit in bits], np.int64)
        self._keys = np.frombuffer(b"".join(reader._keys) or b"\0", np.uint8)
        self._bounds = np.cumsum([0, *map(len, reader._keys)])
        size = 8
        while size <= 2 * len(reader._keys):
            size *= 2
        self._table = np.full(size, -1, np.int64)
        kernel.hashed(self._keys, self._bounds, self._table)
        self._valid = np.zeros((len(self._types), 0), np.uint8)
        self._cells = np.zeros((len(self._types), 0), np.int64)

    def _kind(self, name: str, raw: tuple[str, ...]) -> int:
        k = self._kernel
        if name in raw:
            return k.RAW
        kinds = {"float": k.REAL, "double": k.REAL, "boolean": k.BOOL, "date": k.DATE, "timestamp": k.TIME}
        return k.INT if name in _WHOLE_TYPES else kinds.get(name, k.TEXT)

    def batches(self, part: pa.Array, refused: np.ndarray) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
        """Rows of the records that are not refused, with the record of each; marks those that it refuses."""
        _, offsets, data = part.buffers()
        count = len(part)
        bounds = np.frombuffer(offsets, np.int32, count + 1, 4 * part.offset)
        address = data.address if data is not None else 0
        start = 0
        self._grow(max(count, int(bounds[-1] - bounds[0]) // 64))
        while start < count:
            rows = np.zeros(count - start, np.int64)
            gone, filled = self._kernel.taken(
                *(address, bounds[start:], refused[start:], rows, self._fold, self._dots, self._lenient, self._scale),
                *(self._keys, self._bounds, self._table, self._kinds, self._lows, self._highs),
                *(self._valid, self._cells),
            )
            if filled:
                try:
                    batch = self._batch(address, int(bounds[-1]), rows, start, filled, refused)
                finally:  # A time out of range ends this read, not the reader.
                    self._valid[:, :filled] = 0
                yield batch
            elif gone < count - start:
                self._grow(2 * self._valid.shape[1])  # One record of very many rows.
            start += gone

    def _grow(self, rows: int) -> None:
        if rows >= self._valid.shape[1]:
            # Some more, so that the columns do not all begin at the same place of the cache.
            self._valid = np.zeros((len(self._types), rows + 37), np.uint8)
            self._cells = np.empty((len(self._types), rows + 37), np.int64)

    def _batch(
        self, address: int, size: int, rows: np.ndarray, start: int, filled: int, refused: np.ndarray
    ) -> tuple[pa.RecordBatch, np.ndarray]:
        places = np.arange(start, start + len(rows))
        if filled != len(rows) or not (rows == 1).all():
            places = np.repeat(places, rows)
        columns = []
        for column, type in enumerate(self._types):
            valid, cells = self._valid[column, :filled], self._cells[column, :filled]
            if self._kinds[column] == self._kernel.RAW:
                columns.append(self._raw(column, address, valid, cells, places, refused))
            else:
                columns.append(self._plain(column, type, address, size, valid, cells))
        batch = pa.record_batch(columns, schema=self._schema)
        if refused.any() and (bad := refused[places]).any():
            return batch.filter(pa.array(~bad)), places[~bad]
        return batch, places

    def _raw(
        self, column: int, address: int, valid: np.ndarray, cells: np.ndarray, places: np.ndarray, refused: np.ndarray
    ) -> pa.Array:
        """Values that are converted one by one; a record whose value does not convert is refused."""
        make = self._convertors[column]
        values: list[Any] = [None] * len(valid)
        for row in np.flatnonzero(valid).tolist():
            cell = int(cells[row])
            text = pa.foreign_buffer(address + (cell >> 32), cell & 0x7FFFFFFF).to_pybytes()
            try:
                values[row] = make(jsonserde.decode(text))
            except jsonserde.Mismatch:
                refused[places[row]] = True
        return array_of(values, self._schema.field(column).type)

    def _plain(
        self, column: int, type: hive.Type, address: int, size: int, valid: np.ndarray, cells: np.ndarray
    ) -> pa.Array:
        k, kind, count = self._kernel, self._kinds[column], len(valid)
        bitmap = None if valid.all() else pa.py_buffer(np.packbits(valid != 0, bitorder="little"))
        arrow = self._schema.field(column).type
        if kind == k.TEXT:
            return self._texts(type, arrow, bitmap, address, size, valid, cells)
        if kind == k.BOOL:
            data: np.ndarray = np.packbits(cells == 1, bitorder="little")
        elif kind == k.REAL:
            data = cells.view(np.float64).copy()
            hard = valid == k.ESCAPED
            if hard.any():
                data[hard] = self._careful(address, size, hard, cells)
            if type.name == "float":
                with np.errstate(over="ignore", invalid="ignore"):
                    data = data.astype(np.float32)
        elif kind == k.DATE:
            data = cells.astype(np.int32)
        else:
            data = cells.astype(_WHOLE_TYPES.get(type.name, np.int64))
        return pa.Array.from_buffers(arrow, count, [bitmap, pa.py_buffer(data)])

    def _careful(self, address: int, size: int, hard: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Doubles of many digits, rounded correctly."""
        valid = np.ones(np.count_nonzero(hard), np.uint8)
        texts = gathered(self._kernel, pa.string(), None, address, size, valid, cells[hard])
        try:
            return pc.cast(texts, pa.float64()).to_numpy()
        except pa.ArrowInvalid:  # Beyond the range of a double: infinite or zero.
            return np.array([float(text) for text in texts.to_pylist()])

    def _texts(
        self, type: hive.Type, arrow: pa.DataType, bitmap: Any, address: int, size: int, valid: Any, cells: Any
    ) -> pa.Array:
        texts = gathered(self._kernel, arrow, bitmap, address, size, valid, cells)
        if type.name in ("varchar", "char"):
            if (np.diff(np.frombuffer(texts.buffers()[1], np.int32)) > type.numbers[0]).any():
                texts = pc.utf8_slice_codeunits(texts, 0, type.numbers[0])
            if type.name == "char":
                texts = pc.utf8_rtrim(texts, characters=" ")
        return texts
