"""STL_LOAD_ERRORS and what else tells of loads and unloads; rows stay whatever becomes of their transaction."""

import datetime
from typing import Any

from lakemill.warehouse.loading.session import Session

TABLES: dict[str, list[tuple[str, str]]] = {
    "stl_load_errors": [
        ("userid", "INTEGER"), ("slice", "INTEGER"), ("tbl", "INTEGER"), ("starttime", "TIMESTAMP"),
        ("session", "INTEGER"), ("query", "INTEGER"), ("filename", "VARCHAR"), ("line_number", "BIGINT"),
        ("colname", "VARCHAR"), ("type", "VARCHAR"), ("col_length", "VARCHAR"), ("position", "INTEGER"),
        ("raw_line", "VARCHAR"), ("raw_field_value", "VARCHAR"), ("err_code", "INTEGER"), ("err_reason", "VARCHAR"),
        ("is_partial", "INTEGER"), ("start_offset", "BIGINT"), ("copy_job_id", "BIGINT"),
    ],
    "stl_loaderror_detail": [
        ("userid", "INTEGER"), ("slice", "INTEGER"), ("session", "INTEGER"), ("query", "INTEGER"),
        ("filename", "VARCHAR"), ("line_number", "BIGINT"), ("field", "INTEGER"), ("colname", "VARCHAR"),
        ("value", "VARCHAR"), ("is_null", "INTEGER"), ("type", "VARCHAR"), ("col_length", "VARCHAR"),
    ],
    "stl_load_commits": [
        ("userid", "INTEGER"), ("query", "INTEGER"), ("slice", "INTEGER"), ("name", "VARCHAR"),
        ("filename", "VARCHAR"), ("byte_offset", "INTEGER"), ("lines_scanned", "INTEGER"), ("errors", "INTEGER"),
        ("curtime", "TIMESTAMP"), ("status", "INTEGER"), ("file_format", "VARCHAR"), ("is_partial", "INTEGER"),
        ("start_offset", "BIGINT"), ("copy_job_id", "BIGINT"),
    ],
    "stl_unload_log": [
        ("userid", "INTEGER"), ("query", "INTEGER"), ("slice", "INTEGER"), ("pid", "INTEGER"), ("path", "VARCHAR"),
        ("start_time", "TIMESTAMP"), ("end_time", "TIMESTAMP"), ("line_count", "BIGINT"),
        ("transfer_size", "BIGINT"), ("file_format", "VARCHAR"),
    ],
}  # fmt: skip
"""Columns of the system tables, with DuckDB's types."""


def now() -> datetime.datetime:
    """The moment in UTC, without a zone, as system tables have it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def statements() -> list[str]:
    """DDL of the tables, for the database that outlives transactions."""
    return [
        f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(f'{name} {type}' for name, type in columns)})"
        for table, columns in TABLES.items()
    ]


def of_session(session: Session) -> dict[str, Any]:
    """The columns that are the same for all rows of a statement."""
    return {"userid": session.user_id, "query": session.query, "slice": 0, "session": session.pid}
