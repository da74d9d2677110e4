"""One crawl, from listing the targets to the last line of its log."""

import asyncio
import dataclasses
from collections.abc import Callable

from lakemill.engines.catalog import Catalog, Partitions, Table
from lakemill.engines.crawling import databases, globs
from lakemill.engines.crawling.databases import DatabaseTable
from lakemill.engines.crawling.errors import CrawlFailed
from lakemill.engines.crawling.folders import Folder, Tree
from lakemill.engines.crawling.grouping import Found, Grouping
from lakemill.engines.crawling.plan import NEW_FOLDERS, DatabaseTarget, Plan, Target
from lakemill.engines.crawling.process import Workers
from lakemill.engines.crawling.sampling import Sampler
from lakemill.engines.crawling.thread import Do
from lakemill.engines.crawling.writing import Counts, Finding, Writer
from lakemill.engines.objects import BucketMissing, Listed, Objects, ObjectsError

PAGE_OBJECTS = 1000
PAGES_AT_ONCE = 8


class Halted(Exception):
    """The crawl is to end."""


class Crawl:
    """Carries out a plan. say: takes lines for its log. do: does what blocks."""

    def __init__(
        self,
        plan: Plan,
        objects: Objects,
        catalog: Catalog,
        workers: Workers,
        say: Callable[[str], None],
        do: Do = asyncio.to_thread,
    ) -> None:
        self._plan, self._objects, self._catalog, self._workers, self._say = plan, objects, catalog, workers, say
        self._do = do
        self._writer = Writer(plan, catalog, say, self._check)
        self._halting = False

    def halt(self) -> None:
        """End it between two steps, with Halted."""
        self._halting = True

    def _check(self) -> None:
        if self._halting:
            raise Halted

    @property
    def counts(self) -> Counts:
        return self._writer.counts

    async def run(self) -> None:
        """Raises CrawlFailed, Halted."""
        await self._writer.begin()
        known = {} if self._plan.recrawl != NEW_FOLDERS else await self._known()
        found: list[Finding] = []
        for target in self._plan.targets:
            tree = await self._listed(target)
            roots = frozenset(_below(location, target) for location in known) - {""}
            crawled = {_below(place, target) for places in known.values() for place in places}
            found += [(target, one) for one in await self._tables(target, tree.root, roots, crawled)]
        for place in self._plan.databases:
            found += [(place, one) for one in await self._in_database(place)]
        if self._plan.tables_max is not None and len(found) > self._plan.tables_max:
            raise CrawlFailed(
                f"The number of tables detected by crawler: {len(found)} is greater than the table threshold value "
                f"provided: {self._plan.tables_max}. Use the recommended number of tables as the threshold."
            )
        self._say(f"BENCHMARK : Classification complete, writing results to database {self._plan.database}")
        await self._writer.write(found)
        self._say("BENCHMARK : Finished writing to Catalog")

    async def _in_database(self, target: DatabaseTarget) -> list[DatabaseTable]:
        self._check()
        account, region = self._plan.scope.split("/")
        for what in ("catalog", f"connection/{target.connection}"):
            refused = self._plan.refusal("glue:GetConnection", f"arn:aws:glue:{region}:{account}:{what}")
            if refused is not None:
                raise CrawlFailed(f"Access denied to connection {target.connection}. {refused}")
        async with self._workers.lent() as worker:
            found, excluded = await databases.tables(target, worker)
        self._say(f"INFO : Found {len(found)} tables of {target.location}, {excluded} others are excluded")
        return found

    async def _known(self) -> dict[str, set[str]]:
        """Locations of the tables that are there, and for each those of its folders that were crawled."""
        found = {}
        for table in self._writer.ours():
            places = {table.location}
            if table.partition_keys:
                places = await self._partition_locations(table)
            found[table.location] = places
        return found

    async def _partition_locations(self, table: Table) -> set[str]:
        partitions, places, after = Partitions(self._catalog), set(), ""
        while True:
            page, after = await partitions.search(
                self._plan.scope, self._plan.database, table.name, after=after, limit=PAGE_OBJECTS
            )
            places |= {one.location for one in page}
            if not after:
                return places

    async def _listed(self, target: Target) -> Tree:
        """The folders of a target. Raises CrawlFailed."""
        bucket = f"arn:aws:s3:::{target.bucket}"
        refused = self._plan.refusal("s3:ListBucket", bucket, context={"s3:prefix": target.prefix})
        if refused is not None:
            raise CrawlFailed(f"Access denied to {target.location}. {refused}")
        name = target.prefix.rstrip("/").rpartition("/")[2] or target.bucket
        tree = Tree(name, target.prefix, globs.matcher(target.exclusions))
        after: str | None = ""
        while after is not None:
            self._check()
            try:
                after = await self._do(self._take, tree, target, after)
            except BucketMissing:
                raise CrawlFailed(f"The specified bucket does not exist: {target.bucket}") from None
        if not tree.objects and target.prefix:
            tree = self._single(target) or tree
        self._say(f"INFO : Listed {tree.objects} objects of {target.location}, {tree.excluded} of them excluded")
        return tree

    def _single(self, target: Target) -> Tree | None:
        """The tree of a target that is no folder but a file."""
        try:
            record = self._objects.head(target.bucket, target.prefix.rstrip("/"))
        except ObjectsError:
            return None
        parent = record.key.rpartition("/")[0]
        tree = Tree(parent.rpartition("/")[2] or target.bucket, f"{parent}/" if parent else "", lambda path: False)
        tree.take([Listed(record.key, record.size, record.attributes.storage_class)])
        return tree

    def _take(self, tree: Tree, target: Target, after: str) -> str | None:
        """Sum some pages up; where to go on, None at the end."""
        for _ in range(PAGES_AT_ONCE):
            page = self._objects.listed(target.bucket, target.prefix, after, PAGE_OBJECTS)
            tree.take(page)
            if len(page) < PAGE_OBJECTS:
                return None
            after = page[-1].key
        return after

    async def _tables(self, target: Target, root: Folder, roots: frozenset[str], crawled: set[str]) -> list[Found]:
        folders = [one for one in root.walk() if one.files and one.path not in crawled]
        self._check()
        async with self._workers.lent() as worker:
            sampler = Sampler(self._plan, self._objects, worker, self._check, self._do)
            looked = await sampler.look(target, folders)
        depth = None if self._plan.level is None else self._plan.level - 1 - target.prefix.count("/")
        if depth is not None and depth < 0:
            raise CrawlFailed(f"The table level {self._plan.level} is above the include path {target.location}")
        grouping = Grouping(looked, combine=self._plan.combine, table_depth=depth, roots=roots)
        tables = await self._do(grouping.tables, root)
        if root.path != target.prefix:  # The target is a file.
            place = next(iter(looked.values()))[0][0] if looked else None
            tables = [dataclasses.replace(one, file=place) for one in tables]
        for note in [*sampler.notes, *grouping.notes]:
            self._say(f"WARN : {note}")
        return tables


def _below(location: str, target: Target) -> str:
    """The path of a location within the target's bucket; "" if it is not below the target."""
    path = location.removeprefix(f"s3://{target.bucket}/")
    return path if location.startswith(target.location) else ""
