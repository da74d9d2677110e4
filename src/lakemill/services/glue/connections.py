"""Connections to databases: how crawlers find and enter them.

A connection's document holds `definition`, the Connection structure as it was given.
"""

from typing import Any

from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources, by_name
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import shapes

KIND = "glue-connection"
PAGE = 1000
PROPERTIES = ("JDBC_CONNECTION_URL", "USERNAME", "PASSWORD", "JDBC_ENFORCE_SSL")
"""What a connection of type JDBC may have."""
REFUSED = {
    "PhysicalConnectionRequirements": "there are no subnets",
    "AuthenticationConfiguration": "USERNAME and PASSWORD of ConnectionProperties are used",
    "SparkProperties": "connections are for crawlers",
    "AthenaProperties": "connections are for crawlers",
    "PythonProperties": "connections are for crawlers",
    "ValidateCredentials": "a connection is tried when a crawler uses it",
    "ValidateForComputeEnvironments": "connections are for crawlers",
}
_KEPT = ("Description", "ConnectionType", "MatchCriteria", "ConnectionProperties")


class ConnectionOperations:
    """Mixed into the service."""

    resources: Resources

    @operation("CreateConnection")
    async def create_connection(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        given = request["ConnectionInput"]
        document = {"definition": _definition(given)}
        try:
            await self.resources.create(
                KIND, shapes.scope(call, request), given["Name"], document, request.get("Tags", {})
            )
        except ResourceExists:
            raise ServiceError("AlreadyExistsException", "Connection already exists.") from None
        return {"CreateConnectionStatus": "READY"}

    @operation("UpdateConnection")
    async def update_connection(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, given = request["Name"], request["ConnectionInput"]
        if given["Name"] != name:
            raise shapes.invalid("ConnectionInput.Name is not supported: a connection keeps its name.")
        definition = _definition(given)
        try:
            await self.resources.update(
                KIND, shapes.scope(call, request), name, lambda document: document.update(definition=definition)
            )
        except ResourceMissing:
            raise connection_missing(name) from None
        return {}

    @operation("DeleteConnection")
    async def delete_connection(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ConnectionName"]
        try:
            await self.resources.delete(KIND, shapes.scope(call, request), name)
        except ResourceMissing:
            raise connection_missing(name) from None
        return {}

    @operation("BatchDeleteConnection")
    async def batch_delete_connection(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        done, errors = [], {}
        for name in request["ConnectionNameList"]:
            try:
                await self.resources.delete(KIND, shapes.scope(call, request), name)
                done.append(name)
            except ResourceMissing:
                missing = connection_missing(name)
                errors[name] = {"ErrorCode": missing.code, "ErrorMessage": missing.message}
        return {"Succeeded": done, "Errors": errors}

    @operation(
        "GetConnection", refuses={"ApplyOverrideForComputeEnvironment": "no environment has properties of its own"}
    )
    def get_connection(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self.resources.find(KIND, shapes.scope(call, request), request["Name"])
        if found is None:
            raise connection_missing(request["Name"])
        return {"Connection": _described(found, hidden=request.get("HidePassword", False))}

    @operation("GetConnections")
    def get_connections(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("Filter", {})
        found = self.resources.page(
            KIND,
            shapes.scope(call, request),
            where=lambda document: _passes(document["definition"], wanted),
            sort=by_name,
            limit=request.get("MaxResults", PAGE),
            token=request.get("NextToken"),
        )
        hidden = request.get("HidePassword", False)
        return {"ConnectionList": [_described(one, hidden=hidden) for one in found.items]} | shapes.next_token(found)


def connection_missing(name: str) -> ServiceError:
    """No connection has this name."""
    return ServiceError("EntityNotFoundException", f"Connection {name} not found.")


def _definition(given: dict[str, Any]) -> dict[str, Any]:
    shapes.refuse(given, REFUSED)
    if given["ConnectionType"] != "JDBC":
        raise shapes.invalid(f"ConnectionType {given['ConnectionType']} is not supported: there is JDBC only.")
    properties = given["ConnectionProperties"]
    for name in properties:
        if name not in PROPERTIES:
            raise shapes.invalid(f"{name} is not supported in ConnectionProperties; there are {', '.join(PROPERTIES)}.")
    if not properties.get("JDBC_CONNECTION_URL", "").startswith("jdbc:"):
        raise shapes.invalid("JDBC_CONNECTION_URL must be given, and begin with jdbc:")
    if properties.get("JDBC_ENFORCE_SSL", "false").lower() not in ("true", "false"):
        raise shapes.invalid(f"JDBC_ENFORCE_SSL must be true or false; got {properties['JDBC_ENFORCE_SSL']}.")
    return {name: given[name] for name in _KEPT if name in given}


def _passes(definition: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a connection passes a GetConnectionsFilter."""
    return (
        wanted.get("ConnectionType", "JDBC") == definition["ConnectionType"]
        and set(wanted.get("MatchCriteria", [])) <= set(definition.get("MatchCriteria", []))
        and wanted.get("ConnectionSchemaVersion", 1) == 1
    )


def _described(document: dict[str, Any], *, hidden: bool) -> dict[str, Any]:
    """A Connection."""
    properties = document["definition"]["ConnectionProperties"]
    if hidden:
        properties = {name: value for name, value in properties.items() if name != "PASSWORD"}
    return document["definition"] | {
        "Name": document["name"],
        "ConnectionProperties": properties,
        "CreationTime": document["created"],
        "LastUpdatedTime": document["modified"],
        "Status": "READY",
        "ConnectionSchemaVersion": 1,
    }
