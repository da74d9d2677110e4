"""STL_LOAD_ERRORS and what else tells of loads and unloads; rows stay whatever becomes of their transaction."""

import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakemill.warehouse.history import FILE, now

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

__all__ = ["TABLES", "add", "duration", "now", "of_session"]
_MANY = 256
"""So many rows are written by the block, and at once."""
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
    "sys_load_error_detail": (
        "user_id INTEGER, query_id BIGINT, table_id INTEGER, transaction_id BIGINT, session_id INTEGER, "
        "database_name VARCHAR, start_time TIMESTAMP, file_name VARCHAR, line_number BIGINT, column_name VARCHAR, "
        "column_type VARCHAR, column_length VARCHAR, position INTEGER, error_code INTEGER, error_message VARCHAR"
    ),
    "sys_load_history": (
        "user_id INTEGER, query_id BIGINT, transaction_id BIGINT, session_id INTEGER, database_name VARCHAR, "
        "status VARCHAR, table_name VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP, duration BIGINT, "
        "data_source VARCHAR, file_format VARCHAR, loaded_rows BIGINT, loaded_bytes BIGINT, source_file_count INTEGER, "
        "source_file_bytes BIGINT, error_count INTEGER"
    ),
    "sys_unload_history": (
        "user_id INTEGER, query_id BIGINT, transaction_id BIGINT, session_id INTEGER, database_name VARCHAR, "
        "status VARCHAR, start_time TIMESTAMP, end_time TIMESTAMP, duration BIGINT, file_format VARCHAR, "
        "unloaded_rows BIGINT, unloaded_files_count INTEGER, unloaded_files_size BIGINT"
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
    if len(rows) < _MANY:
        history.add(table, *(tuple(row.get(name) for name in names) for row in rows))
        return
    columns = pa.table({name: [row.get(name) for row in rows] for name in names})
    with session.warehouse.connection() as connection:
        connection.register("added", columns)
        connection.execute(f"INSERT INTO {FILE}.{table} SELECT * FROM added")


def duration(began: datetime.datetime) -> dict[str, Any]:
    """The columns for when a statement began and ended, in microseconds how long it took."""
    ended = now()
    micros = round((ended - began).total_seconds() * 1_000_000)
    return {"start_time": began, "end_time": ended, "duration": micros}


def of_session(session: "Session") -> dict[str, Any]:
    """The columns that are the same for all rows of a statement, by their names in STL and SYS tables."""
    from lakemill.warehouse import rights

    work = session.work
    query = 0 if work is None else work.query
    user, number = rights.user_id(session), session.transaction.number
    old = {"userid": user, "session": session.pid, "pid": session.pid, "slice": 0, "query": query, "xid": number}
    new = {"user_id": user, "session_id": session.pid, "query_id": query, "transaction_id": number}
    return old | new | {"database_name": session.database}
