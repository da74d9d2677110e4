"""What an application's roles may do."""

from typing import Any

from lakemill.engines.identity import RoleRefused, RoleRights
from lakemill.engines.objects import Objects
from lakemill.engines.streams import Streams
from lakemill.services.kinesisanalytics.errors import invalid
from lakemill.services.streamaccess import role_refusal

SERVICE = "kinesisanalytics.amazonaws.com"
SESSION = "KinesisAnalytics"


class RoleAccess:
    """Roles of the applications. enforce=False lets everything pass."""

    def __init__(self, identity: Any, objects: Objects, streams: Streams, *, enforce: bool = True) -> None:
        self._streams = streams
        self._rights = RoleRights(identity, objects, SERVICE, SESSION, enforce=enforce)

    def check_trust(self, role_arn: str) -> None:
        """Raise a ServiceError unless the role exists and trusts the service."""
        if self._rights.enforced:
            try:
                self._rights.taken(role_arn)
            except RoleRefused as reason:
                raise invalid(f"Please check the role provided or validity of resources: {reason}") from None

    def refusal(self, role_arn: str | None, region: str, action: str, resource: str) -> str | None:
        """Why the role may not do this, or None if it may."""
        if role_arn is None:
            return "there is no role to do it with" if self._rights.enforced else None
        service, _, operation = action.partition(":")
        if service == "kinesis":
            reason = role_refusal(self._rights, self._streams, role_arn, region, operation, resource)
        else:
            reason = self._rights.refusal(role_arn, region, action, resource)
        return None if reason is None else f"{action}: {reason}"
