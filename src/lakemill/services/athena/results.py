"""GetQueryResults: a page of rows from the result's object."""

import asyncio
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
            raise invalid("QueryResultType DATA_MANIFEST is not supported: results are kept in S3.")
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
        bucket, _, key = found.location.removeprefix("s3://").partition("/")
        self.rights(call).object("read", bucket, key)
        try:
            record = self.objects.head(bucket, key)
        except ObjectsError:
            raise invalid("Could not find results") from None
        begin = _begin(request.get("NextToken"), record)
        limit = request.get("MaxResults", ROWS_MAX)
        try:
            rows, then = await asyncio.to_thread(self._page, record, found.form, begin, limit)
        except (ObjectsError, ValueError):
            raise invalid("Could not find results") from None
        return rows, None if then is None else sealed(f"{record.etag} {then}")

    def _page(self, record: ObjectRecord, form: str, begin: int, limit: int) -> tuple[list[Any], int | None]:
        return page(lambda at, length: self.objects.read(record, at, length), record.size, form, begin, limit)


def _begin(token: str | None, record: ObjectRecord) -> int:
    """The byte at which a token's page begins, 0 without one."""
    if not token:
        return 0
    etag, _, offset = opened(token).partition(" ")
    if etag != record.etag or not offset.isdecimal() or int(offset) >= record.size:
        raise invalid("NextToken is malformed")
    return int(offset)
