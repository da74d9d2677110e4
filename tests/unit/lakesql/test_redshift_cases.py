"""Statements of Redshift and their answers, from tests/cases/lakesql/redshift."""

import json
from pathlib import Path

import duckdb
import pytest

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift.names import shown
from lakemill.lakesql.errors import SqlFailed
from tests.unit.lakesql.cases import read
from tests.unit.lakesql.redshift_session import Session

FOLDER = Path(__file__).parent.parent.parent / "cases" / "lakesql" / "redshift"


@pytest.fixture(scope="module")
def session():
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        made = Session(connection)
        for name, table in json.loads((FOLDER / "tables.json").read_text()).items():
            made.create(name, table["columns"], table["rows"])
        yield made


@pytest.mark.parametrize("case", [case for path in sorted(FOLDER.glob("*.sql")) for case in read(path)])
def test_answer(case, session):
    session.connection.execute("BEGIN")
    try:
        for statement in redshift.split(case.sql.strip()):
            columns, rows = session.run(statement)
    except (SqlFailed, duckdb.Error) as error:
        found = redshift.of_duckdb(error)
        place = f" at {found.position}" if found.position else ""
        told = f"{found.code}{place}: {found.message}"
        assert case.error and told.startswith(case.error), told
        return
    finally:
        session.connection.execute("ROLLBACK")
    assert not case.error, "did not fail"
    assert [" | ".join(map(session.text, row)) for row in rows] == case.rows
    if case.types:
        assert ", ".join(shown(kind) for _, kind in columns) == case.types
