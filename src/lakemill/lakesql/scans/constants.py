"""Columns that are the same for all rows of a file: partition keys, and hidden ones such as "$path"."""

import datetime
from collections.abc import Sequence

import pyarrow as pa

from lakemill.lakesql import types
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.scans.table import HIDDEN, HIDDEN_TYPES, Column, Table


class Constants:
    """Those of a table that a scan needs. names: of their columns, in order."""

    def __init__(self, table: Table, wanted: Sequence[str]) -> None:
        self._keys = [(place, key) for place, key in enumerate(table.keys) if key.name in wanted]
        self._hidden = [
            Column(name, type) for name, type in zip(HIDDEN, HIDDEN_TYPES, strict=True) if name in wanted
        ]  # fmt: skip
        self.columns = [*(key for _, key in self._keys), *self._hidden]

    def values(self, file: File) -> list[str | None]:
        """The texts of a file's constants."""
        moment = datetime.datetime.fromtimestamp(file.source.modified_s, datetime.UTC)
        hidden = {
            "$path": file.uri,
            "$file_size": str(file.source.size),
            "$file_modified_time": f"{moment:%Y-%m-%d %H:%M:%S}",
        }
        return [*(file.values[place] for place, _ in self._keys), *(hidden[one.name] for one in self._hidden)]

    def arrays(self, file: File, rows: int) -> list[pa.Array]:
        """Each constant as so many rows of text."""
        return [pa.repeat(pa.scalar(value, pa.string()), rows) for value in self.values(file)]

    def typed(self, texts: Sequence[str]) -> list[str]:
        """A term of SELECT for each, given an expression of its text."""
        return [_typed(column, text) for column, text in zip(self.columns, texts, strict=True)]


def _typed(column: Column, text: str) -> str:
    type = types.of_hive(column.type)
    if type.name in ("varchar", "char"):
        return f"{text} AS {sql.name(column.name)}"
    wrong = sql.failure(
        "HIVE_INVALID_PARTITION_VALUE",
        f"'Invalid partition value ''' || {text} || ''' for {type.trino()} partition key: {column.name}'",
    )
    cast = f"TRY_CAST({text} AS {type.duckdb()})"
    checked = f"CASE WHEN {text} IS NULL THEN NULL WHEN {cast} IS NULL THEN {wrong} ELSE {cast} END"
    return f"CAST({checked} AS {type.duckdb()}) AS {sql.name(column.name)}"
