"""Files that carry a schema: Parquet, ORC, Avro. Those of one schema are read together.

Columns are found by name in any case, or by their place; one that a file does not have is null. A value is brought to
its declared type where that loses nothing; what cannot be is HIVE_BAD_DATA.
"""

import dataclasses
from collections.abc import Callable, Sequence

import pyarrow as pa

from lakemill.lakesql import types
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.fitting import Unfitting, fitted
from lakemill.lakesql.scans.objects import File, Meter
from lakemill.lakesql.scans.table import Column, Storage

Places = Sequence[int | None]


@dataclasses.dataclass(frozen=True)
class Inside:
    """What a file's footer says. bytes_of: what reading the columns at some places takes."""

    schema: pa.Schema
    rows: int | None
    bytes_of: Callable[[set[int]], int]


@dataclasses.dataclass(frozen=True)
class Alike:
    """Files of one schema."""

    schema: pa.Schema
    files: list[File]


Relation = Callable[[Alike, set[int], Constants], tuple[str, list[str]]]
"""Makes a relation of files, with the columns at some places: what stands after FROM, and expressions for constants."""


@dataclasses.dataclass(frozen=True)
class Format:
    """One of them. name: in messages. by_place: whether columns are found by their place."""

    name: str
    inside: Callable[[File], Inside]
    relation: Relation
    by_place: bool = False

    def selects(
        self, storage: Storage, files: Sequence[File], columns: Sequence[Column], constants: Constants, meter: Meter
    ) -> list[str]:
        """A SELECT for each schema that the files have, with these columns and constants.

        files: local ones. columns: those that are wanted, of the table. Raises SqlFailed.
        """
        alike: dict[pa.Schema, Alike] = {}
        for file in files:
            inside = self.inside(file)
            places = self._places(storage, inside.schema, columns)
            meter.add(inside.bytes_of(_known(places)))
            if inside.rows != 0:
                alike.setdefault(inside.schema, Alike(inside.schema, [])).files.append(file)
        return [self._select(storage, one, columns, constants) for one in alike.values()]

    def _select(self, storage: Storage, alike: Alike, columns: Sequence[Column], constants: Constants) -> str:
        places = self._places(storage, alike.schema, columns)
        terms = [self._term(column, place, alike) for column, place in zip(columns, places, strict=True)]
        relation, texts = self.relation(alike, _known(places), constants)
        terms += constants.typed(texts)
        return f"SELECT {', '.join(terms) or '1 AS one'} FROM {relation}"

    def _term(self, column: Column, place: int | None, alike: Alike) -> str:
        type = types.of_hive(column.type)
        if place is None:
            return f"NULL::{type.duckdb()} AS {sql.name(column.name)}"
        field = alike.schema.field(place)
        try:
            return f"{fitted(sql.name(field.name), field.type, type)} AS {sql.name(column.name)}"
        except Unfitting:
            raise SqlFailed(
                "HIVE_BAD_DATA",
                f"Field {column.name}'s type {field.type} in {self.name} file {alike.files[0].uri} is incompatible "
                f"with type {type.trino()} defined in table schema",
            ) from None

    def _places(self, storage: Storage, schema: pa.Schema, columns: Sequence[Column]) -> Places:
        if self.by_place:
            order = {column.name: place for place, column in enumerate(storage.columns) if place < len(schema)}
        else:
            order = {name.lower(): place for place, name in reversed(list(enumerate(schema.names)))}
        return [order.get(column.name) for column in columns]


def scanned(function: str, alike: Alike, constants: Constants, options: str = "") -> tuple[str, list[str]]:
    """A relation that DuckDB reads by itself, which has a `file_index`."""
    lists = [sql.texts(values) for values in zip(*map(constants.values, alike.files), strict=True)]
    paths = ", ".join(sql.text(file.path) for file in alike.files)
    return f"{function}([{paths}]{options})", [f"({texts})[CAST(file_index AS BIGINT) + 1]" for texts in lists]


def _known(places: Places) -> set[int]:
    return {place for place in places if place is not None}
