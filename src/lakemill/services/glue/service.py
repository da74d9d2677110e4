"""The service: its parts over one catalog."""

from typing import Any, ClassVar

from lakemill.engines.catalog import Catalog, Functions, Partitions, Policies, Statistics
from lakemill.engines.crawling import Crawlers
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Resources, TokenMangled, TooManyTags
from lakemill.services.base import Call, Need, Service
from lakemill.services.glue import shapes
from lakemill.services.glue.access import AccessOperations
from lakemill.services.glue.classifiers import ClassifierOperations
from lakemill.services.glue.connections import ConnectionOperations
from lakemill.services.glue.crawlers import CrawlerOperations
from lakemill.services.glue.crawlplan import CrawlPlanning
from lakemill.services.glue.databases import DatabaseOperations
from lakemill.services.glue.etl import Etl
from lakemill.services.glue.functions import FunctionOperations
from lakemill.services.glue.machinelearning import MachineLearning
from lakemill.services.glue.partitions import PartitionOperations
from lakemill.services.glue.search import SearchOperations
from lakemill.services.glue.statistics import StatisticsOperations
from lakemill.services.glue.tables import TableOperations
from lakemill.services.glue.tags import TagOperations


class Glue(
    DatabaseOperations,
    TableOperations,
    SearchOperations,
    PartitionOperations,
    StatisticsOperations,
    FunctionOperations,
    CrawlerOperations,
    ClassifierOperations,
    ConnectionOperations,
    AccessOperations,
    TagOperations,
    Service,
):
    """boto3 client `glue`. enforce: whether crawlers' roles must exist, be trusted, and have their permissions."""

    name: ClassVar[str] = "glue"
    errors: ClassVar = {**shapes.CODES, TokenMangled: "InvalidInputException", TooManyTags: "InvalidInputException"}

    def __init__(
        self,
        catalog: Catalog,
        crawlers: Crawlers,
        etl: Etl,
        learning: MachineLearning,
        identity: Any,
        objects: Objects,
        *,
        enforce: bool = True,
    ) -> None:
        self.catalog, self.crawlers, self.etl, self.learning = catalog, crawlers, etl, learning
        self.parts = (*etl.parts, *learning.parts)
        self.partitions, self.statistics, self.functions = Partitions(catalog), Statistics(catalog), Functions(catalog)
        self.resources = Resources(catalog.metadata, catalog.clock)
        self.policies = Policies(catalog.metadata, catalog.clock)
        self.planning = CrawlPlanning(identity, objects, crawlers.resources, self.policies, enforce=enforce)
        crawlers.use(self.planning.plan)

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        if self.etl.knows(call.operation):
            return self.etl.needs(call, request)
        if self.learning.knows(call.operation):
            return self.learning.needs(call, request)
        return AccessOperations.needs(self, call, request)
