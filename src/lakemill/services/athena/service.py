"""The service: its parts over the engine of statements."""

from typing import Any, ClassVar

from lakemill.engines.catalog import Catalog, Policies
from lakemill.engines.identity import Identity
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Queries
from lakemill.engines.resources import Resources
from lakemill.services.athena import access, named, prepared
from lakemill.services.athena.catalogs import CatalogOperations
from lakemill.services.athena.errors import CODES
from lakemill.services.athena.executions import ExecutionOperations
from lakemill.services.athena.named import NamedQueryOperations
from lakemill.services.athena.prepared import Prepared, PreparedOperations
from lakemill.services.athena.results import ResultOperations
from lakemill.services.athena.tagging import TagOperations
from lakemill.services.athena.workgroups import WorkGroupOperations
from lakemill.services.base import Call, Need, Service
from lakemill.services.lakerights import LakeRights

PRINCIPAL = "athena.amazonaws.com"


class Athena(
    WorkGroupOperations,
    ExecutionOperations,
    ResultOperations,
    NamedQueryOperations,
    PreparedOperations,
    CatalogOperations,
    TagOperations,
    Service,
):
    """boto3 client `athena`. enforce: whether callers must be allowed what their statements do."""

    name: ClassVar[str] = "athena"
    errors: ClassVar = CODES

    def __init__(
        self,
        queries: Queries,
        catalog: Catalog,
        objects: Objects,
        identity: Identity,
        *,
        enforce: bool = True,
    ) -> None:
        self.queries, self.catalog, self.objects = queries, catalog, objects
        self.resources = Resources(catalog.metadata, catalog.clock)
        self.prepared = Prepared(self.resources)
        self._policies = Policies(catalog.metadata, catalog.clock)
        self._identity, self._enforce = identity, enforce

    def rights(self, call: Call) -> LakeRights:
        """What the caller may do with catalog and lake."""
        return LakeRights(
            self._identity,
            self._policies,
            self.objects,
            call.principal,
            call.account,
            call.region,
            PRINCIPAL,
            enforce=self._enforce,
        )

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return access.needs(call, request, self.queries, self.resources)

    def is_used(self, scope: str, group: str) -> bool:
        return (
            bool(self.queries.listed(scope, group, "", 1))
            or any(self.resources.all(prepared.KIND, scope, f"{group}/"))
            or any(one["group"] == group for one in self.resources.all(named.KIND, scope))
        )

    async def forget_statements(self, scope: str, group: str) -> None:
        for one in list(self.resources.all(prepared.KIND, scope, f"{group}/")):
            await self.resources.delete(prepared.KIND, scope, one["name"])
        for one in list(self.resources.all(named.KIND, scope)):
            if one["group"] == group:
                await self.resources.delete(named.KIND, scope, one["name"])
