"""Passwords for some time."""

from typing import Any

from lakemill.engines.warehouses import Warehouses
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift.errors import invalid
from lakemill.services.redshift.naming import cluster_of
from lakemill.services.warehouseaccess import database_user

LEAST_S, MOST_S = 900, 3600
NO_DOMAINS = {"CustomDomainName": "there are no custom domains"}
Document = dict[str, Any]


class CredentialOperations:
    """Mixed into the service."""

    warehouses: Warehouses

    def expect_available(self, document: Document) -> None:
        raise NotImplementedError

    @operation("GetClusterCredentials", refuses=NO_DOMAINS)
    async def get_cluster_credentials(self, call: Call, request: Document) -> Document:
        create = request.get("AutoCreate", False)
        login = f"{'IAMA' if create else 'IAM'}:{request['DbUser']}"
        return await self._given(
            call, request, login, request["DbUser"], create, [group.lower() for group in request.get("DbGroups") or []]
        )

    @operation("GetClusterCredentialsWithIAM", refuses=NO_DOMAINS)
    async def get_cluster_credentials_with_iam(self, call: Call, request: Document) -> Document:
        login = _user(call)
        answer = await self._given(call, request, login, login, True, [])
        return answer | {"NextRefreshTime": answer["Expiration"]}

    async def _given(
        self, call: Call, request: Document, login: str, name: str, create: bool, groups: list[str]
    ) -> Document:
        if "ClusterIdentifier" not in request:
            raise invalid("ClusterIdentifier must be given.")
        duration_s = request.get("DurationSeconds", LEAST_S)
        if not LEAST_S <= duration_s <= MOST_S:
            raise invalid(f"DurationSeconds must be between {LEAST_S} and {MOST_S}; got {duration_s}.")
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        password, ends = await self.warehouses.credentials.give(
            found["id"],
            login,
            name,
            duration_s=duration_s,
            database=request.get("DbName", "").lower(),
            auto_create=create,
            groups=groups,
        )
        return {"DbUser": login, "DbPassword": password, "Expiration": ends}


def _user(call: Call) -> str:
    """Raises UnsupportedOperation."""
    found = database_user(call.principal)
    if not found:
        raise ServiceError("UnsupportedOperation", f"{call.principal.arn} cannot be a user of a database.")
    return found
