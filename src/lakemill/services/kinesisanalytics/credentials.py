"""Keys of an application's role for its program; see services/rolekeys.py."""

from typing import Any

from lakemill.engines.analytics import KIND, Analytics
from lakemill.engines.flink import FlinkError
from lakemill.engines.identity import Identity, RoleRefused
from lakemill.services.base import HttpRequest
from lakemill.services.kinesisanalytics.access import SERVICE
from lakemill.services.rolekeys import Answer, Holder, RoleKeys

PATH = "/_lakemill/analytics/credentials"


class RoleUnusable(FlinkError):
    """The application's role is gone, or does not trust the service any more."""


class Credentials:
    """Of the applications; see RoleKeys."""

    def __init__(self, analytics: Analytics, identity: Identity, endpoint: str, *, enforce: bool = True) -> None:
        self._analytics = analytics
        self._keys = RoleKeys(PATH, SERVICE, self._find, identity, endpoint, enforce=enforce)

    @property
    def good_s(self) -> float | None:
        """How long a program may use what `variables` gives; None: for ever."""
        return self._keys.good_s

    async def variables(self, document: dict[str, Any]) -> dict[str, str]:
        """What the program's environment holds. Raises RoleUnusable."""
        try:
            return await self._keys.variables(_holder(document))
        except RoleRefused as refused:
            raise RoleUnusable(f"The role of the application cannot be taken: {refused}") from None

    async def answer(self, http: HttpRequest) -> Answer:
        """The keys, or a refusal."""
        return await self._keys.answer(http)

    def _find(self, id: str) -> Holder | None:
        scope, _, name = id.partition("\n")
        document = self._analytics.resources.find(KIND, scope, name)
        return _holder(document) if document is not None and "secret" in document else None


def _holder(document: dict[str, Any]) -> Holder:
    scope, name = document["scope"], document["name"]
    return Holder(f"{scope}\n{name}", document["secret"], scope.partition("/")[0], document["role"], name[:64])
