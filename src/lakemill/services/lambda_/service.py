"""The service: its parts, its permissions, its limits and errors."""

import functools
import inspect
from typing import Any, ClassVar

from lakemill.engines.functions import (
    FunctionConflict,
    FunctionMissing,
    Functions,
    FunctionThrottled,
    FunctionUnavailable,
    StaleRevision,
)
from lakemill.engines.functions.mappings import Mappings
from lakemill.engines.identity import Identity, RoleRights
from lakemill.engines.objects import Objects
from lakemill.engines.resources import TokenMangled, TooManyTags
from lakemill.engines.streams import Streams
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Handler, Need, Service, ServiceError
from lakemill.services.lambda_ import permissions
from lakemill.services.lambda_.download import Downloads
from lakemill.services.lambda_.functions import FunctionOperations
from lakemill.services.lambda_.invoking import PAYLOAD_BYTES_MAX, InvokingOperations, too_large
from lakemill.services.lambda_.mappings import MappingOperations, kinesis_event, objection
from lakemill.services.lambda_.names import fault, missing, target
from lakemill.services.lambda_.permissions import PermissionOperations
from lakemill.services.lambda_.runtime import SERVICE, RoleUnusable
from lakemill.services.lambda_.versions import VersionOperations

CODE_REQUEST_BYTES_MAX = 70_167_211


STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
    "the latest Revision Id"
)


class Lambda(
    FunctionOperations, InvokingOperations, VersionOperations, PermissionOperations, MappingOperations, Service
):
    """boto3 client `lambda`."""

    name: ClassVar[str] = "lambda"
    errors: ClassVar = {
        FunctionConflict: "ResourceConflictException",
        RoleUnusable: "AccessDeniedException",
        FunctionUnavailable: "InvalidRuntimeException",
        TokenMangled: "InvalidParameterValueException",
        TooManyTags: "InvalidParameterValueException",
    }

    def __init__(
        self,
        functions: Functions,
        streams: Streams,
        objects: Objects,
        identity: Identity,
        clock: Clock,
        endpoint: str,
        *,
        enforce: bool = True,
    ) -> None:
        """endpoint: where lakemill listens. enforce: whether roles must exist and trust Lambda."""
        self.functions, self.streams, self.objects, self.identity = functions, streams, objects, identity
        self.downloads = Downloads(functions, clock, endpoint)
        self.enforce = enforce
        self._rights = RoleRights(identity, objects, SERVICE, "lambda", enforce=enforce)
        event = functools.partial(kinesis_event, functions)
        self.mappings = Mappings(functions, streams, clock, event, self.objection)

    def objection(self, mapping: dict[str, Any]) -> str | None:
        """Why a mapping's function may not read its stream, None if it may."""
        return objection(self.functions, self.streams, self._rights, mapping) if self.enforce else None

    def operations(self) -> dict[str, Handler]:
        """Bound handlers, which word the engine's errors as Lambda does."""
        return {name: _worded(handler) for name, handler in super().operations().items()}

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return permissions.needs(self.functions, self.objects, call, request)

    def body_limit(self, operation: str) -> tuple[int, ServiceError | None]:
        if operation == "Invoke":
            return PAYLOAD_BYTES_MAX, too_large(PAYLOAD_BYTES_MAX)
        if operation in ("CreateFunction", "UpdateFunctionCode"):
            text = f"Request must be smaller than {CODE_REQUEST_BYTES_MAX} bytes for the {operation} operation"
            return CODE_REQUEST_BYTES_MAX, fault("RequestEntityTooLargeException", text, status=413)
        return super().body_limit(operation)


def _worded(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def handle(call: Call, request: dict[str, Any]) -> Any:
        try:
            answer = handler(call, request)
            return await answer if inspect.isawaitable(answer) else answer
        except FunctionMissing as error:
            scope, _, _ = target(call, {"FunctionName": request.get("FunctionName") or request["Resource"]})
            raise missing(scope, error.name, error.qualifier) from None
        except StaleRevision:
            raise fault("PreconditionFailedException", STALE) from None
        except FunctionThrottled:
            raise fault("TooManyRequestsException", "Rate Exceeded.") from None

    return handle
