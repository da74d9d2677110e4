"""One item: get, put, update, delete."""

from lakemill.engines.tables import Change, Changed
from lakemill.engines.tables.errors import ChangesCancelled, ConditionFailed, TableMissing
from lakemill.engines.tables.paths import Path, project
from lakemill.engines.tables.values import Item, item_size
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.dynamodb.capacity import consumed, read_units, write_units
from lakemill.services.dynamodb.names import Answer, Part, Request, invalid, item_table, not_found, scope_of
from lakemill.services.dynamodb.requests import Spoken, item_of, key_of


class Items(Part):
    """Operations on one item."""

    @operation("GetItem")
    def get_item(self, call: Call, request: Request) -> Answer:
        table = item_table(self._tables, call, request["TableName"])
        spoken = Spoken(request)
        paths = spoken.projection()
        spoken.finish()
        item = self._tables.get(scope_of(call), table.name, key_of(table, request["Key"]))
        units = read_units(item_size(item or {}), consistent=request.get("ConsistentRead", False))
        answer = {} if item is None else {"Item": item if paths is None else project(item, paths)}
        return answer | consumed(request, table.name, units)

    @operation("PutItem")
    async def put_item(self, call: Call, request: Request) -> Answer:
        _check_wishes(request, "ALL_OLD")
        table = item_table(self._tables, call, request["TableName"])
        change = Change(table.name, item_of(table, request["Item"]), put=True, condition=_condition(request))
        return await self._change(call, request, change)

    @operation("DeleteItem")
    async def delete_item(self, call: Call, request: Request) -> Answer:
        _check_wishes(request, "ALL_OLD")
        table = item_table(self._tables, call, request["TableName"])
        change = Change(table.name, key_of(table, request["Key"]), delete=True, condition=_condition(request))
        return await self._change(call, request, change)

    @operation("UpdateItem")
    async def update_item(self, call: Call, request: Request) -> Answer:
        _check_wishes(request, "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
        table = item_table(self._tables, call, request["TableName"])
        spoken = Spoken(request)
        update, condition = spoken.update(table), spoken.condition()
        spoken.finish()
        change = Change(table.name, key_of(table, request["Key"]), update=update, condition=condition)
        return await self._change(call, request, change, update.paths())

    async def _change(self, call: Call, request: Request, change: Change, paths: list[Path] | None = None) -> Answer:
        try:
            (changed,) = await self._tables.change(scope_of(call), [change])
        except TableMissing:
            raise not_found() from None
        except ChangesCancelled as cancelled:
            reason = cancelled.reasons[0]
            assert reason is not None
            if isinstance(reason, ConditionFailed):
                raise condition_failed(reason, request) from None
            raise reason from None
        attributes = _returned(request.get("ReturnValues", "NONE"), changed, paths or [])
        answer = {"Attributes": attributes} if attributes else {}
        return answer | consumed(request, change.table, write_units(changed.bytes))


def condition_failed(reason: ConditionFailed, request: Request) -> ServiceError:
    """With the item, if it was asked for and is there."""
    wanted = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and reason.item
    return ServiceError("ConditionalCheckFailedException", str(reason), fields={"Item": reason.item} if wanted else {})


def _condition(request: Request):
    spoken = Spoken(request)
    condition = spoken.condition()
    spoken.finish()
    return condition


def _check_wishes(request: Request, *allowed: str) -> None:
    if request.get("ReturnValues", "NONE") not in ("NONE", *allowed):
        raise invalid("ReturnValues can only be ALL_OLD or NONE")
    refuse_metrics(request)


def refuse_metrics(request: Request) -> None:
    """Item collections have no limit here, so there is nothing to estimate."""
    if request.get("ReturnItemCollectionMetrics", "NONE") != "NONE":
        raise invalid(
            "ReturnItemCollectionMetrics: SIZE is refused: item collections have no limit in lakemill; "
            "the only value is NONE."
        )


def _returned(wish: str, changed: Changed, paths: list[Path]) -> Item | None:
    item = changed.new if wish.endswith("_NEW") else changed.old
    if wish == "NONE" or item is None:
        return None
    return project(item, paths) if wish.startswith("UPDATED_") else item
