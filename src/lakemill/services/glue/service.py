"""The service: its parts over one catalog."""

from typing import Any, ClassVar

from lakemill.engines.catalog import Catalog, Functions, Partitions, Policies, Statistics
from lakemill.engines.resources import Resources, TokenMangled, TooManyTags
from lakemill.services.base import Call, Need, Service
from lakemill.services.glue import shapes
from lakemill.services.glue.access import AccessOperations
from lakemill.services.glue.databases import DatabaseOperations
from lakemill.services.glue.etl import Etl
from lakemill.services.glue.functions import FunctionOperations
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
    AccessOperations,
    TagOperations,
    Service,
):
    """boto3 client `glue`."""

    name: ClassVar[str] = "glue"
    errors: ClassVar = {**shapes.CODES, TokenMangled: "InvalidInputException", TooManyTags: "InvalidInputException"}

    def __init__(self, catalog: Catalog, etl: Etl) -> None:
        self.catalog, self.etl = catalog, etl
        self.parts = etl.parts
        self.partitions, self.statistics, self.functions = Partitions(catalog), Statistics(catalog), Functions(catalog)
        self.resources = Resources(catalog.metadata, catalog.clock)
        self.policies = Policies(catalog.metadata, catalog.clock)

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        if self.etl.knows(call.operation):
            return self.etl.needs(call, request)
        return AccessOperations.needs(self, call, request)
