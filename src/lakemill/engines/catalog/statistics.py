"""Statistics of columns, as somebody measured them: of a whole table, or of a partition.

catalog_statistics  table id, values of the partition or nothing, column
"""

from collections.abc import Sequence
from typing import Any

from lakemill.engines.catalog.catalog import Catalog, joined
from lakemill.engines.catalog.entries import Definition
from lakemill.engines.catalog.errors import CatalogError, DefinitionWrong, PartitionMissing, StatisticsMissing
from lakemill.engines.catalog.partitions import PARTITIONS, partition_key
from lakemill.ports.metadata import Transaction

STATISTICS = "catalog_statistics"


class Statistics:
    """The statistics of a catalog's tables. One has `column_name`, and whatever was measured."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def update(
        self, scope: str, database: str, table: str, values: Sequence[str] | None, given: Sequence[Definition]
    ) -> list[CatalogError | None]:
        """Write statistics of a partition (by its values) or of the table (None); what prevented it, for each.

        Raises DatabaseMissing, TableMissing, PartitionMissing.
        """

        def work(transaction: Transaction) -> list[CatalogError | None]:
            place, columns = self._place(transaction, scope, database, table, values)
            done: list[CatalogError | None] = []
            for one in given:
                name = one["column_name"].lower()
                if name not in columns:
                    done.append(DefinitionWrong(f"Column {one['column_name']} is not in the table."))
                    continue
                transaction.put(STATISTICS, joined(place, name), one | {"column_name": name})
                done.append(None)
            return done

        return await self._catalog.metadata.transact(work)

    def get(
        self, scope: str, database: str, table: str, values: Sequence[str] | None, columns: Sequence[str]
    ) -> list[Definition | None]:
        """Statistics of columns, None where there are none. Raises DatabaseMissing, TableMissing, PartitionMissing."""
        metadata = self._catalog.metadata
        place, _ = self._place(metadata, scope, database, table, values)
        return [metadata.get(STATISTICS, joined(place, name.lower())) for name in columns]

    async def delete(self, scope: str, database: str, table: str, values: Sequence[str] | None, column: str) -> None:
        """Raises DatabaseMissing, TableMissing, PartitionMissing, StatisticsMissing."""

        def work(transaction: Transaction) -> None:
            place, _ = self._place(transaction, scope, database, table, values)
            if not transaction.delete(STATISTICS, joined(place, column.lower())):
                raise StatisticsMissing(column)

        await self._catalog.metadata.transact(work)

    def _place(
        self, reader: Any, scope: str, database: str, table: str, values: Sequence[str] | None
    ) -> tuple[str, set[str]]:
        """Where the statistics of a table or partition are, and the table's columns."""
        found = self._catalog.table_in(reader, scope, database, table)
        columns = {column.name for column in found.columns}
        if values is None:
            return joined(found.id, ""), columns
        place = partition_key(found, values)
        if reader.get(PARTITIONS, place) is None:
            raise PartitionMissing
        return place, columns
