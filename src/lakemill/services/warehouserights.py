"""What a warehouse may do in the lake: in the name of a role attached to it, or of whoever's keys a statement shows."""

import hmac
from typing import Any

from lakemill.engines.catalog import Catalog, Policies
from lakemill.engines.identity import CredentialError, Identity, Principal, RoleRefused
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Refused, Rights
from lakemill.services.lakerights import LakeRights

SERVICES = {"cluster": "redshift.amazonaws.com", "namespace": "redshift-serverless.amazonaws.com"}
"""Whom a role must trust, by family of warehouses; the first is good for both."""
SESSION = "RedshiftIamRoleSession"
Document = dict[str, Any]


class Nobody:
    """The rights of nobody, who may ask nothing."""

    checked: list[list[str]] = []

    def catalog(self, question: str, database: str = "", table: str = "") -> None:
        raise Refused("AccessDenied", "There is no authorization to use the catalog.")

    def object(self, deed: str, bucket: str, key: str) -> None:
        raise Refused("AccessDenied", f"There is no authorization to {deed} objects.")

    def again(self, action: str, resource: str) -> None:
        raise Refused("AccessDenied", f"There is no authorization to do {action}.")


class WarehouseRights:
    """The engine's Authorise. enforce=False lets everything pass."""

    def __init__(self, identity: Identity, catalog: Catalog, objects: Objects, *, enforce: bool = True) -> None:
        self._identity, self._objects, self._enforce = identity, objects, enforce
        self._policies = Policies(catalog.metadata, catalog.clock)

    def __call__(self, warehouse: Document, authorization: Document | None) -> tuple[Rights, str]:
        """Rights, and who has them. Raises Refused."""
        if authorization is None:
            return Nobody(), "nobody"
        principal = self._principal(warehouse, authorization)
        account, _, region = warehouse["scope"].partition("/")
        rights = LakeRights(
            self._identity,
            self._policies,
            self._objects,
            principal,
            account,
            region,
            SERVICES["cluster"],
            enforce=self._enforce,
        )
        return rights, principal.arn

    def _principal(self, warehouse: Document, given: Document) -> Principal:
        if given.get("role"):
            return self._of_role(warehouse, given["role"])
        if given.get("access_key_id"):
            return self._of_keys(given)
        raise Refused("AccessDenied", "There is no authorization to read or write the lake.")

    def _of_role(self, warehouse: Document, role: str) -> Principal:
        if role.lower() == "default":
            role = warehouse["default_role"]
            if not role:
                raise Refused("InvalidParameter", "No default IAM role is attached to the cluster.")
        if "," in role:
            raise Refused("InvalidParameter", "Chains of roles are not provided; name one role.")
        if role not in warehouse["roles"]:
            raise Refused("AccessDenied", f"User is not authorized to assume IAM Role {role}: it is not attached.")
        family = warehouse["name"].partition("/")[0]
        for service in dict.fromkeys((SERVICES["cluster"], SERVICES[family])):
            try:
                return self._identity.service_session(role, service, SESSION)
            except RoleRefused:
                continue
        if not self._enforce:
            return self._identity.root(warehouse["scope"].partition("/")[0])
        raise Refused("AccessDenied", f"User is not authorized to assume IAM Role {role}.")

    def _of_keys(self, given: Document) -> Principal:
        try:
            found = self._identity.credential(given["access_key_id"], given.get("session_token") or None)
        except CredentialError as wrong:
            raise Refused("InvalidAccessKeyId", str(wrong)) from None
        if not hmac.compare_digest(found.secret.encode(), given.get("secret_access_key", "").encode()):
            raise Refused("SignatureDoesNotMatch", "The secret access key is wrong.")
        return found.principal
