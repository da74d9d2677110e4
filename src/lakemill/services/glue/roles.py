"""Roles that Glue takes: named or by ARN, and trusted."""

from typing import Any

from lakemill.engines.identity import Identity, RoleRefused
from lakemill.services.base import ServiceError
from lakemill.services.glue import shapes

SERVICE = "glue.amazonaws.com"
SESSION = "GlueJobRunnerSession"


def role_arn(identity: Identity, account: str, role: str) -> str:
    """The ARN of a role that is given by its name or ARN; of one that is not there, the one it would have."""
    if role.startswith("arn:"):
        return role
    found: dict[str, Any] | None = identity.roles.find(account, role.rpartition("/")[2])
    return identity.roles.arn(account, found) if found else f"arn:aws:iam::{account}:role/{role.lstrip('/')}"


def check_trust(identity: Identity, arn: str) -> None:
    """Raise a ServiceError unless the role exists and trusts Glue."""
    try:
        identity.service_session(arn, SERVICE, SESSION)
    except RoleRefused:
        raise not_trusted(arn) from None


def not_trusted(arn: str) -> ServiceError:
    """The role is not there, or not for Glue."""
    return shapes.invalid(f"Role {arn} should be given assume role permissions for Glue Service.")
