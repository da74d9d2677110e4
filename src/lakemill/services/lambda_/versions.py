"""Versions, aliases, and how many may work at once."""

from typing import Any

from lakemill.engines.functions import FunctionConflict, FunctionExists, Functions
from lakemill.engines.resources import by_name, page
from lakemill.services.base import Call, operation
from lakemill.services.lambda_ import views
from lakemill.services.lambda_.functions import most, paged
from lakemill.services.lambda_.names import LATEST, fault, function_arn, invalid, target


class VersionOperations:
    """Mixin. Needs self.functions."""

    functions: Functions

    @operation("PublishVersion", refuses={"PublishTo": ""})
    async def publish_version(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        latest = self.functions.find(scope, name)
        wanted = request.get("CodeSha256")
        if wanted and wanted != views.sha256(latest.code):
            raise invalid(
                f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST "
                f"({views.sha256(latest.code)}). Please try again with the CodeSHA256 in $LATEST."
            )
        function = await self.functions.versions.publish(
            scope,
            name,
            description=request.get("Description"),
            code=latest.code if wanted else None,
            revision=request.get("RevisionId"),
        )
        return views.configuration(function)

    @operation("ListVersionsByFunction")
    def list_versions_by_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        listed = [{"name": "", "shown": views.configuration(self.functions.find(scope, name), LATEST)}]
        listed += [
            {"name": f"{int(one.version):012d}", "shown": views.configuration(one)}
            for one in self.functions.versions.all(scope, name)
        ]
        return paged(page(listed, by_name, limit=most(request), token=request.get("Marker")), "Versions")

    # Aliases

    @operation("CreateAlias")
    async def create_alias(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        fields = self._alias_fields(request)
        try:
            document = await self.functions.versions.create_alias(scope, name, request["Name"], fields)
        except FunctionExists:
            arn = function_arn(scope, name, request["Name"])
            raise fault("ResourceConflictException", f"Alias already exists: {arn}") from None
        return views.alias(scope, name, document)

    @operation("UpdateAlias")
    async def update_alias(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        document = await self.functions.versions.update_alias(
            scope, name, request["Name"], self._alias_fields(request), request.get("RevisionId")
        )
        return views.alias(scope, name, document)

    @operation("GetAlias")
    def get_alias(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        return views.alias(scope, name, self.functions.versions.alias(scope, name, request["Name"]))

    @operation("ListAliases")
    def list_aliases(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        self.functions.document(scope, name)
        wanted = request.get("FunctionVersion")
        listed = [
            {"name": one["alias"], "shown": views.alias(scope, name, one)}
            for one in self.functions.versions.aliases(scope, name)
            if wanted is None or (one["version"] or LATEST) == wanted or wanted in one["weights"]
        ]
        return paged(page(listed, by_name, limit=most(request), token=request.get("Marker")), "Aliases")

    @operation("DeleteAlias")
    async def delete_alias(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        self.functions.document(scope, name)
        await self.functions.versions.delete_alias(scope, name, request["Name"])
        return {}

    @staticmethod
    def _alias_fields(request: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if "FunctionVersion" in request:
            version = request["FunctionVersion"]
            fields["version"] = "" if version == LATEST else version
        if "Description" in request:
            fields["description"] = request["Description"]
        if "RoutingConfig" in request:
            weights = request["RoutingConfig"].get("AdditionalVersionWeights", {})
            if len(weights) > 1 or not all(0 <= weight <= 1 for weight in weights.values()):
                raise invalid("AdditionalVersionWeights must name one version, with a weight between 0 and 1.")
            if weights and (LATEST in weights or fields.get("version") == ""):
                raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
            fields["weights"] = weights
        return fields

    # Concurrency

    @operation("PutFunctionConcurrency")
    async def put_function_concurrency(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        wanted = request["ReservedConcurrentExecutions"]
        try:
            await self.functions.reserve(scope, name, wanted)
        except FunctionConflict as error:
            raise invalid(str(error)) from None
        return {"ReservedConcurrentExecutions": wanted}

    @operation("GetFunctionConcurrency")
    def get_function_concurrency(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        found = self.functions.document(scope, name).get("workers_max")
        return {} if found is None else {"ReservedConcurrentExecutions": found}

    @operation("DeleteFunctionConcurrency")
    async def delete_function_concurrency(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        await self.functions.reserve(scope, name, None)
        return {}
