"""The service: its parts, its permissions and errors."""

import functools
import inspect
from typing import Any, ClassVar

from lakemill.engines.identity import Identity
from lakemill.engines.keys import GrantMissing, KeyDisabled, KeyMissing, Keys, KeyStateInvalid
from lakemill.services.base import Call, Handler, Need, Service
from lakemill.services.kms import permissions
from lakemill.services.kms.aliases import AliasOperations
from lakemill.services.kms.crypto import CryptoOperations
from lakemill.services.kms.grants import GrantOperations
from lakemill.services.kms.keys import KeyOperations
from lakemill.services.kms.names import worded
from lakemill.services.kms.policies import PolicyOperations
from lakemill.services.kms.signing import SigningOperations


class Kms(
    CryptoOperations, SigningOperations, KeyOperations, AliasOperations, PolicyOperations, GrantOperations, Service
):
    """boto3 client `kms`."""

    name: ClassVar[str] = "kms"

    def __init__(self, keys: Keys, identity: Identity) -> None:
        self.keys, self.identity = keys, identity

    def operations(self) -> dict[str, Handler]:
        """Bound handlers, which word the engine's errors as KMS does."""
        return {name: _worded(handler) for name, handler in super().operations().items()}

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return permissions.needs(self.keys, call, request)


def _worded(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def handle(call: Call, request: dict[str, Any]) -> Any:
        try:
            answer = handler(call, request)
            return await answer if inspect.isawaitable(answer) else answer
        except (KeyMissing, KeyDisabled, KeyStateInvalid, GrantMissing) as error:
            raise worded(error) from None

    return handle
