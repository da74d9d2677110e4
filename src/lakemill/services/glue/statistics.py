"""Statistics of columns, of tables and partitions."""

from typing import Any

from lakemill.engines.catalog import CatalogError, Statistics, StatisticsMissing
from lakemill.services.base import Call, operation
from lakemill.services.glue import shapes


class StatisticsOperations:
    """Mixed into the service."""

    statistics: Statistics

    @operation("UpdateColumnStatisticsForTable")
    async def update_column_statistics_for_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return await self._update(call, request)

    @operation("UpdateColumnStatisticsForPartition")
    async def update_column_statistics_for_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return await self._update(call, request)

    @operation("GetColumnStatisticsForTable")
    def get_column_statistics_for_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return self._get(call, request)

    @operation("GetColumnStatisticsForPartition")
    def get_column_statistics_for_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return self._get(call, request)

    @operation("DeleteColumnStatisticsForTable")
    async def delete_column_statistics_for_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.statistics.delete(*_place(call, request), request["ColumnName"])
        return {}

    @operation("DeleteColumnStatisticsForPartition")
    async def delete_column_statistics_for_partition(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.statistics.delete(*_place(call, request), request["ColumnName"])
        return {}

    async def _update(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        given = request["ColumnStatisticsList"]
        for one in given:
            _check(one["StatisticsData"])
        done = await self.statistics.update(*_place(call, request), [shapes.definition_of(one) for one in given])
        errors = [
            {"ColumnStatistics": one, "Error": shapes.detail(error)}
            for one, error in zip(given, done, strict=True)
            if error is not None
        ]
        return {"Errors": errors}

    def _get(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        names = request["ColumnNames"]
        found = self.statistics.get(*_place(call, request), names)
        missing: list[tuple[str, CatalogError]] = [
            (name, StatisticsMissing(name)) for name, one in zip(names, found, strict=True) if one is None
        ]
        return {
            "ColumnStatisticsList": [shapes.structure_of(one) for one in found if one is not None],
            "Errors": [{"ColumnName": name, "Error": shapes.detail(error)} for name, error in missing],
        }


def _place(call: Call, request: dict[str, Any]) -> tuple[str, str, str, list[str] | None]:
    scope, values = shapes.scope(call, request), request.get("PartitionValues")
    return scope, request["DatabaseName"], request["TableName"], values


def _check(data: dict[str, Any]) -> None:
    """The data must be of the type it says."""
    expected = f"{data['Type'].capitalize()}ColumnStatisticsData"
    if set(data) != {"Type", expected}:
        raise shapes.invalid(f"StatisticsData of type {data['Type']} must hold {expected} and nothing else.")
