"""One crawl, from listing the targets to the last line of its log."""

import asyncio
from collections.abc import Callable

from lakemill.engines.catalog import Catalog, Partitions, Table
from lakemill.engines.crawling import globs
from lakemill.engines.crawling.errors import CrawlFailed
from lakemill.engines.crawling.folders import Folder, Tree
from lakemill.engines.crawling.grouping import Found, Grouping
from lakemill.engines.crawling.plan import NEW_FOLDERS, Plan, Target
from lakemill.engines.crawling.process import Workers
from lakemill.engines.crawling.sampling import Sampler
from lakemill.engines.crawling.writing import Counts, Writer
from lakemill.engines.objects import BucketMissing, Objects

PAGE_OBJECTS = 1000
PAGES_AT_ONCE = 8


class Halted(Exception):
    """The crawl is to end."""


class Crawl:
    """Carries out a plan. say: takes lines for its log."""

    def __init__(
        self, plan: Plan, objects: Objects, catalog: Catalog, workers: Workers, say: Callable[[str], None]
    ) -> None:
        self._plan, self._objects, self._catalog, self._workers, self._say = plan, objects, catalog, workers, say
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
        found: list[tuple[Target, Found]] = []
        for target in self._plan.targets:
            tree = await self._listed(target)
            roots = frozenset(_below(location, target) for location in known) - {""}
            crawled = {_below(place, target) for places in known.values() for place in places}
            found += [(target, one) for one in await self._tables(target, tree.root, roots, crawled)]
        if self._plan.tables_max is not None and len(found) > self._plan.tables_max:
            raise CrawlFailed(
                f"The number of tables detected by crawler: {len(found)} is greater than the table threshold value "
                f"provided: {self._plan.tables_max}. Use the recommended number of tables as the threshold."
            )
        self._say(f"BENCHMARK : Classification complete, writing results to database {self._plan.database}")
        await self._writer.write(found)
        self._say("BENCHMARK : Finished writing to Catalog")

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
                after = await asyncio.to_thread(self._take, tree, target, after)
            except BucketMissing:
                raise CrawlFailed(f"The specified bucket does not exist: {target.bucket}") from None
        self._say(f"INFO : Listed {tree.objects} objects of {target.location}, {tree.excluded} of them excluded")
        return tree

    def _take(self, tree: Tree, target: Target, after: str) -> str | None:
        """Sum some pages up; where to go on, None at the end."""
        for _ in range(PAGES_AT_ONCE):
            page = self._objects.page(target.bucket, target.prefix, after=after, limit=PAGE_OBJECTS)
            tree.take(page.entries)
            if page.last is None:
                return None
            after = page.last[0]
        return after

    async def _tables(self, target: Target, root: Folder, roots: frozenset[str], crawled: set[str]) -> list[Found]:
        folders = [one for one in root.walk() if one.files and one.path not in crawled]
        self._check()
        async with self._workers.lent() as worker:
            sampler = Sampler(self._plan, self._objects, worker, self._check)
            looked = await sampler.look(target, folders)
        depth = None if self._plan.level is None else self._plan.level - 1 - target.prefix.count("/")
        if depth is not None and depth < 0:
            raise CrawlFailed(f"The table level {self._plan.level} is above the include path {target.location}")
        grouping = Grouping(looked, combine=self._plan.combine, table_depth=depth, roots=roots)
        tables = grouping.tables(root)
        for note in [*sampler.notes, *grouping.notes]:
            self._say(f"WARN : {note}")
        return tables


def _below(location: str, target: Target) -> str:
    """The path of a location within the target's bucket; "" if it is not below the target."""
    path = location.removeprefix(f"s3://{target.bucket}/")
    return path if location.startswith(target.location) else ""
