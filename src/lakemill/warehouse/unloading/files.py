"""Rows as files in a folder, each no larger than allowed; a new folder of the lake begins a new file."""

import bz2
import dataclasses
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.warehouse.unloading.statement import Unload

PATH = "$path"
"""The column with the folder of a row below the prefix, in which rows come together."""
_BLOCK_BYTES = 1 << 20


@dataclasses.dataclass
class Piece:
    """A file. folder: below the prefix. number: among those of its folder. size: in bytes, once it is whole."""

    path: Path
    folder: str
    number: int
    rows: int = 0
    size: int = 0


Open = Callable[[Path], "LineFile | ParquetFile"]


class LineFile:
    """Text, packed or not. Batches have one column, of lines."""

    def __init__(self, path: Path, unload: Unload, header: str) -> None:
        self._file = path.open("wb")
        self._target = _packing(self._file, unload.packing)
        self._target.write(header.encode())

    def write(self, batch: pa.RecordBatch) -> None:
        """The texts' bytes stand one after the other in a column, so they are written as they are."""
        column = batch.column(0).cast(pa.large_string())
        _, offsets, data = column.buffers()
        bounds = memoryview(offsets).cast("q")[column.offset : column.offset + len(column) + 1]
        self._target.write(memoryview(data)[bounds[0] : bounds[-1]])

    def size(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if self._target is not self._file:
            self._target.close()
        self._file.close()


class ParquetFile:
    """Parquet, packed by Snappy. Row groups are as large as they are allowed to be, before they are packed."""

    def __init__(self, path: Path, unload: Unload, schema: pa.Schema) -> None:
        self._path, self._group_bytes, self._waiting = path, unload.group_bytes, list[pa.RecordBatch]()
        self._schema, self._bytes = schema, 0
        self._writer = pq.ParquetWriter(path, schema, compression="snappy")

    def write(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._bytes += batch.nbytes
        if self._bytes >= self._group_bytes:
            self._write()

    def size(self) -> int:
        """With what waits to be written, taken as half as large once it is packed."""
        return self._path.stat().st_size + self._bytes // 2

    def close(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, self._schema)
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._waiting, self._bytes = [], 0


def _packing(file: Any, kind: str) -> Any:
    if kind == "GZIP":
        return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0)
    if kind == "BZIP2":
        return bz2.BZ2File(file, "wb")
    if kind == "ZSTD":
        return pa.CompressedOutputStream(pa.PythonFile(_Kept(file), "w"), "zstd")
    return file


class _Kept:
    """A file that its packer does not close."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True


def write(batches: Iterator[pa.RecordBatch], unload: Unload, folder: Path, opened: Open, whole: bool) -> list[Piece]:
    """Write all rows. whole: whether there is a file even without rows, unless rows go into folders.

    batches: where PATH is one of their columns, rows of a folder come together.
    """
    writing = _Writing(unload, folder, opened)
    for batch in batches:
        if PATH not in batch.schema.names:
            writing.add(batch, "")
            continue
        path = batch.schema.names.index(PATH)
        rest = batch.select([name for name in batch.schema.names if name != PATH])
        start = 0
        runs = pa.compute.run_end_encode(batch.column(path))
        for end, value in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
            writing.add(rest.slice(start, end - start), value)
            start = end
    if whole and not writing.pieces and not unload.keys:
        writing.begin("")
    return writing.end()


class _Writing:
    def __init__(self, unload: Unload, folder: Path, opened: Open) -> None:
        self._unload, self._folder, self._opened = unload, folder, opened
        self._file: LineFile | ParquetFile | None = None
        self.pieces: list[Piece] = []

    def add(self, batch: pa.RecordBatch, folder: str) -> None:
        if self._file is None or self.pieces[-1].folder != folder:
            self.begin(folder)
        step = max(1, batch.num_rows * _BLOCK_BYTES // max(1, batch.nbytes))
        for start in range(0, batch.num_rows, step):
            assert self._file is not None
            some = batch.slice(start, step)
            if self.pieces[-1].rows and self._file.size() + some.nbytes > self._unload.file_bytes_max:
                self.begin(folder)
            self._file.write(some)
            self.pieces[-1].rows += some.num_rows

    def begin(self, folder: str) -> None:
        self._close()
        last = self.pieces[-1] if self.pieces else None
        number = last.number + 1 if last is not None and last.folder == folder else 0
        piece = Piece(self._folder / f"piece{len(self.pieces)}", folder, number)
        self._file = self._opened(piece.path)
        self.pieces.append(piece)

    def end(self) -> list[Piece]:
        self._close()
        return self.pieces

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self.pieces[-1].size = self.pieces[-1].path.stat().st_size
        self._file = None
