"""Records of a source as rows of an input stream.

A record holds JSON documents, one or several after the other, or lines of CSV. What cannot be read, and rows with a
value that their column cannot take, are told as `Fault`s.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any

import msgspec
import pyarrow as pa

from lakemill.streamsql import jsonpath
from lakemill.streamsql.coercion import column as coerced
from lakemill.streamsql.sqltypes import field, named

_TYPE = re.compile(r"\s*([A-Za-z]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$")
_BLANK = re.compile(r"\s*")


@dataclass(frozen=True)
class Fault:
    """A row, or a whole record, that is not taken. record: its place among those given."""

    record: int
    name: str
    message: str
    data: bytes


@dataclass(frozen=True)
class Rows:
    """batch: the rows. origins: for each, the place of its record among those given."""

    batch: pa.RecordBatch
    origins: list[int]
    faults: list[Fault]


def column_field(name: str, sql_type: str) -> pa.Field:
    """The Arrow field of a column of a SQL type as a text, `VARCHAR(16)`. Raises ValueError.

    >>> column_field("price", "decimal(10, 2)").type
    Decimal128Type(decimal128(10, 2))
    """
    match = _TYPE.match(sql_type)
    if match is None:
        raise ValueError(f"{sql_type!r} of column {name} is no SQL type")
    return field(name, named(match[1].upper(), [int(one) for one in match.groups()[1:] if one]))


class RecordReader:
    """Reads records of one form.

    form: a document with `format` ("JSON" or "CSV"), `columns` (a list of {"name", "type", "mapping"}), and `row_path`
    (JSON) or `row_delimiter` and `column_delimiter` (CSV). A mapping may begin with the row path or at the row.
    Raises ValueError for what cannot be.
    """

    def __init__(self, form: dict[str, Any]) -> None:
        self.schema = pa.schema([column_field(one["name"], one["type"]) for one in form["columns"]])
        if len(set(self.schema.names)) < len(self.schema):
            raise ValueError("Two columns have the same name")
        self._json = form["format"] == "JSON"
        if self._json:
            path = form.get("row_path") or "$"
            self._path = jsonpath.steps(path)
            self._pickers = [jsonpath.picker(_relative(one, path)) for one in form["columns"]]
            self._plain = not self._path
        else:
            self._rows_at = _unescaped(form.get("row_delimiter") or "\n")
            self._columns_at = _unescaped(form.get("column_delimiter") or ",")
            self._texts = [pa.types.is_string(one.type) or pa.types.is_binary(one.type) for one in self.schema]

    def read(self, records: Sequence[bytes]) -> Rows:
        """The rows of records, in order."""
        faults: list[Fault] = []
        origins: list[int] = []
        if self._json:
            found = self._documents(records, origins, faults)
            columns = [[pick(row) for row in found] for pick in self._pickers]
            shown: Any = found
        else:
            lines = self._lines(records, origins, faults)
            columns = [list(values) for values in zip(*lines, strict=True)] or [[] for _ in self.schema]
            shown = lines
        arrays: list[pa.Array] = []
        wrong: dict[int, str] = {}
        for values, one in zip(columns, self.schema, strict=True):
            array, errors = coerced(values, one)
            arrays.append(array)
            for place, message in errors.items():
                wrong.setdefault(place, message)
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        if wrong:
            faults += [
                Fault(origins[place], "COERCION_ERROR", message, msgspec.json.encode(shown[place]))
                for place, message in sorted(wrong.items())
            ]
            batch = batch.filter(pa.array([place not in wrong for place in range(batch.num_rows)]))
            origins = [origin for place, origin in enumerate(origins) if place not in wrong]
        return Rows(batch, origins, sorted(faults, key=lambda fault: fault.record))

    def _documents(self, records: Sequence[bytes], origins: list[int], faults: list[Fault]) -> list[Any]:
        found: list[Any] = []
        for place, data in enumerate(records):
            try:
                documents = list(documents_of(data))
            except ValueError as error:
                faults.append(Fault(place, "INVALID_RECORD", f"The record is no JSON: {error}", data))
                continue
            for document in documents:
                if self._plain and type(document) is dict:
                    found.append(document)
                    origins.append(place)
                    continue
                taken = document if self._plain else list(jsonpath.rows(document, self._path))
                if not isinstance(taken, list) or not all(isinstance(row, dict | list) for row in taken):
                    faults.append(Fault(place, "INVALID_RECORD", "The record is no JSON object", data))
                    continue
                found += taken
                origins += [place] * len(taken)
        return found

    def _lines(self, records: Sequence[bytes], origins: list[int], faults: list[Fault]) -> list[list[Any]]:
        found: list[list[Any]] = []
        width = len(self.schema)
        for place, data in enumerate(records):
            try:
                text = data.decode()
            except UnicodeDecodeError:
                faults.append(Fault(place, "INVALID_RECORD", "The record is not UTF-8", data))
                continue
            for line in text.split(self._rows_at):
                if not line.strip("\r\n"):
                    continue
                values = split_line(line.rstrip("\r\n"), self._columns_at)
                if len(values) < width:
                    message = f"The line has {len(values)} columns; the schema has {width}"
                    faults.append(Fault(place, "INVALID_RECORD", message, line.encode()))
                    continue
                found.append(
                    [value if value or text else None for value, text in zip(values, self._texts, strict=False)]
                )
                origins.append(place)
        return found


def documents_of(data: bytes) -> Iterator[Any]:
    """The JSON documents that stand in a record one after the other. Raises ValueError.

    >>> list(documents_of(b'{"a": 1}\\n{"a": 2}'))
    [{'a': 1}, {'a': 2}]
    """
    try:
        yield msgspec.json.decode(data)
        return
    except msgspec.DecodeError as error:
        if "trailing characters" not in str(error):
            raise ValueError(str(error)) from None
    text, place = data.decode(), 0
    decoder = JSONDecoder()
    while (place := _BLANK.match(text, place).end()) < len(text):  # type: ignore[union-attr]
        try:
            document, place = decoder.raw_decode(text, place)
        except JSONDecodeError as error:
            raise ValueError(str(error)) from None
        yield document


def split_line(line: str, delimiter: str) -> list[str]:
    """The values of a line of CSV; those in double quotes may hold the delimiter (of one character).

    >>> split_line('a,"b,c",d', ",")
    ['a', 'b,c', 'd']
    """
    if '"' in line and len(delimiter) == 1:
        return next(csv.reader([line], delimiter=delimiter), [])
    return line.split(delimiter)


def _relative(one: dict[str, Any], row_path: str) -> list[jsonpath.Step]:
    mapping = one.get("mapping")
    if not mapping:
        raise ValueError(f"Column {one['name']} needs a mapping, because the records are JSON")
    if row_path != "$" and mapping.startswith(row_path):
        mapping = "$" + mapping[len(row_path) :]
    return jsonpath.steps(mapping)


def _unescaped(delimiter: str) -> str:
    """`\\n` and `\\t` may come as two characters."""
    return delimiter.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t")
