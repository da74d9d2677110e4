"""Text with delimiters, CSV and fixed widths: what DuckDB's reader makes of it, and where it must not be asked."""

import mmap
import re
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from lakemill.lakesql.scans import sql
from lakemill.warehouse.loading import rows, unpacking
from lakemill.warehouse.loading.inputs import Input, Relations, Tried, batch
from lakemill.warehouse.loading.sources import ROW_BYTES_MAX, Object
from lakemill.warehouse.loading.statement import Copy

_NONE = "\x1a\x10\x1a"
"""A null's text that no field has: where nulls and what is missing must be told apart."""
_LONE_RETURN = re.compile(rb"\r(?!\n)")


class Textual(Input):
    """Files of plain UTF-8. width: the number of fields."""

    def __init__(self, objects: list[Object], copy: Copy, width: int) -> None:
        super().__init__([f"c{place}" for place in range(width)])
        self._objects, self._copy = objects, copy
        if "FILLRECORD" in copy.given and copy.format in ("TEXT", "CSV"):
            null = sql.text(copy.null)
            self.filled = [f"CASE WHEN c{n} IS NULL THEN '' ELSE nullif(c{n}, {null}) END" for n in range(width)]

    filled: list[str] | None = None
    """Fields of text where what is missing at the end counts as empty."""

    def quick(self, relations: Relations) -> str | None:
        """What DuckDB reads by itself."""
        copy = self._copy
        if "REMOVEQUOTES" in copy.given or {"ESCAPE", "FILLRECORD"} <= copy.given:
            return None
        if any(_is_odd(one.path, copy) for one in self._objects if one.size):
            return None
        paths = [one.path for one in self._objects if one.size]
        width = 1 if copy.format == "FIXEDWIDTH" else len(self.fields)
        if not paths:
            return f"(SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in self.fields)} WHERE false)"
        columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(width))
        options = {
            "auto_detect": "false",
            "header": "false",
            "skip": str(copy.header_lines),
            "compression": "'none'",
            "max_line_size": str(ROW_BYTES_MAX),
            "columns": f"{{{columns}}}",
            **self._signs(),
        }
        told = ", ".join(f"{name} = {value}" for name, value in options.items())
        relation = f"read_csv([{', '.join(map(sql.text, paths))}], {told})"
        return relation if copy.format != "FIXEDWIDTH" else f"({self._cut(relation)})"

    def _signs(self) -> dict[str, str]:
        copy = self._copy
        null = _NONE if "FILLRECORD" in copy.given else copy.null
        signs = {"delim": sql.text(copy.delimiter), "quote": "''", "escape": "''", "nullstr": sql.text(null)}
        if copy.format == "CSV":
            signs |= {"quote": sql.text(copy.quote), "escape": sql.text(copy.quote)}
        if copy.format == "FIXEDWIDTH":
            signs |= {"delim": "'\x02'", "nullstr": sql.text(_NONE)}
        if "ESCAPE" in copy.given:
            signs |= {"escape": "'\\'", "strict_mode": "false"}
        if "FILLRECORD" in copy.given:
            signs["null_padding"] = "true"
        return signs

    def _cut(self, relation: str) -> str:
        terms, start = [], 1
        for place, (_, width) in enumerate(self._copy.widths):
            piece = f"substr(c0, {start}, {width})"
            terms.append(f"nullif({piece}, {sql.text(self._copy.null)}) AS c{place}")
            start += width
        return f"SELECT {', '.join(terms)} FROM {relation}"

    def precise(self, connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Object, pa.Table]]:
        """The rows of each file, some at a time."""
        for one in self._objects:
            some: list[rows.Row] = []
            for row in rows.rows(one.path, self._copy, len(self.fields)):
                some.append(row)
                if len(some) == rows.MANY:
                    yield one, self._table(some)
                    some = []
            if some:
                yield one, self._table(some)

    def _table(self, some: list[rows.Row]) -> pa.Table:
        tried = [Tried(row.line, row.raw, row.problem) for row in some]
        columns = {name: [row.fields[place] for row in some] for place, name in enumerate(self.fields)}
        if self.filled is not None:  # As the quick way gives them: a null that stands there is its text.
            for number, row in enumerate(some):
                for name in self.fields[: row.there]:
                    columns[name][number] = self._copy.null if columns[name][number] is None else columns[name][number]
        return batch(tried, columns)


def _is_odd(path: str, copy: Copy) -> bool:
    """Whether a file holds what DuckDB's reader understands in another way than COPY."""
    if unpacking.holds(path, b"\r") and _has_lone_return(path):
        return True
    if "IGNOREBLANKLINES" not in copy.given and (
        unpacking.begins(path, b"\n", b"\r\n") or unpacking.holds(path, b"\n\n", b"\n\r\n")
    ):
        return True
    if copy.format == "FIXEDWIDTH":
        return unpacking.holds(path, b"\x02")
    quote, delimiter = copy.quote.encode(), copy.delimiter.encode()
    if copy.format != "CSV" or not unpacking.holds(path, quote):
        return False
    spaced = (delimiter + b" " + quote, b"\n " + quote, quote + b" " + delimiter, quote + b" \n", quote + b" \r")
    return unpacking.holds(path, *spaced) or unpacking.begins(path, b" ")


def _has_lone_return(path: str) -> bool:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _LONE_RETURN.search(data) is not None
