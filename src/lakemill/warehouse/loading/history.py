"""STL_LOAD_ERRORS and what else tells of loads and unloads; rows stay whatever becomes of their transaction."""

from typing import TYPE_CHECKING, Any

from lakemill.warehouse.history import now

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

__all__ = ["TABLES", "add", "now", "of_session"]
_COLUMNS: dict[str, str] = {
    "stl_load_errors": (
        "userid INTEGER, slice INTEGER, tbl INTEGER, starttime TIMESTAMP, session INTEGER, query INTEGER, "
        "filename VARCHAR, line_number BIGINT, colname VARCHAR, type VARCHAR, col_length VARCHAR, position INTEGER, "
        "raw_line VARCHAR, raw_field_value VARCHAR, err_code INTEGER, err_reason VARCHAR, is_partial INTEGER, "
        "start_offset BIGINT"
    ),
    "stl_loaderror_detail": (
        "userid INTEGER, slice INTEGER, session INTEGER, query INTEGER, filename VARCHAR, line_number BIGINT, "
        "field INTEGER, colname VARCHAR, value VARCHAR, is_null INTEGER, type VARCHAR, col_length VARCHAR"
    ),
    "stl_load_commits": (
        "userid INTEGER, query INTEGER, slice INTEGER, name VARCHAR, filename VARCHAR, byte_offset INTEGER, "
        "lines_scanned INTEGER, errors INTEGER, curtime TIMESTAMP, status INTEGER, file_format VARCHAR, "
        "is_partial INTEGER, start_offset BIGINT"
    ),
    "stl_unload_log": (
        "userid INTEGER, query INTEGER, slice INTEGER, pid INTEGER, path VARCHAR, start_time TIMESTAMP, "
        "end_time TIMESTAMP, line_count BIGINT, transfer_size BIGINT, file_format VARCHAR"
    ),
    "svl_s3query_summary": (
        "userid INTEGER, query INTEGER, xid BIGINT, pid INTEGER, segment INTEGER, step INTEGER, starttime TIMESTAMP, "
        "endtime TIMESTAMP, elapsed BIGINT, aborted INTEGER, external_table_name VARCHAR, file_format VARCHAR, "
        "is_partitioned VARCHAR, is_rrscan VARCHAR, s3_scanned_rows BIGINT, s3_scanned_bytes BIGINT, "
        "s3query_returned_rows BIGINT, s3query_returned_bytes BIGINT, files INTEGER, splits INTEGER"
    ),
}
TABLES = _COLUMNS
"""Names of the system tables, with their columns as `History.make` takes them."""


def add(session: "Session", table: str, rows: list[dict[str, Any]]) -> None:
    """Rows of one of these tables; a column that a row does not have is null."""
    if not rows:
        return
    names = [column.split()[0] for column in TABLES[table].split(", ")]
    history = session.warehouse.history
    history.make(table, TABLES[table])
    history.add(table, *(tuple(row.get(name) for name in names) for row in rows))


def of_session(session: "Session") -> dict[str, Any]:
    """The columns that are the same for all rows of a statement."""
    from lakemill.warehouse import rights

    work = session.work
    who = {"userid": rights.user_id(session), "session": session.pid, "pid": session.pid, "slice": 0}
    return who | {"query": 0 if work is None else work.query, "xid": session.transaction.number}
