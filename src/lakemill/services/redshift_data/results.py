"""GetStatementResult: pages of what a statement answered."""

import asyncio
import csv
import io
from typing import Any

from lakemill.engines.warehouses import NoResult, Part, Statement, StatementRunning, Warehouses
from lakemill.services.base import Call, Ready, operation
from lakemill.services.redshift_data.describing import numbered
from lakemill.services.redshift_data.errors import invalid
from lakemill.services.redshift_data.paging import opened, sealed

Document = dict[str, Any]


class ResultOperations:
    """Mixed into the service."""

    warehouses: Warehouses

    async def waited(self, call: Call, request: Document) -> Statement:
        raise NotImplementedError

    @operation("GetStatementResult")
    async def get_statement_result(self, call: Call, request: Document) -> Document:
        found, number = await self._finished(call, request)
        if found.details["format"] != "JSON":
            raise invalid("The result is in CSV format; use GetStatementResultV2.")
        page, token = await self._page(found, number, request)
        return {"Records": Ready(page)} | self._about(found.parts[number]) | token

    @operation("GetStatementResultV2")
    async def get_statement_result_v2(self, call: Call, request: Document) -> Document:
        found, number = await self._finished(call, request)
        if found.details["format"] != "CSV":
            raise invalid("The result is in JSON format; use GetStatementResult.")
        page, token = await self._page(found, number, request)
        records = [{"CSVRecords": await asyncio.to_thread(as_csv, page)}]
        return {"Records": records, "ResultFormat": "CSV"} | self._about(found.parts[number]) | token

    async def _finished(self, call: Call, request: Document) -> tuple[Statement, int]:
        """The statement and which of its parts is asked for. Raises StatementRunning, NoResult, ValidationException."""
        found, (_, _, number) = await self.waited(call, request), request["Id"].partition(":")
        at = numbered(found, number) if number else 0
        if not found.single and not number:
            raise invalid("The statement is a batch; ask for the result of one of its SubStatements.")
        if found.state != "FINISHED" and not (found.ended and found.separate):
            raise StatementRunning(request["Id"])
        if found.parts[at].columns is None or found.parts[at].state != "FINISHED":
            raise NoResult(request["Id"])
        return found, at

    async def _page(self, found: Statement, number: int, request: Document) -> tuple[list[Any], Document]:
        token = opened(request.get("NextToken"))
        if token and not token.isdigit():
            raise invalid("NextToken is malformed.")
        first = int(token or 0)
        pages, more = await asyncio.to_thread(self.warehouses.statements.pages, found, number, first)
        rows = pages[0]["Records"] if pages else []
        return rows, {"NextToken": sealed(str(first + 1))} if more else {}

    @staticmethod
    def _about(part: Part) -> Document:
        return {"ColumnMetadata": [column(one) for one in part.columns or []], "TotalNumRows": part.rows}


def column(one: Document) -> Document:
    """A ColumnMetadata of a column of a result (`interface.Column`)."""
    return {
        "isCaseSensitive": one.get("case_sensitive", False),
        "isCurrency": False,
        "isSigned": one.get("signed", False),
        "label": one["name"],
        "length": one.get("length", 0),
        "name": one["name"],
        "nullable": one.get("nullable", 1),
        "precision": one.get("precision", 0),
        "scale": one.get("scale", 0),
        "schemaName": one.get("schema", ""),
        "tableName": one.get("table", ""),
        "typeName": one["type"],
    }


def as_csv(rows: list[list[Document]]) -> str:
    """Rows of a page as CSV, without a header.

    >>> as_csv([[{"longValue": 1}, {"isNull": True}, {"stringValue": "a,b"}]])
    '1,,"a,b"\\r\\n'
    """
    out = io.StringIO()
    csv.writer(out).writerows([[_text(field) for field in row] for row in rows])
    return out.getvalue()


def _text(field: Document) -> Any:
    kind, value = next(iter(field.items()))
    if kind == "isNull":
        return ""
    return str(value).lower() if kind == "booleanValue" else value
