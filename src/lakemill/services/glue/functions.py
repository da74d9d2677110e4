"""User-defined functions."""

import itertools
from typing import Any

from lakemill.engines.catalog import Functions
from lakemill.services.base import Call, operation
from lakemill.services.glue import shapes
from lakemill.services.glue.tables import matcher

PAGE_MAX = 100


class FunctionOperations:
    """Mixed into the service."""

    functions: Functions

    @operation("CreateUserDefinedFunction")
    async def create_user_defined_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = shapes.scope(call, request)
        await self.functions.create(scope, request["DatabaseName"], _definition(request["FunctionInput"]))
        return {}

    @operation("GetUserDefinedFunction")
    def get_user_defined_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self.functions.get(shapes.scope(call, request), request["DatabaseName"], request["FunctionName"])
        return {"UserDefinedFunction": _described(call, found)}

    @operation("GetUserDefinedFunctions")
    def get_user_defined_functions(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit, matches = request.get("MaxResults", PAGE_MAX), matcher(request["Pattern"])
        kind = request.get("FunctionType")
        functions = (
            (place, one)
            for place, one in self.functions.all(
                shapes.scope(call, request), request.get("DatabaseName"), shapes.after(request)
            )
            if matches(one["function_name"]) and kind in (None, one.get("function_type"))
        )
        found = list(itertools.islice(functions, limit + 1))
        token = {"NextToken": shapes.token_for(found[limit - 1][0])} if len(found) > limit else {}
        return {"UserDefinedFunctions": [_described(call, one) for _, one in found[:limit]]} | token

    @operation("UpdateUserDefinedFunction")
    async def update_user_defined_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, definition = shapes.scope(call, request), _definition(request["FunctionInput"])
        await self.functions.update(scope, request["DatabaseName"], request["FunctionName"], definition)
        return {}

    @operation("DeleteUserDefinedFunction")
    async def delete_user_defined_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = shapes.scope(call, request)
        await self.functions.delete(scope, request["DatabaseName"], request["FunctionName"])
        return {}


def _definition(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("GovernanceMode", "IAM_ONLY") != "IAM_ONLY":
        raise shapes.invalid(f"GovernanceMode LAKE_FORMATION is not supported: {shapes.LAKE_FORMATION}.")
    return shapes.definition_of(given)


def _described(call: Call, found: dict[str, Any]) -> dict[str, Any]:
    answer = shapes.structure_of(found)
    answer["CreateTime"] = answer.pop("Created")
    return answer | {"CatalogId": call.account}
