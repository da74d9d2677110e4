"""Who a caller is in a warehouse's databases, and what it takes to be that."""

from typing import Any

from lakemill.engines.identity import Principal
from lakemill.services.base import Need

Document = dict[str, Any]


def arn_in(scope: str, resource: str, service: str = "redshift") -> str:
    """An ARN in a scope ("account/region")."""
    account, _, region = scope.partition("/")
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def namespace_arn(warehouse: Document) -> str:
    """What a warehouse is called, as a namespace of data."""
    if warehouse["name"].startswith("cluster/"):
        return arn_in(warehouse["scope"], f"namespace:{warehouse['id']}")
    return arn_in(warehouse["scope"], f"namespace/{warehouse['id']}", "redshift-serverless")


def database_user(principal: Principal) -> str:
    """The user of a database that a caller is: `IAM:name`, `IAMR:role`; "" for one that is none."""
    if principal.kind == "role":
        return f"IAMR:{principal.name}"
    if principal.kind == "user":
        return f"IAM:{principal.name}"
    return "IAM:root" if principal.kind == "root" else ""


def user_needs(
    scope: str,
    cluster: str,
    user: str,
    database: str | None,
    *,
    create: bool = False,
    groups: list[str] | None = None,
    duration_s: int = 900,
) -> list[Need]:
    """What it takes to become a user of a cluster's database."""
    context: Document = {"redshift:DbUser": user, "redshift:DurationSeconds": duration_s}
    if database:
        context["redshift:DbName"] = database
    dbuser = arn_in(scope, f"dbuser:{cluster}/{user}")
    found = [Need("redshift:GetClusterCredentials", dbuser, context)]
    if database:
        found.append(Need("redshift:GetClusterCredentials", arn_in(scope, f"dbname:{cluster}/{database}"), context))
    if create:
        found.append(Need("redshift:CreateClusterUser", dbuser, context))
    found += [
        Need("redshift:JoinGroup", arn_in(scope, f"dbgroup:{cluster}/{group}"), context) for group in groups or []
    ]
    return found


def with_iam(scope: str, cluster: str, database: str | None) -> Need:
    """What it takes to become the user of a cluster that the caller is by IAM."""
    resource = arn_in(scope, f"dbname:{cluster}/{database or '*'}")
    return Need("redshift:GetClusterCredentialsWithIAM", resource)
