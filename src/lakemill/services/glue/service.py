"""The service: its parts over one catalog."""

from typing import Any, ClassVar

from lakemill.engines.catalog import Catalog, Functions, Partitions, Policies, Statistics
from lakemill.engines.crawling import Crawlers
from lakemill.engines.objects import Objects
from lakemill.services.base import Call, Need, Service
from lakemill.services.glue import shapes
from lakemill.services.glue.access import AccessOperations
from lakemill.services.glue.classifiers import ClassifierOperations
from lakemill.services.glue.crawlers import CrawlerOperations
from lakemill.services.glue.crawlplan import CrawlPlanning
from lakemill.services.glue.databases import DatabaseOperations
from lakemill.services.glue.functions import FunctionOperations
from lakemill.services.glue.partitions import PartitionOperations
from lakemill.services.glue.search import SearchOperations
from lakemill.services.glue.statistics import StatisticsOperations
from lakemill.services.glue.tables import TableOperations


class Glue(
    DatabaseOperations,
    TableOperations,
    SearchOperations,
    PartitionOperations,
    StatisticsOperations,
    FunctionOperations,
    CrawlerOperations,
    ClassifierOperations,
    AccessOperations,
    Service,
):
    """boto3 client `glue`. enforce: whether crawlers' roles must exist, be trusted, and have their permissions."""

    name: ClassVar[str] = "glue"
    errors: ClassVar = shapes.CODES

    def __init__(
        self, catalog: Catalog, crawlers: Crawlers, identity: Any, objects: Objects, *, enforce: bool = True
    ) -> None:
        self.catalog, self.crawlers = catalog, crawlers
        self.partitions, self.statistics, self.functions = Partitions(catalog), Statistics(catalog), Functions(catalog)
        self.policies = Policies(catalog.metadata, catalog.clock)
        self.planning = CrawlPlanning(identity, objects, crawlers.resources, self.policies, enforce=enforce)
        crawlers.use(self.planning.plan)

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return AccessOperations.needs(self, call, request)
