"""Spectrum: external schemas, whose tables are those of the Glue Data Catalog and whose rows are files of the lake.

`schemas` makes them, `making` and `altering` change their tables, `reading` makes views of tables for a statement,
`inserting` writes files, `listing` tells what there is. The role of a schema says what may be read and written.
"""

import contextlib
from typing import TYPE_CHECKING

import duckdb

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import avro
from lakemill.warehouse.loading.words import Words
from lakemill.warehouse.results import Result
from lakemill.warehouse.spectrum import altering, making, schemas
from lakemill.warehouse.spectrum.inserting import insert
from lakemill.warehouse.spectrum.making import drop_table
from lakemill.warehouse.spectrum.reading import reading, relation
from lakemill.warehouse.spectrum.schemas import drop_database

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

__all__ = ["carry_out", "drop_database", "drop_table", "insert", "prepare", "reading", "relation"]


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the reader of Avro, if it is installed: before the instance's configuration is locked."""
    with contextlib.suppress(SqlFailed):
        avro.load(connection)


def carry_out(session: "Session", text: str) -> Result:
    """CREATE EXTERNAL SCHEMA, CREATE EXTERNAL TABLE, or ALTER TABLE of an external table. Raises SqlFailed."""
    words = Words(cases.shown(text))
    if words.take("CREATE", "EXTERNAL", "SCHEMA"):
        return schemas.create(session, words)
    if words.take("CREATE", "EXTERNAL", "TABLE"):
        return making.create(session, words)
    for what in ("MODEL", "FUNCTION", "PROTECTED"):
        if words.take("CREATE", "EXTERNAL", what):
            raise SqlFailed("0A000", f"CREATE EXTERNAL {what} is not supported")
    if words.take("ALTER", "TABLE"):
        return altering.alter(session, words)
    raise words.wrong()
