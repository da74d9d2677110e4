"""Several items, all or none: TransactWriteItems and TransactGetItems."""

import hashlib

import msgspec

from lakemill.engines.tables import Change, Table
from lakemill.engines.tables.errors import ChangesCancelled, ConditionFailed, TableMissing, TablesError
from lakemill.engines.tables.paths import project
from lakemill.engines.tables.values import item_size
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.dynamodb.capacity import consumed_each, read_units, write_units
from lakemill.services.dynamodb.items import refuse_metrics
from lakemill.services.dynamodb.names import Answer, Part, Request, invalid, item_table, not_found, scope_of
from lakemill.services.dynamodb.requests import Spoken, item_of, key_of

ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


class Transactions(Part):
    """Operations that are one for all their items."""

    @operation("TransactWriteItems")
    async def transact_write_items(self, call: Call, request: Request) -> Answer:
        refuse_metrics(request)
        wishes = [self._one(item) for item in request["TransactItems"]]
        changes = []
        seen: set[tuple[str, str]] = set()
        for kind, wish in wishes:
            table = item_table(self._tables, call, wish["TableName"])
            change = _change(table, kind, wish)
            place = (table.id, table.key.place(change.key))
            if place in seen:
                raise invalid("Transaction request cannot include multiple operations on one item")
            seen.add(place)
            changes.append(change)
        digest = hashlib.sha256(msgspec.msgpack.encode(request["TransactItems"])).hexdigest()
        try:
            done = await self._tables.change(
                scope_of(call), changes, token=request.get("ClientRequestToken"), digest=digest
            )
        except TableMissing:
            raise not_found() from None
        except ChangesCancelled as cancelled:
            raise _cancelled(cancelled.reasons, [wish for _, wish in wishes]) from None
        units: dict[str, float] = {}
        for change, changed in zip(changes, done, strict=False):  # None were done again for a repeated token.
            units[change.table] = units.get(change.table, 0.0) + write_units(changed.bytes, transaction=True)
        return consumed_each(request, units)

    @staticmethod
    def _one(item: Request) -> tuple[str, Request]:
        if len(item) != 1:
            raise invalid(
                "TransactItems can only contain one of Check, Put, Update or Delete"
                if item
                else "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
            )
        return next(iter(item.items()))

    @operation("TransactGetItems")
    async def transact_get_items(self, call: Call, request: Request) -> Answer:
        wanted, projections = [], []
        for item in request["TransactItems"]:
            table = item_table(self._tables, call, item["Get"]["TableName"])
            spoken = Spoken(item["Get"])
            projections.append(spoken.projection())
            spoken.finish()
            wanted.append((table.name, key_of(table, item["Get"]["Key"])))
        try:
            found = await self._tables.together(scope_of(call), wanted)
        except TableMissing:
            raise not_found() from None
        units: dict[str, float] = {}
        responses: list[Answer] = []
        for (name, _), item, paths in zip(wanted, found, projections, strict=True):
            units[name] = units.get(name, 0.0) + read_units(item_size(item or {}), consistent=True, transaction=True)
            responses.append({} if item is None else {"Item": item if paths is None else project(item, paths)})
        return {"Responses": responses} | consumed_each(request, units)


def _change(table: Table, kind: str, wish: Request) -> Change:
    spoken = Spoken(wish)
    condition = spoken.condition()
    if kind == "Put":
        change = Change(table.name, item_of(table, wish["Item"]), put=True, condition=condition)
    else:
        key = key_of(table, wish["Key"])
        update = spoken.update(table) if kind == "Update" else None
        change = Change(table.name, key, update=update, delete=kind == "Delete", condition=condition)
    spoken.finish()
    return change


def _cancelled(reasons: list[TablesError | None], wishes: list[Request]) -> ServiceError:
    described = []
    for reason, wish in zip(reasons, wishes, strict=True):
        one: Answer = {"Code": "None"}
        if isinstance(reason, ConditionFailed):
            one = {"Code": "ConditionalCheckFailed", "Message": str(reason)}
            if wish.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and reason.item:
                one["Item"] = reason.item
        elif reason is not None:
            one = {"Code": "ValidationError", "Message": str(reason)}
        described.append(one)
    codes = ", ".join(one["Code"] for one in described)
    return ServiceError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        fields={"CancellationReasons": described},
    )
