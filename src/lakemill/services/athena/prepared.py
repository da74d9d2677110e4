"""Prepared statements: kept in a workgroup, run by EXECUTE."""

import re
from typing import Any

import msgspec

from lakemill.engines.queries import Refused
from lakemill.engines.queries.running import Local
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.engines.resources.collection import by_name
from lakemill.services.athena.batches import checked_batch, unprocessed
from lakemill.services.athena.errors import invalid, missing
from lakemill.services.athena.workgroups import scope_of
from lakemill.services.base import Call, operation

KIND = "prepared-statement"
PAGE_MAX = 50
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_@:]{0,255}\Z")
_WORD = r'(?P<name>[a-zA-Z_][a-zA-Z0-9_@:]*|"[^"]+")'
_FLAGS = re.IGNORECASE | re.DOTALL
_PREPARE = re.compile(rf"\s*prepare\s+{_WORD}\s+from\s+(?P<body>.+?)\s*;?\s*\Z", _FLAGS)
_DEALLOCATE = re.compile(rf"\s*deallocate\s+prepare\s+{_WORD}\s*;?\s*\Z", _FLAGS)
_EXECUTE = re.compile(rf"\s*execute\s+{_WORD}(?:\s+using\s+(?P<using>.+?))?\s*;?\s*\Z", _FLAGS)
_PIECE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^'"(),\[\]]+|.""", re.DOTALL)
Document = dict[str, Any]


class Plan(msgspec.Struct, frozen=True):
    """How a statement is carried out. body: another text in its place; local: by the platform itself."""

    body: str = ""
    parameters: list[str] = []
    local: Local | None = None


class Prepared:
    """The prepared statements of all workgroups."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def plan(self, scope: str, group: str, text: str, parameters: list[str]) -> Plan:
        """Raises InvalidRequestException for EXECUTE of what was not prepared."""
        if found := _EXECUTE.match(text):
            given = arguments(found["using"] or "")
            if given and parameters:
                raise invalid("Parameters must be given by USING or by ExecutionParameters, not by both.")
            name = _plain(found["name"])
            statement = self._resources.find(KIND, scope, _key(group, name))
            if statement is None:
                raise invalid(_not_found(name, group))
            return Plan(statement["statement"], given or parameters)
        if found := _PREPARE.match(text):
            name, body = _plain(found["name"]), found["body"]
            return Plan(local=lambda: self._prepare(scope, group, name, body))
        if found := _DEALLOCATE.match(text):
            gone = _plain(found["name"])
            return Plan(local=lambda: self._deallocate(scope, group, gone))
        return Plan()

    async def _prepare(self, scope: str, group: str, name: str, body: str) -> Document:
        try:
            await self._resources.create(KIND, scope, _key(group, name), {"statement": body, "description": ""})
        except ResourceExists:
            raise Refused("AlreadyExists", _there(name, group)) from None
        return _done("PREPARE")

    async def _deallocate(self, scope: str, group: str, name: str) -> Document:
        try:
            await self._resources.delete(KIND, scope, _key(group, name))
        except ResourceMissing:
            raise Refused("Missing", _not_found(name, group)) from None
        return _done("DEALLOCATE")


class PreparedOperations:
    """Mixed into the service."""

    resources: Resources

    @operation("CreatePreparedStatement")
    async def create_prepared_statement(self, call: Call, request: Document) -> Document:
        name, group = request["StatementName"], request["WorkGroup"]
        if not NAME.match(name):
            raise invalid("StatementName must begin with a letter or '_', followed by letters, digits, '_', '@', ':'.")
        self.group(call, group)
        document = {"statement": request["QueryStatement"], "description": request.get("Description", "")}
        try:
            await self.resources.create(KIND, scope_of(call), _key(group, name), document)
        except ResourceExists:
            raise invalid(_there(name, group)) from None
        return {}

    def group(self, call: Call, name: str) -> Document:
        raise NotImplementedError

    @operation("GetPreparedStatement")
    def get_prepared_statement(self, call: Call, request: Document) -> Document:
        return {"PreparedStatement": _described(self._prepared(call, request["WorkGroup"], request["StatementName"]))}

    @operation("BatchGetPreparedStatement")
    def batch_get_prepared_statement(self, call: Call, request: Document) -> Document:
        group = request["WorkGroup"]
        self.group(call, group)
        found, unknown = [], []
        for name in checked_batch("PreparedStatementNames", request["PreparedStatementNames"]):
            one = self.resources.find(KIND, scope_of(call), _key(group, name))
            if one is None:
                unknown.append({"StatementName": name} | unprocessed(_not_found(name, group)))
            else:
                found.append(_described(one))
        return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": unknown}

    @operation("ListPreparedStatements")
    def list_prepared_statements(self, call: Call, request: Document) -> Document:
        group = request["WorkGroup"]
        self.group(call, group)
        page = self.resources.page(
            KIND,
            scope_of(call),
            where=lambda one: one["name"].startswith(f"{group}/"),
            sort=by_name,
            limit=request.get("MaxResults", PAGE_MAX),
            token=request.get("NextToken"),
        )
        listed = [{"StatementName": _name(one), "LastModifiedTime": one["modified"]} for one in page.items]
        return {"PreparedStatements": listed} | ({"NextToken": page.token} if page.token else {})

    @operation("UpdatePreparedStatement")
    async def update_prepared_statement(self, call: Call, request: Document) -> Document:
        found = self._prepared(call, request["WorkGroup"], request["StatementName"])

        def change(document: Document) -> None:
            document["statement"] = request["QueryStatement"]
            document["description"] = request.get("Description", document["description"])

        await self.resources.update(KIND, scope_of(call), found["name"], change)
        return {}

    @operation("DeletePreparedStatement")
    async def delete_prepared_statement(self, call: Call, request: Document) -> Document:
        found = self._prepared(call, request["WorkGroup"], request["StatementName"])
        await self.resources.delete(KIND, scope_of(call), found["name"])
        return {}

    def _prepared(self, call: Call, group: str, name: str) -> Document:
        self.group(call, group)
        found = self.resources.find(KIND, scope_of(call), _key(group, name))
        if found is None:
            raise missing(_not_found(name, group), name)
        return found


def wanted(text: str) -> str:
    """The operation that a statement amounts to, beside being run; "" for none."""
    for pattern, name in ((_EXECUTE, "Get"), (_PREPARE, "Create"), (_DEALLOCATE, "Delete")):
        if pattern.match(text):
            return f"{name}PreparedStatement"
    return ""


def arguments(text: str) -> list[str]:
    """SQL texts between commas that are not in quotes or brackets.

    >>> arguments("1, 'a, b', ARRAY[1, 2]")
    ['1', "'a, b'", 'ARRAY[1, 2]']
    """
    found, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece in ("(", "[")) - (piece in (")", "]"))
        if piece == "," and depth == 0:
            found.append("")
        else:
            found[-1] += piece
    return [one.strip() for one in found] if text.strip() else []


def _done(substatement: str) -> Document:
    return {"outcome": {"kind": "DDL", "substatement": substatement, "form": "txt"}}


def _key(group: str, name: str) -> str:
    return f"{group}/{name}"


def _name(document: Document) -> str:
    name: str = document["name"].partition("/")[2]
    return name


def _plain(name: str) -> str:
    return name.strip('"')


def _not_found(name: str, group: str) -> str:
    return f"PreparedStatement {name} was not found in workGroup {group}"


def _there(name: str, group: str) -> str:
    return f"PreparedStatement {name} already exists in workGroup {group}"


def _described(found: Document) -> Document:
    described = {
        "StatementName": _name(found),
        "QueryStatement": found["statement"],
        "WorkGroupName": found["name"].partition("/")[0],
        "LastModifiedTime": found["modified"],
    }
    return described | ({"Description": found["description"]} if found["description"] else {})
