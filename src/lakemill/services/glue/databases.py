"""Databases."""

import itertools
from typing import Any

from lakemill.engines.catalog import Catalog
from lakemill.services.base import Call, operation
from lakemill.services.glue import shapes

PAGE_MAX = 100
_REFUSED = {
    "TargetDatabase": "resource links are not provided",
    "FederatedDatabase": "connections to other catalogs are not provided",
}


class DatabaseOperations:
    """Mixed into the service."""

    catalog: Catalog

    @operation("CreateDatabase")
    async def create_database(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        definition = _definition(request["DatabaseInput"])
        await self.catalog.create_database(shapes.scope(call, request), definition, request.get("Tags"))
        return {}

    @operation("GetDatabase")
    def get_database(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self.catalog.database(shapes.scope(call, request), request["Name"])
        return {"Database": shapes.database(call, found)}

    @operation("GetDatabases")
    def get_databases(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit = request.get("MaxResults", PAGE_MAX)
        found = list(
            itertools.islice(self.catalog.databases(shapes.scope(call, request), shapes.after(request)), limit + 1)
        )
        if request.get("ResourceShareType", "ALL") != "ALL":
            found = []  # Nobody shares databases with the account.
        listed = [shapes.database(call, one) for one in found[:limit]]
        if attributes := request.get("AttributesToGet"):
            kept = {"NAME": "Name", "TARGET_DATABASE": "TargetDatabase"}
            listed = [{kept[one]: entry[kept[one]] for one in attributes if kept[one] in entry} for entry in listed]
        token = {"NextToken": shapes.token_for(found[limit - 1].name)} if len(found) > limit else {}
        return {"DatabaseList": listed} | token

    @operation("UpdateDatabase")
    async def update_database(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        definition = _definition(request["DatabaseInput"])
        await self.catalog.update_database(shapes.scope(call, request), request["Name"], definition)
        return {}

    @operation("DeleteDatabase")
    async def delete_database(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.catalog.delete_database(shapes.scope(call, request), request["Name"])
        return {}


def _definition(given: dict[str, Any]) -> dict[str, Any]:
    shapes.refuse(given, _REFUSED)
    permissions = given.get("CreateTableDefaultPermissions", shapes.DEFAULT_PERMISSIONS)
    if permissions != shapes.DEFAULT_PERMISSIONS:
        raise shapes.invalid(f"CreateTableDefaultPermissions is not supported: {shapes.LAKE_FORMATION}.")
    return shapes.definition_of({name: one for name, one in given.items() if name != "CreateTableDefaultPermissions"})
