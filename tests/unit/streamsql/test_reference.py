"""The examples of docs/reference/streaming-sql.md give what the page says, and no function is missing in it."""

import datetime
import re
from pathlib import Path

import pyarrow as pa
import pytest

from lakemill.streamsql import aggregates, compile, functions_table
from lakemill.streamsql.functions import function_names
from lakemill.streamsql.interface import table_function_names
from tests.unit.streamsql.harness import batch, schema

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "streaming-sql.md"
TEXT = PAGE.read_text()
NOW = round(
    (datetime.datetime(2024, 1, 31, 12, 34, 56, 789_000) - datetime.datetime(1970, 1, 1)).total_seconds() * 1000
)
ROWS = [[1], [4], [4], [None], [2]]


def examples() -> list[tuple[str, str, str]]:
    """Section, example and result of every row of the tables below Functions."""
    found, section = [], ""
    for line in TEXT[TEXT.index("## Functions") :].splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        cells = re.split(r"(?<!\\)\|", line.strip("|")) if line.startswith("|") else []
        if len(cells) == 3 and "---" not in line and "| example |" not in line:
            example, result = (cell.strip().strip("`").replace("\\|", "|") for cell in cells[1:])
            found.append((section, example, result))
    return found


EXAMPLES = examples()


@pytest.mark.parametrize(("section", "example", "result"), EXAMPLES, ids=[example[1] for example in EXAMPLES])
def test_the_example_gives_the_result(section, example, result):
    more = "GROUP BY S.ROWTIME" if section == "Aggregates" else ""
    more = "WINDOW w AS (ROWS 3 PRECEDING)" if section == "With OVER only" else more
    if section == "Log lines":
        call, name = example.rsplit(").", 1)
        source, example = f"(SELECT STREAM {call}) AS r FROM S) AS t", f"t.r.{name}"
    else:
        source = "S"
    code = f"""CREATE STREAM D (r VARCHAR(200));
    CREATE PUMP P AS INSERT INTO D SELECT STREAM {example} FROM {source} {more};"""
    columns = schema("X INTEGER")
    program = compile(code, {"S": columns})
    program.push("S", batch(columns, ROWS), NOW)
    program.advance(NOW + 1)
    value = program.take()["D"].column("R").to_pylist()[-1]
    assert ("NULL" if value is None else value) == result


def test_every_function_is_in_the_page():
    assert functions_table is not None  # importing it registers them
    named = set(re.findall(r"`([A-Z0-9_]+)`", TEXT))
    known = {*function_names(), *aggregates.NAMES, *table_function_names(), "LAG", "NTH_VALUE", "EXP_AVG"}
    assert known - named == set()


def test_the_program_of_the_page_runs(capsys):
    code = re.search(r"```python\n(.*?)```", TEXT, re.S)
    assert code is not None
    exec(code.group(1), {})
    printed = capsys.readouterr().out
    assert "'TICKER': 'AMZN', 'N': 2" in printed
    assert "'TICKER': 'TBV', 'N': 1" in printed


def test_a_type_of_every_name_of_the_page_can_be_a_column():
    types = "TINYINT, SMALLINT, INTEGER, BIGINT, REAL, FLOAT, DOUBLE, DECIMAL(5, 2), CHAR(3), VARCHAR(3), BINARY(3), "
    types += "VARBINARY(3), BOOLEAN, DATE, TIME, TIMESTAMP, INTERVAL DAY TO SECOND"
    columns = [f"C{i} {kind}" for i, kind in enumerate(re.split(r",\s*(?![^(]*\))", types))]
    kinds = schema(", ".join(columns)).types
    assert kinds[:6] == [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()]
    assert len(kinds) == 17
