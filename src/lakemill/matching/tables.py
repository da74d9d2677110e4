"""Tables as they are handed in, and the keys of their records."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.matching.errors import MatchingError


def as_table(data: Any) -> pa.Table:
    """An Arrow table of an Arrow table, a record batch, a pandas DataFrame, or a dict of columns.

    >>> as_table({"id": [1, 2], "name": ["Ann", "Bob"]}).num_rows
    2
    """
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, dict):
        return pa.table(data)
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        return pa.Table.from_pandas(data, preserve_index=False)
    raise MatchingError(f"A table must be an Arrow table, a DataFrame or a dict of columns; got {type(data).__name__}")


def keys_of(table: pa.Table, primary_key: str) -> pa.StringArray:
    """The primary key of every record as text, (n,).

    Raises MatchingError if the column is absent, or a key is missing or there twice.
    """
    if primary_key not in table.column_names:
        raise MatchingError(f"The primary key {primary_key} is no column of the table: {', '.join(table.column_names)}")
    keys = as_text(table.column(primary_key))
    if keys.null_count:
        raise MatchingError(f"The primary key {primary_key} is missing in {keys.null_count} records")
    counts = pc.value_counts(keys)
    if len(counts) < len(keys):
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0]
        raise MatchingError(f"The primary key {primary_key} must be unique; {twice.as_py()!r} is there more than once")
    return keys


def as_text(column: Any) -> pa.StringArray:
    """A column as text: what a CSV file would hold. Whole floating-point numbers lose their fraction.

    >>> as_text(pa.array([1.0, 2.5, None])).to_pylist()
    ['1', '2.5', None]
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # What combine_chunks gives for no rows in some versions.
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float64())
        array = pc.if_else(pc.is_nan(array), None, array)
        whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), 2**53))
        return pc.if_else(
            whole, pc.if_else(whole, array, 0).cast(pa.int64()).cast(pa.string()), array.cast(pa.string())
        )
    if pa.types.is_nested(array.type) or pa.types.is_interval(array.type):
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        return pa.array([None if v is None else v.decode("utf-8", "replace") for v in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def places_of(keys: pa.StringArray, wanted: Any) -> np.ndarray:
    """The row of each wanted key, (m,) int64; -1: it is not there."""
    found = pc.index_in(pa.array(wanted, pa.string()) if not isinstance(wanted, pa.Array) else wanted, keys)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def with_rows(table: pa.Table, more: pa.Table, primary_key: str) -> pa.Table:
    """The table with those rows of another one whose keys it does not have; columns only the other has are left out."""
    places = places_of(keys_of(table, primary_key), as_text(more.column(primary_key)))
    fresh = more.filter(pa.array(places < 0))
    if not fresh.num_rows:
        return table
    _, first = np.unique(as_text(fresh.column(primary_key)).to_numpy(zero_copy_only=False), return_index=True)
    return stacked(table, fresh.take(pa.array(np.sort(first))))


def stacked(table: pa.Table, more: pa.Table) -> pa.Table:
    """One table below the other, with the columns of the first; those that differ in type become text."""
    columns: list[Any] = []
    for name in table.column_names:
        one = table.column(name)
        other = more.column(name) if name in more.column_names else pa.nulls(more.num_rows, one.type)
        if one.type != other.type:
            one, other = as_text(one), as_text(other)
        chunks: list[Any] = []
        for part in (one, other):
            chunks += part.chunks if isinstance(part, pa.ChunkedArray) else [part]
        columns.append(pa.chunked_array(chunks, chunks[0].type if chunks else one.type))
    return pa.table(columns, names=table.column_names)


def compared_columns(table: pa.Table, primary_key: str, ignored: Sequence[str] = ()) -> list[str]:
    return [name for name in table.column_names if name != primary_key and name not in ignored]
