"""Crawlers: what is in a lake's folders, written into the catalog as tables and partitions.

`engine.Crawlers` keeps crawlers and runs them; `crawl` is one crawl: `folders` sums the objects up, `sampling` has
files looked at by the process behind `process`, `grouping` makes tables of folders, `writing` brings the catalog to
that.
"""

from lakemill.engines.crawling.engine import KIND, READY, RUNNING, STOPPING, Crawlers
from lakemill.engines.crawling.errors import (
    CrawlerNotRunning,
    CrawlerRunning,
    CrawlerStopping,
    CrawlFailed,
    CrawlingError,
    GlobInvalid,
    NoSchedule,
    SchedulerNotRunning,
    SchedulerRunning,
)
from lakemill.engines.crawling.globs import matcher
from lakemill.engines.crawling.history import COMPLETED, FAILED, STOPPED
from lakemill.engines.crawling.plan import (
    DELETE,
    DEPRECATE,
    EVERYTHING,
    LOG,
    NEW_FOLDERS,
    UPDATE,
    DatabaseTarget,
    Plan,
    Target,
)
from lakemill.engines.crawling.run import LOG_GROUP

__all__ = [
    "COMPLETED",
    "DELETE",
    "DEPRECATE",
    "EVERYTHING",
    "FAILED",
    "KIND",
    "LOG",
    "LOG_GROUP",
    "NEW_FOLDERS",
    "READY",
    "RUNNING",
    "STOPPED",
    "STOPPING",
    "UPDATE",
    "CrawlFailed",
    "CrawlerNotRunning",
    "CrawlerRunning",
    "CrawlerStopping",
    "Crawlers",
    "CrawlingError",
    "DatabaseTarget",
    "GlobInvalid",
    "NoSchedule",
    "Plan",
    "SchedulerNotRunning",
    "SchedulerRunning",
    "Target",
    "matcher",
]
