"""What a load found wrong, for STL_LOAD_ERRORS and STL_LOADERROR_DETAIL."""

import dataclasses
from typing import TYPE_CHECKING, Any

from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.dialects.redshift.model import Column
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.loading import history

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_RAW_CHARACTERS = 1024
_NEWER = {
    "tbl": "table_id",
    "starttime": "start_time",
    "filename": "file_name",
    "colname": "column_name",
    "type": "column_type",
    "col_length": "column_length",
    "err_code": "error_code",
    "err_reason": "error_message",
}
"""Columns of STL_LOAD_ERRORS, and what SYS_LOAD_ERROR_DETAIL calls them."""


@dataclasses.dataclass
class LoadError:
    """A row that was not loaded. column: None where the row as a whole is wrong. fields: of the row."""

    uri: str
    line: int
    raw: str
    code: int
    reason: str
    place: int | None = None
    fields: list[str | None] = dataclasses.field(default_factory=list)


def record(session: "Session", table: int, columns: list[Column], found: list[LoadError]) -> None:
    """Write them down, on the disk when it returns; they stay when the load is taken back."""
    rows, details, newer = [], [], []
    for one in found:
        column = columns[one.place] if one.place is not None else None
        who = history.of_session(session)
        value = one.fields[one.place] if one.place is not None and one.place < len(one.fields) else None
        rows.append(
            who
            | _type(column)
            | {
                "tbl": table,
                "starttime": history.now(),
                "filename": one.uri,
                "line_number": one.line,
                "position": _position(one, value),
                "raw_line": one.raw[:_RAW_CHARACTERS],
                "raw_field_value": (value or "")[:_RAW_CHARACTERS],
                "err_code": one.code,
                "err_reason": one.reason[:_RAW_CHARACTERS],
                "is_partial": 0,
                "start_offset": 0,
            }
        )
        newer.append(rows[-1] | {new: rows[-1][old] for old, new in _NEWER.items()})
        for place, field in enumerate(one.fields):
            if place < len(columns):
                said = {"field": place, "value": (field or "")[:_RAW_CHARACTERS], "is_null": int(field is None)}
                details.append(
                    who | _type(columns[place]) | said | {"filename": one.uri, "line_number": one.line}
                )  # fmt: skip
    history.add(session, "stl_load_errors", rows)
    history.add(session, "stl_loaderror_detail", details)
    history.add(session, "sys_load_error_detail", newer)
    session.warehouse.history.write()


def _type(column: Column | None) -> dict[str, Any]:
    if column is None:
        return {"colname": "", "type": "", "col_length": ""}
    kind = column.type
    length = ",".join(map(str, kind.args)) if kind.args else "0"
    return {"colname": column.name, "type": names.pg_name(kind), "col_length": length}


def _position(one: LoadError, value: str | None) -> int:
    """Where the field begins in its line, from 0."""
    return max(0, one.raw.find(value)) if value else 0


def load_failed(table: str) -> SqlFailed:
    """What COPY fails with when rows were wrong."""
    return SqlFailed("XX000", f"Load into table '{table}' failed.  Check 'stl_load_errors' system table for details.")
