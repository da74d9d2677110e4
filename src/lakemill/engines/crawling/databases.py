"""Tables of databases, as the worker process finds them; see `lakemill.classifiers.databases`."""

import dataclasses

from lakemill.engines.crawling import globs
from lakemill.engines.crawling.errors import CrawlFailed
from lakemill.engines.crawling.plan import DatabaseTarget
from lakemill.engines.crawling.process import Lent


@dataclasses.dataclass(frozen=True)
class DatabaseTable:
    """path: names below the database with dots between. kind: `table` or `view`. columns: names and Hive types."""

    path: str
    kind: str
    columns: tuple[tuple[str, str], ...]


async def tables(target: DatabaseTarget, worker: Lent) -> tuple[list[DatabaseTable], int]:
    """What is there of a target, and how many tables are left out. Raises CrawlFailed."""
    asked = {
        "engine": target.engine,
        "place": target.place,
        "user": target.user,
        "password": target.password,
        "ssl": target.ssl,
        "pattern": list(target.pattern),
    }
    answer = await worker.ask(database=asked)
    if "error" in answer:
        raise CrawlFailed(f"Connection {target.connection}: {answer['error']}")
    left_out, fixed = globs.matcher(target.exclusions), _fixed(target.pattern)
    found = [one for one in answer["tables"] if not left_out("/".join(one["path"][fixed:]))]
    made = [DatabaseTable(".".join(one["path"]), one["kind"], tuple(map(tuple, one["columns"]))) for one in found]
    return made, len(answer["tables"]) - len(found)


def _fixed(pattern: tuple[str, ...]) -> int:
    """How many names stand before the first that is a pattern: exclusions are held against those after them.

    >>> _fixed(("public", "%")), _fixed(("%", "%")), _fixed(("public", "orders"))
    (1, 0, 1)
    """
    return next((place for place, part in enumerate(pattern) if "%" in part), len(pattern) - 1)
