"""What a crawl found, held against the catalog and written into it, in steps that are kept or taken back together.

A new table is seen when all its partitions are there. Tables whose data is no more are deleted at the end, in the
transaction that keeps everything else.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from lakemill.engines.catalog import (
    Catalog,
    DatabaseExists,
    DatabaseMissing,
    Partition,
    Partitions,
    Table,
    TableExists,
    UndoLog,
)
from lakemill.engines.crawling import definitions
from lakemill.engines.crawling.databases import DatabaseTable
from lakemill.engines.crawling.definitions import DEPRECATED_BY, UPDATED_BY, Definition
from lakemill.engines.crawling.errors import CrawlFailed
from lakemill.engines.crawling.grouping import Found, Leaf, partition_values
from lakemill.engines.crawling.plan import DELETE, LOG, NEW_FOLDERS, DatabaseTarget, Plan, Target

BATCH = 200
"""Partitions that are written at once: others on the event loop wait for as long."""
STATISTICS = {"recordCount", "averageRecordSize", "objectCount", "sizeKey"}
"""Parameters that change without a change of the table."""
Say = Callable[[str], None]
Finding = tuple[Target | DatabaseTarget, Found | DatabaseTable]
Wanted = dict[tuple[str, ...], Callable[[], Definition]]
"""Definitions of partitions by their values, each made when it is needed."""


@dataclasses.dataclass
class Counts:
    """What a crawl did."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    partitions_created: int = 0
    partitions_updated: int = 0
    partitions_deleted: int = 0


class Writer:
    """Writes the tables of one crawl. say: takes lines for its log. halted: raises if the crawl is to end."""

    def __init__(self, plan: Plan, catalog: Catalog, say: Say, halted: Callable[[], None]) -> None:
        self._plan, self._say, self._halted = plan, say, halted
        self._lasting = catalog
        self._undo = UndoLog(catalog.metadata, f"{plan.scope}/{plan.crawler}")
        self._catalog = Catalog(self._undo, catalog.clock)
        self._partitions = Partitions(self._catalog)
        self._scope, self._database = plan.scope, plan.database
        self._gone: list[str] = []
        self.counts = Counts()

    async def begin(self) -> None:
        """Make the database if it is not there; it stays. Raises CrawlFailed."""
        await self._undo.take_back()  # If an earlier crawl could not, on a full disk.
        self._permit("GetDatabase")
        try:
            self._catalog.database(self._scope, self._database)
        except DatabaseMissing:
            self._permit("CreateDatabase")
            with contextlib.suppress(DatabaseExists):
                await self._lasting.create_database(self._scope, {"name": self._database})
            self._say(f"INFO : Created database {self._database}")
        self._permit("GetTable", "*")

    def ours(self) -> Iterator[Table]:
        """Tables this crawler wrote, below its targets."""
        places = [one.location for one in self._plan.targets] + [one.location for one in self._plan.databases]
        for one in self._catalog.tables(self._scope, self._database):
            if one.parameters.get(UPDATED_BY) == self._plan.crawler and any(
                (one.location.rstrip("/") + "/").startswith(place) for place in places
            ):
                yield one

    async def write(self, found: Sequence[Finding]) -> None:
        """Bring the catalog to what was found, or leave it as it was. Raises CrawlFailed, what `halted` raises."""
        try:
            await self._write(found)
            await self._lasting.delete_tables(self._scope, self._database, self._gone, also=self._undo.keep_in)
        except Exception:
            if await self._undo.take_back():
                self._lasting.start()
                self._say("WARN : The crawl does not end; what it wrote into the Data Catalog is taken back")
            self.counts = Counts()
            raise

    async def _write(self, found: Sequence[Finding]) -> None:
        names = {one.name: one.location for one in self._catalog.tables(self._scope, self._database)}
        before = {
            one.location: one
            for one in self._catalog.tables(self._scope, self._database)
            if UPDATED_BY in one.parameters
        }
        kept: set[str] = set()
        places: set[str] = set()
        for target, one in found:
            self._halted()
            location = target.location_of(one.path)
            if location in places:
                continue  # Targets may lie in each other.
            places.add(location)
            existing = before.get(location)
            if existing is None:
                name = definitions.table_name(self._plan, target, one.path)
                if name in names:
                    name = definitions.distinct_name(name, location)
                names[name] = location
                kept.add(await self._create(target, one, name))
                continue
            table = await self._update(target, one, existing)
            kept.add(table.name)
            if isinstance(target, Target) and isinstance(one, Found):
                await self._write_partitions(target, one, table)
        if self._plan.recrawl != NEW_FOLDERS:
            for table in [one for one in self.ours() if one.name not in kept]:
                self._halted()
                await self._missing(table)

    # Tables

    async def _create(self, target: Target | DatabaseTarget, found: Found | DatabaseTable, name: str) -> str:
        """A new table, with its partitions; its name."""
        self._permit("CreateTable", name)
        definition = definitions.table(self._plan, target, found, name)
        draft = self._lasting.draft_table(self._database, definition, f"crawler/{self._plan.crawler}")
        if isinstance(target, Target) and isinstance(found, Found) and found.keys:
            await self._fill(target, found, draft)
        try:
            await self._publish(draft)
        except TableExists:  # Somebody else made one meanwhile.
            name = definitions.distinct_name(name, target.location_of(found.path))
            draft = dataclasses.replace(draft, name=name, definition=draft.definition | {"name": name})
            await self._publish(draft)
        self.counts.created += 1
        self._say(f"INFO : Created table {draft.name} in database {self._database}")
        return draft.name

    async def _publish(self, draft: Table) -> None:
        await self._catalog.metadata.transact(lambda t: self._catalog.publish_in(t, self._scope, draft))

    async def _fill(self, target: Target, found: Found, draft: Table) -> None:
        wanted = await self._wanted(target, found, draft)
        if wanted:
            self._permit("BatchCreatePartition", draft.name)
            await self._undo.note_draft(draft)
        partitions = Partitions(self._lasting)
        for some in _batches(list(wanted.values())):
            self._halted()
            await partitions.add_to_draft(draft, some)
        self._count_new(draft, len(wanted))

    async def _update(self, target: Target | DatabaseTarget, found: Found | DatabaseTable, table: Table) -> Table:
        wanted = definitions.table(self._plan, target, found, table.name)
        if self._plan.add_columns_only:
            if _is_other(table, wanted):
                await self._deprecate(table)
                return table
            wanted = _updated(table, wanted)
        difference = _differs(table.definition, wanted)
        if difference == "no":
            return table
        if self._plan.on_change == LOG and difference == "yes":
            self._say(f"INFO : Table {table.name} in database {self._database} has another schema; it is not changed")
            return table
        if self._plan.on_change == LOG:
            return table
        self._permit("UpdateTable", table.name)
        if len(wanted["partition_keys"]) != len(table.partition_keys):
            await self._remove_all(table)
        changed = difference == "yes"
        updated = await self._catalog.update_table(self._scope, self._database, wanted, archive=changed)
        if changed:
            self.counts.updated += 1
            self._say(f"INFO : Updated table {table.name} in database {self._database}")
        return updated

    async def _missing(self, table: Table) -> None:
        """A table whose data is no more."""
        if self._plan.on_missing == DELETE:
            self._permit("DeleteTable", table.name)
            self._gone.append(table.name)
            self.counts.deleted += 1
            self._say(f"INFO : Deleted table {table.name} in database {self._database}")
        elif self._plan.on_missing == LOG:
            self._say(f"INFO : The data of table {table.name} in database {self._database} is no more")
        else:
            await self._deprecate(table)

    async def _deprecate(self, table: Table) -> None:
        if DEPRECATED_BY not in table.parameters:
            self._permit("UpdateTable", table.name)
            definition = table.definition | {"parameters": table.parameters | self._deprecated()}
            await self._catalog.update_table(self._scope, self._database, definition)
            self.counts.deleted += 1
            self._say(f"INFO : Deprecated table {table.name} in database {self._database}")

    def _deprecated(self) -> dict[str, str]:
        return {DEPRECATED_BY: str(int(self._catalog.clock.time() * 1000))}

    # Partitions

    async def _write_partitions(self, target: Target, found: Found, table: Table) -> None:
        if not found.keys:
            return
        if len(found.keys) != len(table.partition_keys):
            self._say(f"WARN : Table {table.name} has other partition keys; its partitions are not changed")
            return
        wanted = await self._wanted(target, found, table)
        there = await self._refresh(table, wanted)
        new = [definition for values, definition in wanted.items() if values not in there]
        if new:
            self._permit("BatchCreatePartition", table.name)
        for some in _batches(new):
            self._halted()
            await self._partitions.add(self._scope, self._database, table.name, some)
        self._count_new(table, len(new))

    def _count_new(self, table: Table, number: int) -> None:
        self.counts.partitions_created += number
        if number:
            self._say(f"INFO : Created {number} partitions of table {table.name}")

    async def _wanted(self, target: Target, found: Found, table: Table) -> Wanted:
        """The partitions that were found, by their values."""
        columns = table.storage.get("columns", []) if self._plan.inherit else None
        leaves = await asyncio.to_thread(_by_values, found)
        if len(leaves) < len(found.leaves):
            self._say(f"WARN : Folders of table {table.name} have the same partition values; one of each is kept")
        make = definitions.partition
        return {values: partial(make, self._plan, target, found, leaf, columns) for values, leaf in leaves.items()}

    async def _refresh(self, table: Table, wanted: Wanted) -> set[tuple[str, ...]]:
        """Update partitions that differ, and see to those that are no more; the values of all that were there."""
        there: set[tuple[str, ...]] = set()
        after = ""
        while True:
            page, after = await self._partitions.search(
                self._scope, self._database, table.name, after=after, limit=BATCH
            )
            self._halted()
            there |= {one.values for one in page}
            changes = []
            for one in page:
                if one.values in wanted:
                    definition = wanted[one.values]()
                    if self._plan.add_columns_only:
                        definition = _updated_partition(one, definition)
                    if _differs(one.definition, definition) != "no":
                        changes.append((one.values, definition))
            if changes and self._plan.on_change != LOG:
                self._permit("BatchUpdatePartition", table.name)
                await self._partitions.update(self._scope, self._database, table.name, changes)
                self.counts.partitions_updated += len(changes)
            if self._plan.recrawl != NEW_FOLDERS:
                await self._missing_partitions(table, [one for one in page if one.values not in wanted])
            if not after:
                return there
            await asyncio.sleep(0)

    async def _missing_partitions(self, table: Table, gone: Sequence[Partition]) -> None:
        if not gone:
            return
        if self._plan.on_missing == LOG:
            self._say(f"INFO : The data of {len(gone)} partitions of table {table.name} is no more")
            return
        if self._plan.on_missing == DELETE:
            self._permit("BatchDeletePartition", table.name)
            await self._partitions.remove(self._scope, self._database, table.name, [one.values for one in gone])
        else:
            gone = [one for one in gone if DEPRECATED_BY not in one.parameters]
            changes = [
                (one.values, one.definition | {"parameters": one.parameters | self._deprecated()}) for one in gone
            ]
            self._permit("BatchUpdatePartition", table.name)
            await self._partitions.update(self._scope, self._database, table.name, changes)
        self.counts.partitions_deleted += len(gone)

    async def _remove_all(self, table: Table) -> None:
        """Remove all partitions of a table whose partition keys become others."""
        while True:
            page, after = await self._partitions.search(self._scope, self._database, table.name, limit=BATCH)
            await self._partitions.remove(self._scope, self._database, table.name, [one.values for one in page])
            if not after:
                return

    def _permit(self, action: str, table: str | None = None) -> None:
        """Raises CrawlFailed unless the role may."""
        account, region = self._scope.split("/")
        places = ["catalog", f"database/{self._database}", *([f"table/{self._database}/{table}"] if table else [])]
        for place in places:
            refused = self._plan.refusal(f"glue:{action}", f"arn:aws:glue:{region}:{account}:{place}")
            if refused is not None:
                raise CrawlFailed(f"Access denied to {place} of the Data Catalog. {refused}")


def _batches(wanted: Sequence[Callable[[], Definition]]) -> Iterator[list[Definition]]:
    for start in range(0, len(wanted), BATCH):
        yield [make() for make in wanted[start : start + BATCH]]


def _by_values(found: Found) -> dict[tuple[str, ...], Leaf]:
    return {tuple(partition_values(leaf.names, found.keys)): leaf for leaf in found.leaves}


def _updated(table: Table, wanted: Definition) -> Definition:
    """A table's definition with the columns it does not have yet; everything else stays as it is."""
    known = {column.name for column in table.columns}
    added = [one for one in wanted["storage_descriptor"]["columns"] if one["name"] not in known]
    storage = table.storage | {"columns": [*table.storage.get("columns", []), *added]}
    keys = table.definition.get("partition_keys") or []
    if len(keys) != len(wanted["partition_keys"]):
        keys = wanted["partition_keys"]
    parameters = _not_deprecated(table.parameters) | wanted["parameters"]
    return wanted | table.definition | {"parameters": parameters, "storage_descriptor": storage, "partition_keys": keys}


def _updated_partition(partition: Partition, wanted: Definition) -> Definition:
    parameters = _not_deprecated(partition.parameters) | wanted["parameters"]
    return (
        wanted | partition.definition | {"parameters": parameters, "storage_descriptor": wanted["storage_descriptor"]}
    )


def _not_deprecated(parameters: dict[str, str]) -> dict[str, str]:
    return {name: one for name, one in parameters.items() if name != DEPRECATED_BY}


def _is_other(table: Table, wanted: Definition) -> bool:
    """Whether what was found is of another format, so that new columns would be of no use."""
    return any(table.parameters.get(name) != wanted["parameters"].get(name) for name in ("classification", "delimiter"))


def _differs(before: Definition, after: Definition) -> str:
    """`yes`, `no`, or `statistics` if nothing but those differs."""
    if before == after:
        return "no"
    return "statistics" if _without_statistics(before) == _without_statistics(after) else "yes"


def _without_statistics(definition: Definition) -> Definition:
    storage = definition.get("storage_descriptor") or {}
    return definition | {
        "parameters": _kept(definition.get("parameters")),
        "storage_descriptor": storage | {"parameters": _kept(storage.get("parameters"))},
        "values": tuple(definition.get("values") or ()),
    }


def _kept(parameters: Any) -> dict[str, str]:
    return {name: one for name, one in (parameters or {}).items() if name not in STATISTICS}
