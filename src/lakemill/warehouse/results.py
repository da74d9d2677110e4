"""What a statement gives."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lakemill.lakesql.types import Type

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class Result:
    """The outcome of one statement.

    tag : str
        As CommandComplete tells it: `SELECT`, `INSERT 0 5`, `CREATE TABLE`.
    columns : list of (name, Type) or None
        None where there is no result.
    batches : iterable of RecordBatch
        Its rows, once; they may come while the query runs, and raise what it fails with.
    rows : int
        Rows that were written; -1 where that has no meaning.
    notices : list of str
    """

    tag: str
    columns: list[tuple[str, Type]] | None = None
    batches: "Iterable[pa.RecordBatch]" = ()
    rows: int = -1
    notices: list[str] = field(default_factory=list)

    def rows_left(self) -> "Iterator[pa.RecordBatch]":
        """The batches, also where those that are left are put aside meanwhile."""
        self.batches = iter(self.batches)
        while (batch := next(self.batches, None)) is not None:
            yield batch


def spooled(batches: "Iterable[pa.RecordBatch]", path: Path) -> "Iterator[pa.RecordBatch]":
    """The same rows from a file, so that the query behind them has ended; the file goes when they have been read."""
    import pyarrow as pa

    writer = None
    with pa.OSFile(str(path), "wb") as file:
        for batch in batches:
            writer = writer or pa.ipc.new_file(file, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
    return _read(path, writer is None)


def _read(path: Path, empty: bool) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    try:
        if not empty:
            with pa.memory_map(str(path)) as source:
                reader = pa.ipc.open_file(source)
                for number in range(reader.num_record_batches):
                    yield reader.get_batch(number)
    finally:
        path.unlink(missing_ok=True)
