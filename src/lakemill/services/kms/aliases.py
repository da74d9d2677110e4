"""Aliases."""

import re
from typing import Any

from lakemill.engines.keys import AliasExists, AliasInvalid, Keys
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kms import views
from lakemill.services.kms.keys import not_pending
from lakemill.services.kms.names import alias_arn, invalid, missing, own_key, scope_of

_NAME = re.compile(r"alias/[a-zA-Z0-9/_-]+")
RESERVED = "alias/aws/"


class AliasOperations:
    """Mixin. Needs self.keys."""

    keys: Keys

    @operation("CreateAlias")
    async def create_alias(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = _checked(request["AliasName"])
        key = self._target(call, request)
        try:
            await self.keys.aliases.create(name, key)
        except AliasExists:
            arn = alias_arn(scope_of(call), name)
            raise ServiceError("AlreadyExistsException", f"An alias with the name {arn} already exists") from None
        except AliasInvalid as error:
            raise ServiceError("LimitExceededException", str(error)) from None
        return {}

    @operation("UpdateAlias")
    async def update_alias(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = _checked(request["AliasName"])
        scope = scope_of(call)
        key = self._target(call, request)
        if self.keys.aliases.find(scope, name) is None:
            raise missing(scope, name)
        try:
            await self.keys.aliases.point(scope, name, self.keys.resolve(scope, name), key)
        except AliasInvalid as error:
            raise invalid(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
        return {}

    @operation("DeleteAlias")
    async def delete_alias(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.keys.aliases.delete(scope_of(call), _checked(request["AliasName"]))
        return {}

    @operation("ListAliases")
    def list_aliases(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = scope_of(call)
        wanted = own_key(self.keys, call, request["KeyId"]).id if "KeyId" in request else None
        aliases = [
            (
                one["name"],
                {
                    "AliasName": one["name"],
                    "AliasArn": alias_arn(scope, one["name"]),
                    "TargetKeyId": one["key"],
                    "CreationDate": views.moment(one["created_s"]),
                    "LastUpdatedDate": views.moment(one["modified_s"]),
                },
            )
            for one in self.keys.aliases.all(scope)
            if wanted in (None, one["key"])
        ]
        return views.listed(aliases, request, "Aliases", 50)

    def _target(self, call: Call, request: dict[str, Any]) -> Any:
        target = request["TargetKeyId"]
        if target.rpartition(":")[2].startswith("alias/"):
            raise invalid("Aliases must refer to keys. Not aliases")
        return not_pending(own_key(self.keys, call, target))


def _checked(name: str) -> str:
    """An alias people may make. Raises a ServiceError."""
    if not name.startswith("alias/"):
        raise invalid("Invalid identifier")
    if name.startswith(RESERVED):
        raise ServiceError("NotAuthorizedException", "")
    if ":" in name:
        raise invalid(f"{name} contains invalid characters for an alias")
    if not _NAME.fullmatch(name):
        raise ServiceError("InvalidAliasNameException", f"{name} is not a valid alias name.")
    return name
