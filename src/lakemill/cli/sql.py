"""`lakemill sql`: a statement on the lake, and what it answers."""

import contextlib
import itertools
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakemill.cli.output import fail, strong
from lakemill.cli.target import Target

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
POLL_S, POLL_S_MAX = 0.02, 0.5
NUMBERS = {"tinyint", "smallint", "integer", "bigint", "float", "real", "double", "decimal"}
WHOLE = {"tinyint", "smallint", "integer", "bigint"}
FRACTIONS = {"float", "real", "double"}
Row = list[str | None]


class Statement:
    """One statement, carried out by the lakemill of a target."""

    def __init__(self, target: Target, text: str, database: str, workgroup: str) -> None:
        self._target, self._athena = target, target.client("athena")
        self._text, self._database, self._workgroup = text, database, workgroup
        self._began = time.monotonic()
        self.execution: dict[str, Any] = {}

    def run(self) -> None:
        """Until it has ended. Ends the command if it fails; an interrupt cancels it."""
        with interrupts() as interrupted:
            id = self._start()
            if not self._follow(id, interrupted):
                self._athena.stop_query_execution(QueryExecutionId=id)
                fail("cancelled", code=130)
        status = self.execution["Status"]
        if status["State"] != "SUCCEEDED":
            fail(status.get("StateChangeReason", status["State"]))

    def _start(self) -> str:
        import botocore.exceptions

        given: dict[str, Any] = {"QueryString": self._text, "WorkGroup": self._workgroup}
        given["QueryExecutionContext"] = {"Database": self._database}
        try:
            configuration = self._athena.get_work_group(WorkGroup=self._workgroup)["WorkGroup"]["Configuration"]
            if not configuration["ResultConfiguration"].get("OutputLocation"):
                given["ResultConfiguration"] = {"OutputLocation": f"s3://{self._bucket()}/"}
            id: str = self._athena.start_query_execution(**given)["QueryExecutionId"]
        except botocore.exceptions.EndpointConnectionError:
            fail(f"nobody answers at {self._target.endpoint}", f"lakemill up --data {self._target.data}")
        except botocore.exceptions.ClientError as wrong:
            fail(wrong.response["Error"]["Message"])
        return id

    def _bucket(self) -> str:
        """The bucket that Athena's tools use where nobody named one; made if it is not there."""
        account = self._target.client("sts").get_caller_identity()["Account"]
        s3 = self._target.client("s3")
        name = f"aws-athena-query-results-{account}-{self._target.region}"
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self._target.region}}
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=name, **({} if self._target.region == "us-east-1" else elsewhere))
        return name

    def _follow(self, id: str, interrupted: threading.Event) -> bool:
        """False for an interrupt."""
        pause_s = POLL_S
        with Console(stderr=True).status("") as said:
            while True:
                self.execution = self._athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]
                state = self.execution["Status"]["State"]
                if state in ENDED:
                    return True
                said.update(f"{state.lower()}, {self.figures()}")
                if interrupted.wait(pause_s):
                    return False
                pause_s = min(1.5 * pause_s, POLL_S_MAX)

    def figures(self) -> str:
        """How long, and how much was read."""
        scanned = self.execution["Statistics"].get("DataScannedInBytes", 0)
        return f"{time.monotonic() - self._began:.2f} s, {size(scanned)} scanned"

    def columns_and_rows(self) -> tuple[list[dict[str, Any]], Iterator[Row]]:
        """The columns, and all rows a page at a time."""
        pages = self._pages()
        first = next(pages)
        columns = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        rows = itertools.chain.from_iterable(map(_rows, itertools.chain([first], pages)))
        if self.execution["ResultConfiguration"]["OutputLocation"].endswith(".csv"):
            next(rows, None)  # The names of the columns.
            return columns, rows
        return columns, (_split(row, len(columns)) for row in rows)

    def _pages(self) -> Iterator[dict[str, Any]]:
        wanted = {"QueryExecutionId": self.execution["QueryExecutionId"]}
        while True:
            page = self._athena.get_query_results(**wanted)
            yield page
            if "NextToken" not in page:
                return
            wanted["NextToken"] = page["NextToken"]

    @property
    def updated(self) -> int | None:
        """Rows that it wrote, if it writes."""
        if "DataManifestLocation" not in self.execution["Statistics"]:
            return None
        id = self.execution["QueryExecutionId"]
        count: int | None = self._athena.get_query_results(QueryExecutionId=id).get("UpdateCount")
        return count


class Shown(Protocol):
    """A statement that has ended, as it is shown."""

    def columns_and_rows(self) -> tuple[list[dict[str, Any]], Iterator[Row]]:
        """The columns (`Name`, `Type`), and all rows."""
        ...

    @property
    def updated(self) -> int | None:
        """Rows that it wrote, if it writes."""
        ...

    def figures(self) -> str:
        """What it took."""
        ...


@contextlib.contextmanager
def interrupts() -> Iterator[threading.Event]:
    """An event that is set by the first interrupt, wherever that comes; a second one ends the command at once."""
    interrupted = threading.Event()

    def first(*_: Any) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _rows(page: dict[str, Any]) -> list[Row]:
    return [[one.get("VarCharValue") for one in row["Data"]] for row in page["ResultSet"]["Rows"]]


def _split(row: Row, count: int) -> Row:
    """A line of DDL's output as fields: they are between tabs, padded."""
    fields: Row = [one.strip() for one in (row[0] or "").split("\t")] if count > 1 and len(row) == 1 else row
    return fields + [None] * (count - len(fields))


def show_table(statement: Shown, limit: int) -> None:
    """A table on standard output, at most so many rows; what it took on standard error."""
    columns, rows = statement.columns_and_rows()
    count = 0
    if columns:
        table = Table(header_style="bold blue", row_styles=["", "dim"])
        for column in columns:
            number = column["Type"] in NUMBERS
            table.add_column(Text(column["Name"]), justify="right" if number else "left", overflow="fold")
        for count, row in enumerate(rows, start=1):
            if count <= limit:
                table.add_row(*(Text("NULL", style="dim italic") if one is None else Text(one) for one in row))
        if count:
            Console().print(table)
    tell(statement, count, limit)


def tell(statement: Shown, count: int, limit: int | None = None) -> None:
    """One line on standard error."""
    wrote = statement.updated
    what = f"{count:,} row{'' if count == 1 else 's'}" if wrote is None else f"{wrote:,} rows written"
    shown = f" ({limit:,} shown; --rows shows more)" if limit is not None and count > limit else ""
    typer.echo(f"{strong(what)}{shown} in {statement.figures()}", err=True)


def show_csv(statement: Shown) -> None:
    """CSV with a header on standard output; null is nothing at all, an empty text two quotes."""
    columns, rows = statement.columns_and_rows()
    sys.stdout.write(",".join(_field(column["Name"]) for column in columns) + "\n")
    count = 0
    for row in rows:
        count += 1
        sys.stdout.write(",".join(map(_field, row)) + "\n")
    tell(statement, count)


def _field(value: str | None) -> str:
    if value is None:
        return ""
    plain = value and not set(value) & set(',"\r\n')
    return value if plain else f'"{value.replace(chr(34), 2 * chr(34))}"'


def show_json(statement: Shown) -> None:
    """A JSON list of objects on standard output, one a line; numbers are numbers."""
    columns, rows = statement.columns_and_rows()
    count = 0
    sys.stdout.write("[")
    for count, row in enumerate(rows, start=1):
        pairs = zip(columns, row, strict=True)
        document = {column["Name"]: typed(column["Type"], value) for column, value in pairs}
        sys.stdout.write(("," if count > 1 else "") + "\n" + json.dumps(document, ensure_ascii=False))
    sys.stdout.write("\n]\n" if count else "]\n")
    tell(statement, count)


def typed(kind: str, value: str | None) -> Any:
    """A value as JSON has it; what JSON lacks stays a text.

    >>> typed("bigint", "7"), typed("double", "0.5"), typed("boolean", "true"), typed("double", "NaN")
    (7, 0.5, True, 'NaN')
    """
    if value is None:
        return None
    if kind in WHOLE:
        return int(value)
    if kind in FRACTIONS and value not in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    return value == "true" if kind == "boolean" else value


def size(count: int) -> str:
    """Bytes for people.

    >>> size(12), size(3_400_000)
    ('12 B', '3.4 MB')
    """
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"
