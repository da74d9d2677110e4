"""GetQueryResults: a page of rows from the result's object, or from where it is kept."""

import asyncio
from pathlib import Path
from typing import Any

from lakemill.engines.objects import ObjectRecord, Objects, ObjectsError
from lakemill.engines.queries import Execution, Queries
from lakemill.engines.queries.rows import page
from lakemill.services.athena.errors import invalid
from lakemill.services.athena.paging import opened, sealed
from lakemill.services.athena.shapes import column
from lakemill.services.athena.workgroups import scope_of
from lakemill.services.base import Call, Ready, operation
from lakemill.services.lakerights import LakeRights

ROWS_MAX = 1000
Document = dict[str, Any]


class ResultOperations:
    """Mixed into the service."""

    queries: Queries
    objects: Objects

    @operation("GetQueryResults")
    async def get_query_results(self, call: Call, request: Document) -> Document:
        if request.get("QueryResultType", "DATA_ROWS") != "DATA_ROWS":
            raise invalid("QueryResultType DATA_MANIFEST is not supported.")
        found = self.queries.get(scope_of(call), request["QueryExecutionId"])
        if not found.ended:
            raise invalid(f"Query has not yet finished. Current state: {found.state}")
        if found.state != "SUCCEEDED":
            raise invalid(f"Query did not finish successfully. Final query state: {found.state}")
        rows, token = await self._rows(call, found, request)
        answer: Document = {
            "ResultSet": {
                "Rows": Ready(
                    [{"Data": [{} if one is None else {"VarCharValue": one} for one in row]} for row in rows]
                ),
                "ResultSetMetadata": {"ColumnInfo": [column(one) for one in found.columns]},
            }
        }
        if found.updated is not None:
            answer["UpdateCount"] = found.updated
        return answer | ({"NextToken": token} if token else {})

    def rights(self, call: Call) -> LakeRights:
        raise NotImplementedError

    async def _rows(self, call: Call, found: Execution, request: Document) -> tuple[list[Any], str | None]:
        if not found.form:
            return [], None
        if not found.request.prefix:
            return await self._kept_rows(found, request)
        bucket, _, key = found.location.removeprefix("s3://").partition("/")
        self.rights(call).object("read", bucket, key)
        try:
            record = self.objects.head(bucket, key)
        except ObjectsError:
            raise invalid("Could not find results") from None
        begin = _begin(request.get("NextToken"), record.etag, record.size)
        limit = request.get("MaxResults", ROWS_MAX)
        try:
            rows, then = await asyncio.to_thread(self._page, record, found.form, begin, limit)
        except (ObjectsError, ValueError):
            raise invalid("Could not find results") from None
        return rows, None if then is None else sealed(f"{record.etag} {then}")

    async def _kept_rows(self, found: Execution, request: Document) -> tuple[list[Any], str | None]:
        """Of a result that is in no bucket."""
        path = self.queries.kept.find(found.id)
        if path is None:
            raise invalid("Could not find results")
        size, limit = path.stat().st_size, request.get("MaxResults", ROWS_MAX)
        begin = _begin(request.get("NextToken"), found.id, size)
        try:
            rows, then = await asyncio.to_thread(_page_of, path, found.form, begin, limit)
        except (OSError, ValueError):
            raise invalid("Could not find results") from None
        return rows, None if then is None else sealed(f"{found.id} {then}")

    def _page(self, record: ObjectRecord, form: str, begin: int, limit: int) -> tuple[list[Any], int | None]:
        return page(lambda at, length: self.objects.read(record, at, length), record.size, form, begin, limit)


def _page_of(path: Path, form: str, begin: int, limit: int) -> tuple[list[Any], int | None]:
    def read(at: int, length: int) -> bytes:
        file.seek(at)
        return file.read(length)

    with path.open("rb") as file:
        return page(read, path.stat().st_size, form, begin, limit)


def _begin(token: str | None, mark: str, size: int) -> int:
    """The byte at which a token's page begins, 0 without one. mark: of the result."""
    if not token:
        return 0
    found, _, offset = opened(token).partition(" ")
    if found != mark or not offset.isdecimal() or int(offset) >= size:
        raise invalid("NextToken is malformed")
    return int(offset)
