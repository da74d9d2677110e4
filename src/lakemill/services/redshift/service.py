"""The service: its parts over the engine of warehouses."""

from typing import Any, ClassVar

from lakemill.engines.warehouses import KIND, Warehouses
from lakemill.services.base import Call, Need, Service
from lakemill.services.redshift import access
from lakemill.services.redshift.clusters import ClusterOperations
from lakemill.services.redshift.credentials import CredentialOperations
from lakemill.services.redshift.errors import CODES
from lakemill.services.redshift.naming import FAMILY, plain
from lakemill.services.redshift.nodeoptions import NodeOptionOperations
from lakemill.services.redshift.options import OptionOperations
from lakemill.services.redshift.parametergroups import ParameterGroupOperations, ParameterGroups
from lakemill.services.redshift.restoring import RestoreOperations
from lakemill.services.redshift.shapes import Shapes
from lakemill.services.redshift.snapshots import SnapshotOperations
from lakemill.services.redshift.states import StateOperations
from lakemill.services.redshift.subnetgroups import SubnetGroupOperations, SubnetGroups
from lakemill.services.redshift.tagging import TagOperations


class Redshift(
    ClusterOperations,
    StateOperations,
    SnapshotOperations,
    RestoreOperations,
    CredentialOperations,
    ParameterGroupOperations,
    SubnetGroupOperations,
    TagOperations,
    OptionOperations,
    NodeOptionOperations,
    Service,
):
    """boto3 client `redshift`. address: where clients find warehouses."""

    name: ClassVar[str] = "redshift"
    errors: ClassVar = CODES

    def __init__(self, warehouses: Warehouses, address: str) -> None:
        self.warehouses, self.resources = warehouses, warehouses.resources
        self.groups = ParameterGroups(self.resources)
        self.subnets = SubnetGroups(self.resources)
        self.shapes = Shapes(warehouses, address, self.groups.applied)

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return access.needs(call, request)

    def clusters_with(self, scope: str, detail: str, value: str) -> list[str]:
        found = self.resources.all(KIND, scope, f"{FAMILY}/")
        return [plain(one) for one in found if one["details"][detail] == value]
