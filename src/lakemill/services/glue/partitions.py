"""Partitions, one and in batches."""

from typing import Any

from lakemill.engines.catalog import Catalog, CatalogError, PartitionMissing, Partitions, Segment
from lakemill.services.base import Call, operation
from lakemill.services.glue import shapes
from lakemill.services.glue.tables import NO_TIME

PAGE_MAX = 1000
NO_AUDIT = {"AuditContext": shapes.LAKE_FORMATION}


class PartitionOperations:
    """Mixed into the service."""

    catalog: Catalog
    partitions: Partitions

    @operation("CreatePartition")
    async def create_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        (error,) = await self.partitions.add(*_table(call, request), [_definition(request["PartitionInput"])])
        _raise(error)
        return {}

    @operation("BatchCreatePartition")
    async def batch_create_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        given = request["PartitionInputList"]
        done = await self.partitions.add(*_table(call, request), [_definition(one) for one in given])
        return {"Errors": _errors([one.get("Values", []) for one in given], done)}

    @operation("GetPartition", refuses=NO_AUDIT)
    def get_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        (found,) = self.partitions.find(*_table(call, request), [request["PartitionValues"]])
        if found is None:
            raise PartitionMissing
        return {"Partition": shapes.partitions(call, request, [found])[0]}

    @operation("GetPartitions", refuses=NO_TIME)
    async def get_partitions(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found, last = await self.partitions.search(
            *_table(call, request),
            request.get("Expression", ""),
            after=shapes.after(request),
            limit=request.get("MaxResults", PAGE_MAX),
            segment=_segment(request),
        )
        columns = not request.get("ExcludeColumnSchema", False)
        listed = shapes.partitions(call, request, found, columns=columns)
        return {"Partitions": listed} | ({"NextToken": shapes.token_for(last)} if last else {})

    @operation("BatchGetPartition", refuses=NO_AUDIT | {"QuerySessionContext": shapes.LAKE_FORMATION})
    def batch_get_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        asked = [one["Values"] for one in request["PartitionsToGet"]]
        found = self.partitions.find(*_table(call, request), asked)
        listed = shapes.partitions(call, request, [one for one in found if one is not None])
        return {"Partitions": listed, "UnprocessedKeys": []}

    @operation("UpdatePartition")
    async def update_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        change = (request["PartitionValueList"], _definition(request["PartitionInput"]))
        (error,) = await self.partitions.update(*_table(call, request), [change])
        _raise(error)
        return {}

    @operation("BatchUpdatePartition")
    async def batch_update_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        changes = [(one["PartitionValueList"], _definition(one["PartitionInput"])) for one in request["Entries"]]
        done = await self.partitions.update(*_table(call, request), changes)
        errors = _errors([values for values, _ in changes], done)
        return {
            "Errors": [
                {"PartitionValueList": one["PartitionValues"], "ErrorDetail": one["ErrorDetail"]} for one in errors
            ]
        }

    @operation("DeletePartition")
    async def delete_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        (error,) = await self.partitions.remove(*_table(call, request), [request["PartitionValues"]])
        _raise(error)
        return {}

    @operation("BatchDeletePartition")
    async def batch_delete_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        values = [one["Values"] for one in request["PartitionsToDelete"]]
        return {"Errors": _errors(values, await self.partitions.remove(*_table(call, request), values))}


def _table(call: Call, request: dict[str, Any]) -> tuple[str, str, str]:
    return shapes.scope(call, request), request["DatabaseName"], request["TableName"]


def _definition(given: dict[str, Any]) -> dict[str, Any]:
    shapes.refuse_storage(given)
    return shapes.definition_of(given)


def _segment(request: dict[str, Any]) -> Segment | None:
    given = request.get("Segment")
    if given is None:
        return None
    number, total = given["SegmentNumber"], given["TotalSegments"]
    if number >= total:
        raise shapes.invalid(f"SegmentNumber must be below TotalSegments {total}; got {number}.")
    return Segment(number, total)


def _raise(error: CatalogError | None) -> None:
    if error is not None:
        raise error


def _errors(values: list[list[str]], done: list[CatalogError | None]) -> list[dict[str, Any]]:
    return [
        {"PartitionValues": one, "ErrorDetail": shapes.detail(error)}
        for one, error in zip(values, done, strict=True)
        if error is not None
    ]
