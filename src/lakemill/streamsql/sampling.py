"""Guess the schema of records from a sample of them."""

import datetime
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lakemill.streamsql.records import RecordReader, documents_of, split_line
from lakemill.streamsql.rowtext import _values

DELIMITERS = (",", "\t", "|", ";")
COLUMNS_MAX = 1000
_WORD = re.compile(r"[^A-Za-z0-9_]+")


class Undetected(ValueError):
    """No schema fits the sample; the text says why."""


def discover(records: Sequence[bytes]) -> tuple[dict[str, Any], list[list[str]]]:
    """The form of records, as `RecordReader` takes it, and their rows, all values as texts. Raises Undetected."""
    if not any(record.strip() for record in records):
        raise Undetected("The sample has no records")
    form = _json(records) or _csv(records)
    if form is None:
        raise Undetected("The records are neither JSON objects nor lines of CSV")
    if len(form["columns"]) > COLUMNS_MAX:
        raise Undetected(f"The records have more than {COLUMNS_MAX} columns")
    batch = RecordReader(form).read(records).batch
    columns = [["" if value is None else str(value) for value in _values(column)] for column in batch.columns]
    return form, [list(row) for row in zip(*columns, strict=True)]


def _json(records: Sequence[bytes]) -> dict[str, Any] | None:
    try:
        documents = [document for record in records for document in documents_of(record)]
    except ValueError:
        return None
    path, rows = _rows(documents)
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    values: dict[str, list[Any]] = {}
    for row in rows:
        for mapping, value in _leaves(row, ""):
            values.setdefault(mapping, []).append(value)
    names: set[str] = set()
    columns = []
    for mapping, found in values.items():
        name = _unused(mapping, names)
        columns.append(
            {"name": name, "type": _type(found), "mapping": f"$.{mapping}" if path == "$" else path + f".{mapping}"}
        )
    return {"format": "JSON", "row_path": path, "columns": columns} if columns else None


def _rows(documents: list[Any]) -> tuple[str, list[Any]]:
    """Where the rows are: the documents themselves, or in the one list that is all that each of them holds."""
    if all(isinstance(one, dict) and len(one) == 1 for one in documents):
        (name,) = documents[0]
        lists = [one.get(name) for one in documents]
        if all(isinstance(one, list) and one and all(isinstance(row, dict) for row in one) for one in lists):
            return f"$.{name}[0:]", [row for one in lists for row in one]
    return "$", [row for one in documents for row in (one if isinstance(one, list) else [one])]


def _leaves(row: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        place = f"{prefix}.{name}" if prefix else name
        if re.search(r"[.\[\]'\"\s]", name):
            place = f"{prefix}['{name}']"
            if not prefix:
                continue  # `$.['a b']` is no path; such a name can be mapped by hand.
        if isinstance(value, dict) and value:
            yield from _leaves(value, place)
        else:
            yield place, value


def _unused(mapping: str, names: set[str]) -> str:
    """A column's name: the last part of its path, or more of it where that is taken."""
    parts = [_WORD.sub("_", part).strip("_") or "COL" for part in mapping.split(".")]
    for count in range(1, len(parts) + 1):
        name = "_".join(parts[-count:])
        if name not in names:
            break
    number, first = 0, name
    while name in names:
        number += 1
        name = f"{first}{number}"
    names.add(name)
    return name


def _csv(records: Sequence[bytes]) -> dict[str, Any] | None:
    try:
        lines = [line for record in records for line in record.decode().splitlines() if line.strip()]
    except UnicodeDecodeError:
        return None
    for delimiter in DELIMITERS:
        table = [split_line(line, delimiter) for line in lines]
        width = len(table[0])
        if width > 1 and all(len(row) == width for row in table):
            columns = [
                {"name": f"COL_{place + 1}", "type": _type([_read(row[place]) for row in table])}
                for place in range(width)
            ]
            return {"format": "CSV", "row_delimiter": "\n", "column_delimiter": delimiter, "columns": columns}
    return None


def _read(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text or None


def _type(values: Sequence[Any]) -> str:
    """The smallest type that takes all values."""
    known = [value for value in values if value is not None]
    kinds = {type(value) for value in known}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "INTEGER" if all(-(2**31) <= value < 2**31 for value in known) else "BIGINT"
    if kinds and kinds <= {int, float}:
        return "DOUBLE"
    if kinds == {str} and all(map(_is_time, known)):
        return "TIMESTAMP"
    longest = max((len(value) if isinstance(value, str) else 64 for value in known), default=4)
    return f"VARCHAR({max(4, 1 << (longest - 1).bit_length())})"


def _is_time(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) >= 16
