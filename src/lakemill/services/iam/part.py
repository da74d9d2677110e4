"""What the parts of the service share."""

from typing import Any

from lakemill.engines.identity import Identity
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, ServiceError
from lakemill.services.iam.views import Views


class Part:
    """Base of the parts: the engine, and who is meant when a request names nobody."""

    def __init__(self, identity: Identity, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock
        self._views = Views(identity)

    def _owner(self, call: Call, request: dict[str, Any]) -> str | None:
        """The user meant; None is the account's root."""
        if "UserName" in request:
            name: str = self._identity.users.named(call.account, request["UserName"])["name"]
            return name
        if call.principal.kind == "user":
            return call.principal.name
        if call.principal.kind == "root":
            return None
        raise ServiceError("ValidationError", "Must specify userName when calling with non-User credentials")

    def _boundary(self, call: Call, request: dict[str, Any]) -> str | None:
        """The PermissionsBoundary of a request, looked up."""
        arn: str | None = request.get("PermissionsBoundary")
        if arn is not None:
            self._identity.policies.attachable(arn, call.account)
        return arn
