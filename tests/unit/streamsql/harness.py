"""Runs cases of streaming SQL. Times are written HH:MM:SS[.mmm] and mean that time on 1 January 2024."""

import datetime
import decimal
import re
from pathlib import Path

import pyarrow as pa
import yaml

from lakemill.streamsql import Program, compile
from lakemill.streamsql.context import ERROR_STREAM
from lakemill.streamsql.statements import parse

CASES = Path(__file__).parents[2] / "cases" / "streamsql"
DAY = datetime.datetime(2024, 1, 1)
EPOCH = datetime.datetime(1970, 1, 1)
TIME = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?")


def schema(columns: str) -> pa.Schema:
    """The schema of columns written as in CREATE STREAM."""
    return pa.schema(parse(f"CREATE STREAM S ({columns})").streams["S"].columns)


def moment(text: str) -> datetime.datetime:
    clock = datetime.time.fromisoformat(text)
    return datetime.datetime.combine(DAY, clock)


def milliseconds(text: str) -> int:
    return round((moment(text) - EPOCH).total_seconds() * 1000)


def batch(columns: pa.Schema, rows: list[list]) -> pa.RecordBatch:
    """Rows as a batch; texts in TIMESTAMP columns are times of the day."""
    arrays = []
    for index, field in enumerate(columns):
        values = [row[index] for row in rows]
        if pa.types.is_timestamp(field.type):
            values = [moment(value) if isinstance(value, str) else value for value in values]
        if pa.types.is_decimal(field.type):
            values = [None if value is None else decimal.Decimal(str(value)) for value in values]
        arrays.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=columns)


def plain(rows: pa.RecordBatch) -> list[list]:
    """Rows with times as text, ROWTIME first."""
    return [[written(value) for value in row.values()] for row in rows.to_pylist()]


def written(value: object) -> object:
    if isinstance(value, datetime.datetime):
        text = value.strftime("%H:%M:%S.%f")[:-3].removesuffix(".000")
        return text if value.date() == DAY.date() else f"{value.date()} {text}"
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value if isinstance(value, int | str | bool | None) else str(value)


def load() -> list[dict]:
    return [case for path in sorted(CASES.glob("*.yaml")) for case in yaml.safe_load(path.read_text())]


class Run:
    """A case that is being fed, step by step."""

    def __init__(self, case: dict):
        self.case = case
        self.inputs = {name: schema(columns) for name, columns in case["inputs"].items()}
        self.tables = {
            name: (schema(table["columns"]), table["rows"]) for name, table in case.get("references", {}).items()
        }
        self.program = self.compiled()
        self.taken: dict[str, list] = {}

    def compiled(self) -> Program:
        program = compile(self.case["sql"], self.inputs, {name: columns for name, (columns, _) in self.tables.items()})
        for name, (columns, rows) in self.tables.items():
            program.set_reference(name, pa.Table.from_batches([batch(columns, rows)]))
        return program

    def steps(self) -> list[tuple]:
        """Rows of one time and stream that stand together are one batch."""
        steps: list[tuple] = []
        only = next(iter(self.inputs)) if len(self.inputs) == 1 else None
        for time, *row in self.case["rows"]:
            stream = only or row.pop(0)
            if steps and steps[-1][:2] == (time, stream):
                steps[-1][2].append(row)
            else:
                steps.append((time, stream, [row]))
        if "end" in self.case:
            steps.append((self.case["end"], None, []))
        return steps

    def step(self, time: str, stream: str | None, rows: list) -> None:
        now = milliseconds(time)
        if stream is None:
            self.program.advance(now)
        else:
            self.program.push(stream, batch(self.inputs[stream], rows), now)
        for name, taken in self.program.take().items():
            self.taken.setdefault(name, []).extend(plain(taken))

    def renew(self) -> None:
        """Stop, and go on in a new program."""
        state = self.program.snapshot()
        assert state == self.program.snapshot()
        self.program = self.compiled()
        self.program.restore(state)

    def results(self) -> dict[str, list]:
        return {name: rows for name, rows in self.taken.items() if name != ERROR_STREAM}

    def errors(self) -> list[str]:
        return [row[4] for row in self.taken.get(ERROR_STREAM, [])]
