"""What a caller may do with catalog and lake while a service works for them: decided as if they asked themselves.

A question about a table needs its permission on the table, its database and the catalog, whose resource policy counts;
one about objects is held against the bucket's policy, too.
"""

from typing import Any

from lakemill.engines.catalog import Policies
from lakemill.engines.identity import Identity, Principal
from lakemill.engines.objects import BucketMissing, Objects
from lakemill.engines.queries import Refused

CATALOG_ACTIONS = {
    "databases": "GetDatabases",
    "database": "GetDatabase",
    "create_database": "CreateDatabase",
    "update_database": "UpdateDatabase",
    "drop_database": "DeleteDatabase",
    "tables": "GetTables",
    "table": "GetTable",
    "create_table": "CreateTable",
    "update_table": "UpdateTable",
    "drop_table": "DeleteTable",
    "partitions": "GetPartitions",
    "add_partitions": "BatchCreatePartition",
    "update_partition": "UpdatePartition",
    "drop_partitions": "BatchDeletePartition",
}
OBJECT_ACTIONS = {"list": "ListBucket", "read": "GetObject", "write": "PutObject", "remove": "DeleteObject"}


class LakeRights:
    """Of one caller. service: whose agent asks (`athena.amazonaws.com`). enforce=False lets everything pass."""

    def __init__(
        self,
        identity: Identity,
        policies: Policies,
        objects: Objects,
        principal: Principal,
        account: str,
        region: str,
        service: str,
        *,
        enforce: bool = True,
    ) -> None:
        self._identity, self._policies, self._objects, self._principal = identity, policies, objects, principal
        self._account, self._region, self._service, self._enforce = account, region, service, enforce
        self._known: set[tuple[str, str]] = set()

    @property
    def checked(self) -> list[list[str]]:
        """What was asked so far: action and resource."""
        return [list(one) for one in sorted(self._known)]

    def catalog(self, question: str, database: str = "", table: str = "") -> None:
        """Raise Refused unless they may ask this of the catalog, a database or a table."""
        names = ["catalog"]
        if database:
            names.append(f"database/{database.lower()}")
        if table:
            names.append(f"table/{database.lower()}/{table.lower()}")
        if question == "drop_database":  # Its tables go with it.
            names.append(f"table/{database.lower()}/*")
        for name in names:
            self.again(f"glue:{CATALOG_ACTIONS[question]}", f"arn:aws:glue:{self._region}:{self._account}:{name}")

    def object(self, deed: str, bucket: str, key: str) -> None:
        """Raise Refused unless they may `read`, `write` or `remove` an object, or `list` what begins with a key."""
        if deed == "list":
            self._allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key})
        else:
            self._allow(f"s3:{OBJECT_ACTIONS[deed]}", f"arn:aws:s3:::{bucket}/{key}", {})

    def again(self, action: str, resource: str) -> None:
        """Raise Refused unless they may do what was `checked` before, for somebody."""
        place, _, prefix = resource.partition(" ")
        self._allow(action, place, {"s3:prefix": prefix} if action == "s3:ListBucket" else {})

    def _allow(self, action: str, resource: str, context: dict[str, Any]) -> None:
        mark = (action, f"{resource} {context['s3:prefix']}" if context else resource)
        if mark in self._known:
            return
        reason = self._refusal(action, resource, context) if self._enforce else None
        if reason is not None:
            raise Refused("AccessDenied" if action.startswith("s3:") else "AccessDeniedException", reason)
        self._known.add(mark)

    def _refusal(self, action: str, resource: str, context: dict[str, Any]) -> str | None:
        policy, owner = self._policy(resource)
        asked = self._identity.request_context(
            self._principal, region=self._region, source_ip="127.0.0.1", secure=True, user_agent=self._service
        )
        via = {"aws:ViaAWSService": True, "aws:CalledVia": [self._service], "aws:CalledViaFirst": self._service,
               "aws:CalledViaLast": self._service}  # fmt: skip
        decision = self._identity.decide(self._principal, action, resource, asked | via | context, policy, owner)
        return None if decision.allowed else decision.reason or f"not authorized to perform: {action}"

    def _policy(self, resource: str) -> tuple[Any, str | None]:
        """(the resource's policy, its account)."""
        if not resource.startswith("arn:aws:s3:::"):
            found = self._policies.find(f"{self._account}/{self._region}")
            return (found.text if found else None), None
        bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        try:
            return self._objects.policy(bucket), self._objects.buckets.named(bucket).owner
        except BucketMissing:
            return None, None
