"""The service: its parts over the engine of warehouses."""

from typing import Any, ClassVar

from lakemill.engines.warehouses import SessionMissing, Statement, StatementMissing, Warehouses
from lakemill.services.base import Call, Need, Service
from lakemill.services.redshift_data.describing import DescribeOperations
from lakemill.services.redshift_data.errors import CODES
from lakemill.services.redshift_data.executing import ExecuteOperations
from lakemill.services.redshift_data.metadata import MetadataOperations
from lakemill.services.redshift_data.results import ResultOperations
from lakemill.services.redshift_data.targets import Targets, owner_of, scope_of
from lakemill.services.warehouseaccess import arn_in

OWNER = "redshift-data:statement-owner-iam-userid"
SESSION_OWNER = "redshift-data:session-owner-iam-userid"
Document = dict[str, Any]


class RedshiftData(
    DescribeOperations,
    ExecuteOperations,
    ResultOperations,
    MetadataOperations,
    Service,
):
    """boto3 client `redshift-data`."""

    name: ClassVar[str] = "redshift-data"
    errors: ClassVar = CODES

    def __init__(self, warehouses: Warehouses) -> None:
        self.warehouses, self.targets = warehouses, Targets(warehouses)

    def needs(self, call: Call, request: Document) -> list[Need]:
        """Of a statement that is there, its place is what a policy may speak of, and whose it is."""
        action = f"redshift-data:{call.operation}"
        if "Id" in request:
            return [Need(action, *self._of_statement(call, request["Id"].partition(":")[0]))]
        if "SessionId" in request and call.operation != "ListSessions":
            return [Need(action, *self._of_session(call, request["SessionId"]))]
        if call.operation in ("ListStatements", "ListSessions"):
            return [Need(action, "*", {OWNER: call.principal.user_id})]
        return self.targets.needs(call, request)

    def _of_statement(self, call: Call, id: str) -> tuple[str, Document]:
        try:
            found = self.warehouses.statements.get(scope_of(call), id)
        except StatementMissing:
            return "*", {}
        return "*", {OWNER: _user_id(found)}

    def _of_session(self, call: Call, id: str) -> tuple[str, Document]:
        try:
            found = self.warehouses.statements.sessions.get(scope_of(call), id, owner_of(call)[0])
        except SessionMissing:
            return "*", {}
        named = found.details["named"]
        if "ClusterIdentifier" in named:
            place = arn_in(found.scope, f"cluster:{named['ClusterIdentifier'].lower()}")
        else:
            place = self.targets.needs(call, named)[0].resource
        return place, {SESSION_OWNER: call.principal.user_id}


def _user_id(found: Statement) -> str:
    return f"{found.owner}:{found.owner_session}" if found.owner_session else found.owner
