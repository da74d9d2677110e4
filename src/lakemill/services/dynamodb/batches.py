"""Several items at once, each for itself: BatchGetItem and BatchWriteItem."""

from lakemill.engines.tables import Change
from lakemill.engines.tables.errors import ChangesCancelled, TableMissing
from lakemill.engines.tables.paths import project
from lakemill.engines.tables.values import item_size
from lakemill.services.base import Call, operation
from lakemill.services.dynamodb.capacity import consumed_each, read_units, write_units
from lakemill.services.dynamodb.items import refuse_metrics
from lakemill.services.dynamodb.names import Answer, Part, Request, invalid, item_table, not_found, scope_of
from lakemill.services.dynamodb.requests import Spoken, item_of, key_of

GETS_MAX, WRITES_MAX = 100, 25
ANSWER_BYTES_MAX = 16 << 20


class Batches(Part):
    """Operations on several items."""

    @operation("BatchGetItem")
    def batch_get_item(self, call: Call, request: Request) -> Answer:
        if sum(len(one["Keys"]) for one in request["RequestItems"].values()) > GETS_MAX:
            raise invalid("Too many items requested for the BatchGetItem call")
        responses: Answer = {}
        unprocessed: Answer = {}
        units: dict[str, float] = {}
        size = 0
        for given, wish in request["RequestItems"].items():
            table = item_table(self._tables, call, given)
            spoken = Spoken(wish)
            paths = spoken.projection()
            spoken.finish()
            keys = [key_of(table, key) for key in wish["Keys"]]
            _check_duplicates([table.key.place(key) for key in keys])
            items = responses[given] = []
            for at, key in enumerate(keys):
                if size >= ANSWER_BYTES_MAX:
                    unprocessed[given] = wish | {"Keys": wish["Keys"][at:]}
                    break
                item = self._tables.get(scope_of(call), table.name, key)
                taken = item_size(item or {})
                size += taken
                consistent = wish.get("ConsistentRead", False)
                units[table.name] = units.get(table.name, 0.0) + read_units(taken, consistent=consistent)
                if item is not None:
                    items.append(item if paths is None else project(item, paths))
        return {"Responses": responses, "UnprocessedKeys": unprocessed} | consumed_each(request, units)

    @operation("BatchWriteItem")
    async def batch_write_item(self, call: Call, request: Request) -> Answer:
        refuse_metrics(request)
        if sum(map(len, request["RequestItems"].values())) > WRITES_MAX:
            raise invalid("Too many items requested for the BatchWriteItem call")
        changes: list[Change] = []
        for given, writes in request["RequestItems"].items():
            table = item_table(self._tables, call, given)
            several = [self._write(table, one) for one in writes]
            _check_duplicates([table.key.place(change.key) for change in several])
            changes += several
        try:
            done = await self._tables.change(scope_of(call), changes)
        except TableMissing:
            raise not_found() from None
        except ChangesCancelled as cancelled:  # Such as an item that is too large: AWS refuses the whole call, too.
            raise next(reason for reason in cancelled.reasons if reason is not None) from None
        units: dict[str, float] = {}
        for change, changed in zip(changes, done, strict=True):
            units[change.table] = units.get(change.table, 0.0) + write_units(changed.bytes)
        return {"UnprocessedItems": {}} | consumed_each(request, units)

    @staticmethod
    def _write(table, one: Request) -> Change:
        if len(one) != 1:
            raise invalid(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
                "datatypes"
                if one
                else "Supplied WriteRequest is empty, must contain exactly one of PutRequest and DeleteRequest"
            )
        if "PutRequest" in one:
            return Change(table.name, item_of(table, one["PutRequest"]["Item"]), put=True)
        return Change(table.name, key_of(table, one["DeleteRequest"]["Key"]), delete=True)


def _check_duplicates(places: list[str]) -> None:
    if len(set(places)) < len(places):
        raise invalid("Provided list of item keys contains duplicates")
