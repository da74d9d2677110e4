"""Statements and their answers, from tests/cases/lakesql."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from lakemill.lakesql import results
from lakemill.lakesql.dialects import athena
from lakemill.lakesql.errors import SqlFailed, of_duckdb

FOLDER = Path(__file__).parent.parent.parent / "cases" / "lakesql"
TABLES = json.loads((FOLDER / "tables.json").read_text())


@dataclass
class Case:
    sql: str = ""
    rows: list[str] = field(default_factory=list)
    types: str = ""
    error: str = ""
    fails: bool = False


def read(path):
    """Every case of a file, with the line it begins at."""
    case, began = Case(), 0
    for number, line in enumerate([*path.read_text().splitlines(), ""], start=1):
        if line.startswith("=>"):
            case.rows.append(line[3:])
        elif line.startswith("=! "):
            case.error, case.fails = line[3:], True
        elif line.startswith("=: "):
            case.types = line[3:]
        elif line == "=0" or line.startswith("-- "):
            continue
        elif line:
            began = began or number
            case.sql += line + "\n"
        elif case.sql:
            yield pytest.param(case, id=f"{path.stem}-{began}")
            case, began = Case(), 0


def schema(database, name):
    if database != "default":
        raise SqlFailed("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
    if name not in TABLES:
        raise SqlFailed("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist")
    return [tuple(column) for column in TABLES[name]["columns"]]


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(":memory:", config={"threads": 1}) as made:
        athena.prelude(made)
        for name, table in TABLES.items():
            made.execute(
                f"CREATE TABLE {name} AS SELECT *, 's3://lake/{name}/0.parquet' AS \"$path\" FROM ({table['rows']})"
            )
        yield made


@pytest.mark.parametrize("case", [case for path in sorted(FOLDER.glob("*.sql")) for case in read(path)])
def test_answer(case, connection, tmp_path):
    try:
        translated = athena.translate(athena.parse(case.sql).tree, schema)
        for use in translated.tables:
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {use.view} AS SELECT * FROM {use.name}")
        results.write(connection, translated.sql, tmp_path / "out.csv", "csv", translated.columns)
    except (SqlFailed, duckdb.Error) as error:
        found = str(of_duckdb(error))
        assert case.error and found.startswith(case.error), found
        return
    assert not case.error, "did not fail"
    text = (tmp_path / "out.csv").read_text()
    # An empty field is NULL, "" is an empty text: the reader does not tell, so they are told apart before.
    rows = list(csv.reader(marked(text).splitlines(keepends=True)))[1:]
    assert [" | ".join(row) for row in rows] == case.rows
    if case.types:
        assert ", ".join(kind.trino() for _, kind in translated.columns) == case.types


def marked(text):
    """NULL written out where a field is empty and without quotes."""
    made, quoted, before = [], False, ","
    for sign in text:
        if sign == '"':
            quoted = not quoted
        elif not quoted and sign in ",\n" and before in ",\n":
            made.append("NULL")
        made.append(sign)
        before = sign if not quoted else '"'
    return "".join(made)
