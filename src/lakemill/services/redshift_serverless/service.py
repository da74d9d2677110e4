"""The service: its parts over the engine of warehouses."""

from typing import Any, ClassVar

from lakemill.engines.warehouses import KIND, SNAPSHOT, Warehouses
from lakemill.engines.warehouses.workgroups import FAMILY, Workgroups
from lakemill.engines.warehouses.workgroups import KIND as WORKGROUP
from lakemill.services.base import Call, Need, Service, operation, pass_role
from lakemill.services.redshift_serverless.errors import CODES, invalid, missing
from lakemill.services.redshift_serverless.namespaces import NamespaceOperations, namespace
from lakemill.services.redshift_serverless.naming import arn_of, named, scope_of, tags_of, workgroup_of
from lakemill.services.redshift_serverless.snapshots import SnapshotOperations
from lakemill.services.redshift_serverless.workgroups import WorkgroupOperations
from lakemill.services.warehouseaccess import database_user

LEAST_S, MOST_S = 900, 3600
KINDS = {"namespace": KIND, "snapshot": SNAPSHOT, "workgroup": WORKGROUP}
Document = dict[str, Any]


class RedshiftServerless(NamespaceOperations, WorkgroupOperations, SnapshotOperations, Service):
    """boto3 client `redshift-serverless`. address: where clients find warehouses."""

    name: ClassVar[str] = "redshift-serverless"
    errors: ClassVar = CODES

    def __init__(self, warehouses: Warehouses, address: str) -> None:
        self.warehouses, self.workgroups, self.address = warehouses, Workgroups(warehouses), address

    def shown(self, document: Document) -> Document:
        return namespace(document)

    # Credentials

    @operation("GetCredentials", refuses={"customDomainName": "there are no custom domains"})
    async def get_credentials(self, call: Call, request: Document) -> Document:
        duration_s = request.get("durationSeconds", LEAST_S)
        if not LEAST_S <= duration_s <= MOST_S:
            raise invalid(f"durationSeconds must be between {LEAST_S} and {MOST_S}; got {duration_s}.")
        if "workgroupName" not in request:
            raise invalid("workgroupName must be given.")
        user = database_user(call.principal)
        if not user:
            raise invalid(f"{call.principal.arn} cannot be a user of a database.")
        warehouse = self.workgroups.warehouse(workgroup_of(self.workgroups, call, request["workgroupName"]))
        password, ends = await self.warehouses.credentials.give(
            warehouse["id"],
            user,
            user,
            duration_s=duration_s,
            database=request.get("dbName", "").lower(),
            auto_create=True,
        )
        return {"dbUser": user, "dbPassword": password, "expiration": ends, "nextRefreshTime": ends}

    # Tags

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: Document) -> Document:
        kind, found = self._resource(call, request["resourceArn"])
        await self.warehouses.resources.tag(kind, found["scope"], found["name"], tags_of(request))
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: Document) -> Document:
        kind, found = self._resource(call, request["resourceArn"])
        await self.warehouses.resources.untag(kind, found["scope"], found["name"], request["tagKeys"])
        return {}

    @operation("ListTagsForResource")
    def list_tags_for_resource(self, call: Call, request: Document) -> Document:
        _, found = self._resource(call, request["resourceArn"])
        return {"tags": [{"key": key, "value": value} for key, value in sorted(found["tags"].items())]}

    def _resource(self, call: Call, arn: str) -> tuple[str, Document]:
        """Raises ResourceNotFoundException."""
        for name, kind in KINDS.items():
            prefix = "" if name == "workgroup" else f"{FAMILY}/"
            for one in self.warehouses.resources.all(kind, scope_of(call), prefix):
                if arn_of(name, one) == arn:
                    return kind, one
        raise missing(f"Resource {arn} not found.")

    # Access

    def needs(self, call: Call, request: Document) -> list[Need]:
        tags: Document = {f"aws:RequestTag/{key}": value for key, value in tags_of(request).items()}
        if tags:
            tags["aws:TagKeys"] = list(tags_of(request))
        found = [Need(f"{self.name}:{call.operation}", self._arn(call, request), tags)]
        return found + [pass_role(role, "redshift.amazonaws.com") for role in request.get("iamRoles") or []]

    def _arn(self, call: Call, request: Document) -> str:
        """Of what a request is about; of what is not there, nobody knows it."""
        scope = scope_of(call)
        if arn := request.get("resourceArn") or request.get("snapshotArn"):
            return str(arn)
        if "snapshotName" in request and call.operation != "CreateSnapshot":
            one = self.warehouses.resources.find(SNAPSHOT, scope, named(request["snapshotName"]))
            return arn_of("snapshot", one) if one else "*"
        if name := request.get("workgroupName"):
            one = self.workgroups.find(scope, name.rpartition("/")[2], by_id=name.startswith("arn:"))
            return arn_of("workgroup", one) if one else "*"
        if "namespaceName" in request:
            one = self.warehouses.find(scope, named(request["namespaceName"]))
            return arn_of("namespace", one) if one else "*"
        return "*"
