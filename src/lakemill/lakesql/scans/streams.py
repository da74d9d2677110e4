"""Rows that are made by the block in Python, as a relation that DuckDB may read any number of times."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from lakemill.lakesql.errors import SqlFailed


class Stream:
    """What DuckDB scans: every scan begins `batches` anew.

    failure: what a scan failed with. DuckDB tells it as an error of its own, from which nothing can be read.
    """

    def __init__(self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self.schema, self._batches = schema, batches
        self.failure: SqlFailed | MemoryError | None = None

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        reader = pa.RecordBatchReader.from_batches(self.schema, self._guarded())
        return reader.__arrow_c_stream__(requested_schema)

    def _guarded(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches()
        except (SqlFailed, MemoryError) as failed:
            self.failure = failed
            raise
        except pa.ArrowMemoryError as failed:
            self.failure = MemoryError(str(failed))
            raise
