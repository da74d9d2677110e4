"""`lakemill sql --cluster`: a statement of a cluster of Redshift, shown as those on the lake are."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from lakemill.cli.output import fail
from lakemill.cli.sql import POLL_S, POLL_S_MAX, Row, interrupts, size
from lakemill.cli.target import Target

ENDED = ("FINISHED", "FAILED", "ABORTED")
TYPES = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double",
    "numeric": "decimal",
    "bool": "boolean",
}
"""Types as `cli.sql` knows them."""


class ClusterStatement:
    """One statement, carried out by a cluster of a target's lakemill as `user`."""

    def __init__(self, target: Target, text: str, database: str, cluster: str, user: str) -> None:
        self._target, self._data = target, target.client("redshift-data")
        self._given = {"Sql": text, "Database": database, "ClusterIdentifier": cluster, "DbUser": user}
        self._began = time.monotonic()
        self.statement: dict[str, Any] = {}

    def run(self) -> None:
        """Until it has ended. Ends the command if it fails; an interrupt cancels it."""
        with interrupts() as interrupted:
            id, pause_s = self._start(), POLL_S
            with Console(stderr=True).status("") as said:
                while True:
                    self.statement = self._data.describe_statement(Id=id)
                    if self.statement["Status"] in ENDED:
                        break
                    said.update(f"{self.statement['Status'].lower()}, {time.monotonic() - self._began:.2f} s")
                    if interrupted.wait(pause_s):
                        self._data.cancel_statement(Id=id)
                        fail("cancelled", code=130)
                    pause_s = min(1.5 * pause_s, POLL_S_MAX)
        if self.statement["Status"] != "FINISHED":
            fail(self.statement.get("Error", self.statement["Status"]).removeprefix("ERROR: "))

    def _start(self) -> str:
        import botocore.exceptions

        try:
            id: str = self._data.execute_statement(**self._given)["Id"]
        except botocore.exceptions.EndpointConnectionError:
            fail(f"nobody answers at {self._target.endpoint}", f"lakemill up --data {self._target.data}")
        except botocore.exceptions.ClientError as wrong:
            fail(wrong.response["Error"]["Message"])
        return id

    def figures(self) -> str:
        """How long, and how large the result is."""
        result = max(0, self.statement.get("ResultSize", 0))
        return f"{time.monotonic() - self._began:.2f} s, {size(result)} of results"

    def columns_and_rows(self) -> tuple[list[dict[str, Any]], Iterator[Row]]:
        """The columns, and all rows a page at a time."""
        if not self.statement["HasResultSet"]:
            return [], iter(())
        pages = iter(self._data.get_paginator("get_statement_result").paginate(Id=self.statement["Id"]))
        first = next(pages)
        columns = [
            {"Name": one["name"], "Type": TYPES.get(one["typeName"], one["typeName"])}
            for one in first["ColumnMetadata"]
        ]
        records = itertools.chain.from_iterable(page["Records"] for page in itertools.chain([first], pages))
        return columns, ([_text(field) for field in row] for row in records)

    @property
    def updated(self) -> int | None:
        """Rows that it wrote, if it writes."""
        rows = self.statement["ResultRows"]
        return rows if not self.statement["HasResultSet"] and rows >= 0 else None


def _text(field: dict[str, Any]) -> str | None:
    kind, value = next(iter(field.items()))
    if kind == "isNull":
        return None
    return str(value).lower() if kind == "booleanValue" else str(value)
