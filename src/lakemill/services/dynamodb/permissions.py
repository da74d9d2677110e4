"""What a caller must be allowed: the operation on each table or index, and with which hash values.

`dynamodb:LeadingKeys` holds the hash values a request names, as text, so that a policy can give users their own items.
A Scan names none.
"""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from lakemill.engines.tables import Tables
from lakemill.engines.tables.errors import TableMissing, TablesError
from lakemill.services.base import Call, Need, ServiceError
from lakemill.services.dynamodb.names import Request, scope_of, table_name
from lakemill.services.dynamodb.requests import Spoken
from lakemill.services.dynamodb.transactions import ACTIONS

LEADING = "dynamodb:LeadingKeys"


def needs(tables: Tables, call: Call, request: Request) -> list[Need]:
    """For transactions, what they are made of."""
    if "RequestItems" in request:
        return [
            _need(tables, call, call.operation, name, _batched(wish)) for name, wish in request["RequestItems"].items()
        ]
    if "TransactItems" in request:
        return [
            _need(tables, call, ACTIONS[kind], one["TableName"], [one.get("Key") or one.get("Item", {})])
            for item in request["TransactItems"]
            for kind, one in item.items()
        ]
    if "ResourceArn" in request:
        return [Need(f"dynamodb:{call.operation}", request["ResourceArn"])]
    if "TableName" not in request:
        return [Need(f"dynamodb:{call.operation}")]
    keys = [request[member] for member in ("Key", "Item") if member in request]
    return [_need(tables, call, call.operation, request["TableName"], keys, request)]


def _batched(wish: Any) -> Iterator[dict[str, Any]]:
    """Keys (or items, which have them) of one table of a batch."""
    if isinstance(wish, dict):
        yield from wish["Keys"]
    else:
        for write in wish:
            for one in write.values():
                yield one.get("Key") or one.get("Item", {})


def _need(
    tables: Tables, call: Call, action: str, given: str, keys: Iterable[dict[str, Any]], request: Request | None = None
) -> Need:
    name = table_name(given)
    index = (request or {}).get("IndexName")
    resource = f"table/{name}" + (f"/index/{index}" if index else "")
    try:
        table = tables.named(scope_of(call), name)
        hash_name = (table.index(index).key if index else table.key).hash.name
        values = [key[hash_name] for key in keys if hash_name in key]
        if action == "Query" and request is not None:
            parts = Spoken(request).key_condition()
            values = [value for part, _, several in parts if part == hash_name for value in several]
    except (TableMissing, TablesError, ServiceError):
        values = []  # What is wrong is said when the request is handled, to those who may ask.
    context = {LEADING: [_text(value) for value in values]} if values else {}
    return Need(f"dynamodb:{action}", call.arn(resource), context)


def _text(value: dict[str, Any]) -> str:
    content = next(iter(value.values()), "")
    return base64.b64encode(content).decode() if isinstance(content, bytes) else str(content)
