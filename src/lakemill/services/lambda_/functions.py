"""Functions: made, shown, changed and deleted; their tags."""

import asyncio
from typing import Any

from lakemill.engines.functions import CodeInvalid, FunctionExists, Functions
from lakemill.engines.functions.code import ARCHIVE_BYTES_MAX, UNPACKED_BYTES_MAX
from lakemill.engines.functions.mappings import KIND
from lakemill.engines.identity import Identity
from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Page, by_name, page
from lakemill.services.base import Call, operation
from lakemill.services.lambda_ import requests, views
from lakemill.services.lambda_.download import Downloads
from lakemill.services.lambda_.names import LATEST, fault, invalid, missing, refused, target
from lakemill.services.lambda_.runtime import SERVICE

PAGE = 50


class FunctionOperations:
    """Mixin. Needs self.functions, self.objects, self.identity, self.downloads, self.enforce."""

    functions: Functions
    objects: Objects
    identity: Identity
    downloads: Downloads
    enforce: bool

    @operation(
        "CreateFunction",
        refuses=requests.LATER
        | {
            "PublishTo": "",
            "CodeSigningConfigArn": "code is not signed here",
            "TenancyConfig": "functions have no tenants",
        },
    )
    async def create_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("PackageType", "Zip") != "Zip":
            raise refused("PackageType Image", "images are not provided; bring an archive")
        if not request.get("Runtime") or not request.get("Handler"):
            raise invalid(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
        requests.architectures(request)
        scope, name, qualifier = target(call, request)
        if qualifier:
            raise invalid("A function's name has no qualifier.")
        fields = {"timeout_s": 3, "memory_mib": 128, "environment": {}, "log_group": f"/aws/lambda/{name}"}
        fields |= await _fields(request)
        self._check_role(request["Role"])
        code = await requests.archive(request["Code"], self.objects)
        try:
            function = await self.functions.create(scope, name, code, fields, request.get("Tags"))
        except FunctionExists:
            raise fault("ResourceConflictException", f"Function already exist: {name}") from None
        except CodeInvalid as error:
            raise requests.code_error(error) from None
        if request.get("Publish"):
            function = await self.functions.versions.publish(scope, name)
        return views.configuration(function)

    @operation("GetFunction")
    def get_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        function = self.functions.find(scope, name, qualifier, by_chance=False)
        document = self.functions.document(scope, name)
        shown = {
            "Configuration": views.configuration(function, qualifier),
            "Code": {"RepositoryType": "S3", "Location": self.downloads.location(function.code)},
        }
        if document["tags"]:
            shown["Tags"] = document["tags"]
        if document.get("workers_max") is not None:
            shown["Concurrency"] = {"ReservedConcurrentExecutions": document["workers_max"]}
        return shown

    @operation("GetFunctionConfiguration")
    def get_function_configuration(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        return views.configuration(self.functions.find(scope, name, qualifier, by_chance=False), qualifier)

    @operation("ListFunctions", refuses={"MasterRegion": "functions are not replicated to the edge"})
    def list_functions(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = f"{call.account}/{call.region}"
        listed: list[dict[str, Any]] = []
        everything = request.get("FunctionVersion") == "ALL"
        latest = LATEST if everything else None
        for function in self.functions.all(scope):
            listed.append({"name": function.name, "shown": views.configuration(function, latest)})
            if everything:
                listed += [
                    {"name": f"{function.name}:{int(one.version):012d}", "shown": views.configuration(one)}
                    for one in self.functions.versions.all(scope, function.name)
                ]
        return paged(page(listed, by_name, limit=most(request), token=request.get("Marker")), "Functions")

    @operation(
        "UpdateFunctionCode",
        refuses={"ImageUri": "images are not provided", "PublishTo": "", "S3ObjectStorageMode": ""}
        | {"SourceKMSKeyArn": "archives are kept as they are"},
    )
    async def update_function_code(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        requests.architectures(request)
        self.functions.document(scope, name)
        given = {member: request[member] for member in requests.CODE_MEMBERS if member in request}
        code = await requests.archive(given, self.objects)
        try:
            if request.get("DryRun"):
                return views.configuration(await self.functions.tried(scope, name, code))
            function = await self.functions.update(scope, name, {}, code, revision=request.get("RevisionId"))
        except CodeInvalid as error:
            raise requests.code_error(error) from None
        if request.get("Publish"):
            function = await self.functions.versions.publish(scope, name)
        return views.configuration(function)

    @operation("UpdateFunctionConfiguration", refuses=requests.LATER)
    async def update_function_configuration(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        self.functions.document(scope, name)
        fields = await _fields(request)
        if "Role" in request:
            self._check_role(request["Role"])
        return views.configuration(await self.functions.update(scope, name, fields, revision=request.get("RevisionId")))

    @operation("DeleteFunction")
    async def delete_function(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        if qualifier == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")
        if qualifier and not qualifier.isdigit():
            raise invalid("A qualifier of a function to be deleted must be the number of a version.")
        if qualifier:
            await self.functions.delete_version(scope, name, qualifier)
        else:
            await self.functions.delete(scope, name)
        call.status = 204
        return {}

    @operation("GetAccountSettings")
    def get_account_settings(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self.functions.all(f"{call.account}/{call.region}")
        stored = found + [version for one in found for version in self.functions.versions.all(one.scope, one.name)]
        return {
            "AccountLimit": {
                "CodeSizeUnzipped": UNPACKED_BYTES_MAX,
                "CodeSizeZipped": ARCHIVE_BYTES_MAX,
                "ConcurrentExecutions": self.functions.workers_max,
                "UnreservedConcurrentExecutions": self.functions.workers_max - self.functions.reserved_workers(),
            },
            "AccountUsage": {"TotalCodeSize": sum(one.code_bytes for one in stored), "FunctionCount": len(found)},
        }

    def _check_role(self, role: str) -> None:
        """Raise a ServiceError unless the role exists and trusts Lambda."""
        if not self.enforce:
            return
        try:
            self.identity.service_session(role, SERVICE, "lambda")
        except RoleRefused:
            raise invalid("The role defined for the function cannot be assumed by Lambda.") from None

    # Tags

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        kind, scope, name = self._tagged(call, request)
        if any(key.lower().startswith("aws:") for key in request["Tags"]):
            raise invalid("Tag keys must not begin with aws:.")
        await self.functions.resources.tag(kind, scope, name, request["Tags"])
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        kind, scope, name = self._tagged(call, request)
        await self.functions.resources.untag(kind, scope, name, request["TagKeys"])
        return {}

    @operation("ListTags")
    def list_tags(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": self.functions.resources.get(*self._tagged(call, request))["tags"]}

    def _tagged(self, call: Call, request: dict[str, Any]) -> tuple[str, str, str]:
        """Kind, scope and name of what carries the tags: a function or a mapping, by its ARN."""
        parts = request["Resource"].split(":")
        if len(parts) == 7 and parts[5] == "event-source-mapping":
            scope, name = f"{parts[4]}/{parts[3]}", parts[6]
            if self.functions.resources.find(KIND, scope, name) is None:
                raise fault("ResourceNotFoundException", "The resource you requested does not exist.")
            return KIND, scope, name
        scope, name, qualifier = target(call, {"FunctionName": request["Resource"]})
        if qualifier:
            raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
        if self.functions.resources.find("function", scope, name) is None:
            raise missing(scope, name)
        return "function", scope, name


async def _fields(request: dict[str, Any]) -> dict[str, Any]:
    """The engine's fields a request sets; in a thread, because an interpreter may have to be looked for."""
    return await asyncio.to_thread(requests.fields, request)


def most(request: dict[str, Any]) -> int:
    """Items of a page."""
    return min(request.get("MaxItems", PAGE), PAGE)


def paged(found: Page, member: str) -> dict[str, Any]:
    """A page of `shown` members as an answer."""
    answer: dict[str, Any] = {member: [one["shown"] for one in found.items]}
    return answer | ({"NextMarker": found.token} if found.token else {})
