"""Files of text as a stream of columns, and what makes the table's values of them."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from lakemill.formats import hive
from lakemill.lakesql import types
from lakemill.lakesql.scans import expressions, jsonlines, lazy, opencsv, sql
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.scans.table import Column, Storage

FILE = "$file"
"""The column of a stream that holds the URI of the file."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """How some columns of a storage are read.

    fields: of the stream that `batches` makes of a file. values: expressions over them, by column; a column without one
    is null.
    """

    fields: list[pa.Field]
    batches: Callable[[File], Iterator[list[Any]]]
    values: dict[str, str]


def reading(storage: Storage, columns: Sequence[Column], size_bytes: int) -> Reading:
    """Of a text format; size_bytes: of all files. Raises SqlFailed for what cannot be honoured."""
    if storage.format == "json":
        return _json(storage, columns, size_bytes)
    order = {column.name: place for place, column in enumerate(storage.columns)}
    there = [column for column in columns if column.name in order]
    places = [order[column.name] for column in there]
    fields = [pa.field(column.name, pa.string()) for column in there] or [pa.field("$none", pa.string())]
    batches, value = _FORMS[storage.format](storage)
    values = {
        column.name: value(sql.name(column.name), types.of_hive(column.type), place)
        for column, place in zip(there, places, strict=True)
    }
    return Reading(fields, lambda file: batches(file, places or [0]), values)


def _lazy(storage: Storage) -> Any:
    form = lazy.of_options(storage.options)
    return form.text.batches, lambda text, type, place: form.value(text, type)


def _opencsv(storage: Storage) -> Any:
    return opencsv.of_options(storage.options).batches, lambda text, type, place: opencsv.value(
        text, type, place, sql.name(FILE)
    )


def _regex(storage: Storage) -> Any:
    return expressions.of_options(storage.options), lambda text, type, place: lazy.primitive(text, type)


def _grok(storage: Storage) -> Any:
    return expressions.of_grok(storage.options), lambda text, type, place: lazy.primitive(text, type)


_FORMS = {"lazy": _lazy, "opencsv": _opencsv, "regex": _regex, "grok": _grok}


def _json(storage: Storage, columns: Sequence[Column], size_bytes: int) -> Reading:
    wanted = list(columns) or [Column("$none", "string")]
    tables = jsonlines.reader(storage, wanted, size_bytes)
    fields = [pa.field(column.name, hive.arrow(hive.parse(column.type), "us")) for column in wanted]

    def batches(file: File) -> Iterator[list[Any]]:
        for table in tables(file):
            for batch in table.to_batches():
                yield batch.columns

    return Reading(fields, batches, {column.name: sql.name(column.name) for column in columns})
