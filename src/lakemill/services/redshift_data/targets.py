"""Where a statement runs, and as which user of the database."""

from typing import Any, NamedTuple

from lakemill.engines.warehouses import Warehouses
from lakemill.engines.warehouses.workgroups import Workgroups
from lakemill.services.base import Call, Need
from lakemill.services.redshift_data.errors import invalid, missing
from lakemill.services.warehouseaccess import arn_in, database_user, user_needs, with_iam

NO_SECRETS = {"SecretArn": "there is no Secrets Manager; leave it out, or give DbUser"}
SERVERLESS = "redshift-serverless"
Document = dict[str, Any]


class Target(NamedTuple):
    """A warehouse, and who somebody is in it."""

    warehouse: Document
    database: str
    user: str
    auto_create: bool
    named: Document
    """ClusterIdentifier or WorkgroupName, as it was given, and DbUser."""


def scope_of(call: Call) -> str:
    """ "account/region"."""
    return f"{call.account}/{call.region}"


def owner_of(call: Call) -> tuple[str, str]:
    """Whose a caller's statements are: the user or role, and the session."""
    identity, _, session = call.principal.user_id.partition(":")
    return identity, session


class Targets:
    """Finds them."""

    def __init__(self, warehouses: Warehouses) -> None:
        self.warehouses = warehouses
        self.workgroups = Workgroups(warehouses)

    def of(self, call: Call, request: Document) -> Target:
        """Raises ValidationException, ResourceNotFoundException."""
        cluster, workgroup = request.get("ClusterIdentifier"), request.get("WorkgroupName")
        if bool(cluster) == bool(workgroup):
            raise invalid("Exactly one of ClusterIdentifier or WorkgroupName must be given.")
        database = request.get("ConnectedDatabase") or request.get("Database")
        if not database:
            raise invalid("Database must be given.")
        user, named = request.get("DbUser"), {"ClusterIdentifier": cluster}
        if cluster:
            found = self._cluster(call, cluster)
        else:
            if user:
                raise invalid("DbUser cannot be given for a serverless workgroup.")
            assert workgroup is not None
            found, named = self._workgroup(call, workgroup), {"WorkgroupName": workgroup}
        if found["state"] in ("paused", "pausing", "deleting", "idle"):
            raise invalid(f"Redshift endpoint is not available; its status is {found['state']}.")
        own = database_user(call.principal)
        if not user and not own:
            raise invalid(f"{call.principal.arn} cannot be a user of a database.")
        return Target(found, database, user or own, not user, named | {"DbUser": user or own})

    def _cluster(self, call: Call, name: str) -> Document:
        found = self.warehouses.find(scope_of(call), f"cluster/{name.lower()}")
        if found is None:
            raise invalid(f"Cluster doesn't exist in this region: {name}")
        return found

    def _workgroup(self, call: Call, name: str) -> Document:
        found = self.workgroups.find(scope_of(call), name.rpartition("/")[2], by_id=name.startswith("arn:"))
        if found is None:
            raise missing(f"Redshift endpoint doesn't exist in this region: {name}")
        return self.workgroups.warehouse(found)

    def needs(self, call: Call, request: Document) -> list[Need]:
        """To do the operation there, and to become that user."""
        scope, action, database = scope_of(call), f"redshift-data:{call.operation}", request.get("Database")
        if cluster := request.get("ClusterIdentifier"):
            found = [Need(action, arn_in(scope, f"cluster:{cluster.lower()}"))]
            if user := request.get("DbUser"):
                return found + user_needs(scope, cluster.lower(), user, database)
            return [*found, with_iam(scope, cluster.lower(), database)]
        if workgroup := request.get("WorkgroupName"):
            arn = self._workgroup_arn(call, workgroup)
            return [Need(action, arn), Need("redshift-serverless:GetCredentials", arn)]
        return [Need(action)]

    def _workgroup_arn(self, call: Call, name: str) -> str:
        found = self.workgroups.find(scope_of(call), name.rpartition("/")[2], by_id=name.startswith("arn:"))
        return arn_in(scope_of(call), f"workgroup/{found['id'] if found else '*'}", SERVERLESS)
