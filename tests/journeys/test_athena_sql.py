"""`lakemill sql` against a running lakemill."""

import json
import signal
import subprocess
import sys
import time

import pytest
from tests.journeys.lake import Lake
from tests.journeys.test_athena import SLOW
from typer.testing import CliRunner

from lakemill.cli.main import app


def sql(lakemill, *arguments, given="", expect=0):
    """What it says on standard output, and on standard error."""
    command = ["sql", "--data", str(lakemill.data), *arguments]
    done = CliRunner().invoke(app, command, input=given, env={"COLUMNS": "100"})
    assert done.exit_code == expect, done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="session")
def lake(lakemill):
    made = Lake(lakemill, "athena_command").make()
    made.csv_table("t", "n int, s string", 'one\n2,"\n3,a b\n')
    return made


VALUES = (
    "SELECT * FROM (VALUES (1, 'a,\"b\"', 0.5e0, true), (2, '', NULL, false), (3, NULL, 2e0, NULL)) AS v (n, s, d, t)"
)


def test_a_table_is_shown(lakemill):
    said, told = sql(lakemill, f"{VALUES} ORDER BY n")
    lines = said.splitlines()
    assert "n" in lines[1] and "s" in lines[1]
    assert 'a,"b"' in said
    assert "NULL" in said
    assert told.startswith("3 rows in ")
    assert "0 B scanned" in told


def test_csv_and_json_are_for_programs(lakemill):
    said, _ = sql(lakemill, "-", "--output", "csv", given=f"{VALUES} ORDER BY n")
    assert said == 'n,s,d,t\n1,"a,""b""",0.5,true\n2,"",,false\n3,,2.0,\n'
    said, _ = sql(lakemill, f"{VALUES} ORDER BY n", "--output", "json")
    assert json.loads(said)[:2] == [
        {"n": 1, "s": 'a,"b"', "d": 0.5, "t": True},
        {"n": 2, "s": "", "d": None, "t": False},
    ]


def test_more_rows_than_are_shown_are_counted(lakemill):
    said, told = sql(lakemill, "SELECT n FROM UNNEST(sequence(1, 2000)) AS t (n)", "--rows", "5")
    assert len(said.splitlines()) == 9
    assert told.startswith("2,000 rows (5 shown; --rows shows more) in ")


def test_ddl_and_statements_that_write(lakemill, lake):
    said, _ = sql(lakemill, "DESCRIBE t", "--database", lake.name, "--output", "json")
    assert [(one["col_name"], one["data_type"]) for one in json.loads(said)] == [("n", "int"), ("s", "string")]
    _, told = sql(lakemill, "CREATE TABLE made AS SELECT 1 AS n", "--database", lake.name)
    assert told.startswith("1 rows written in ")


def test_what_fails_is_told(lakemill):
    _, told = sql(lakemill, "SELECT * FROM nowhere.none", expect=1)
    assert told.startswith("error: SCHEMA_NOT_FOUND")
    _, told = sql(lakemill, "SELECT 1", "--workgroup", "none", expect=1)
    assert told == "error: WorkGroup none is not found.\n"
    _, told = sql(lakemill, "SELECT 1", "--output", "xml", expect=1)
    assert told == "error: --output must be table, csv or json; got xml\n"
    _, told = sql(lakemill, "SELECT 1", "--port", "1", expect=1)
    assert "nobody answers at" in told


def test_an_interrupt_cancels_the_statement(lakemill, lake):
    text = f"{SLOW} -- interrupted"
    process = subprocess.Popen(
        [sys.executable, "-m", "lakemill", "sql", "--data", str(lakemill.data), text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    athena = lakemill.client("athena")

    def found():
        ids = athena.list_query_executions()["QueryExecutionIds"]
        told = athena.batch_get_query_execution(QueryExecutionIds=ids)["QueryExecutions"] if ids else []
        return next((one for one in told if one["Query"] == text), None)

    while (one := found()) is None or one["Status"]["State"] == "QUEUED":
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told.splitlines()[-1]) == (130, "error: cancelled")
    assert lake.ended(one["QueryExecutionId"])["Status"]["State"] == "CANCELLED"
