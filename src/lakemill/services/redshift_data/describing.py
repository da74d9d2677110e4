"""Statements and sessions told about."""

from typing import Any

from lakemill.engines.warehouses import Part, Session, Statement, StatementMissing, Warehouses
from lakemill.services.base import Call, operation
from lakemill.services.redshift_data.errors import invalid
from lakemill.services.redshift_data.paging import opened, sealed
from lakemill.services.redshift_data.targets import owner_of, scope_of

PAGE = 100
Document = dict[str, Any]


class DescribeOperations:
    """Mixed into the service."""

    warehouses: Warehouses

    def own(self, call: Call, id: str) -> Statement:
        """A statement of the caller's. Raises StatementMissing."""
        found = self.warehouses.statements.get(scope_of(call), id.partition(":")[0])
        if found.owner != owner_of(call)[0]:
            raise StatementMissing
        return found

    async def waited(self, call: Call, request: Document) -> Statement:
        """`own`, once it has ended, or WaitTimeSeconds are over. Raises StatementMissing."""
        found = self.own(call, request["Id"])
        if wait_s := request.get("WaitTimeSeconds"):
            await self.warehouses.statements.wait(found.id, wait_s)
        return self.own(call, request["Id"])

    @operation("DescribeStatement")
    async def describe_statement(self, call: Call, request: Document) -> Document:
        found = await self.waited(call, request)
        _, _, number = request["Id"].partition(":")
        if not number:
            return _whole(found)
        part = numbered(found, number)
        shared = {name: value for name, value in _named(found).items() if name != "Id"}
        return shared | _part(found, part, found.parts[part]) | {"QueryString": found.statements[part]}

    @operation("ListStatements")
    def list_statements(self, call: Call, request: Document) -> Document:
        if request.get("ClusterIdentifier") and request.get("WorkgroupName"):
            raise invalid("ClusterIdentifier and WorkgroupName cannot be given both.")
        limit = request.get("MaxResults") or PAGE
        shown: list[Document] = []
        place = ""
        rows = self.warehouses.statements.newest(scope_of(call), opened(request.get("NextToken")))
        for at, found in rows:
            if not _wanted(call, request, found):
                continue
            if len(shown) == limit:
                return {"Statements": shown, "NextToken": sealed(place)}
            shown.append(_listed(found))
            place = at
        return {"Statements": shown}

    @operation("ListSessions")
    def list_sessions(self, call: Call, request: Document) -> Document:
        owner, owner_session = owner_of(call)
        found = [
            one
            for one in self.warehouses.statements.sessions.all(scope_of(call), owner)
            if (request.get("RoleLevel", True) or one.owner_session == owner_session)
            and request.get("SessionId", one.id) == one.id
            and request.get("Database", one.database) == one.database
            and all(
                request.get(name) in (None, one.details["named"].get(name))
                for name in ("ClusterIdentifier", "WorkgroupName")
            )
        ]
        status = request.get("Status")
        if status or "SessionId" not in request:
            found = [one for one in found if _status(one) in ((status,) if status else ("AVAILABLE", "BUSY"))]
        after, limit = opened(request.get("NextToken")), request.get("MaxResults") or PAGE
        ids = [one.id for one in found]
        begin = ids.index(after) + 1 if after in ids else 0
        taken = found[begin : begin + limit]
        token = {"NextToken": sealed(taken[-1].id)} if len(found) > begin + limit else {}
        return {"Sessions": [_session(one) for one in taken]} | token


def numbered(found: Statement, number: str) -> int:
    """The index of a part by the number behind its id. Raises StatementMissing."""
    if found.single or not number.isdigit() or not 1 <= int(number) <= len(found.parts):
        raise StatementMissing
    return int(number) - 1


def _wanted(call: Call, request: Document, found: Statement) -> bool:
    owner, owner_session = owner_of(call)
    return (
        found.owner == owner
        and (request.get("RoleLevel", True) or found.owner_session == owner_session)
        and request.get("Status", "ALL") in ("ALL", found.state)
        and found.label.startswith(request.get("StatementName", ""))
        and request.get("Database", found.database) == found.database
        and all(request.get(name) in (None, found.details.get(name)) for name in ("ClusterIdentifier", "WorkgroupName"))
    )


def _named(found: Statement) -> Document:
    answer = {
        "Id": found.id,
        "Database": found.database,
        "CreatedAt": found.created,
        "ResultFormat": found.details["format"],
        "RedshiftPid": found.pid,
    }
    names = ("ClusterIdentifier", "WorkgroupName", "DbUser")
    answer |= {name: found.details[name] for name in names if name in found.details}
    return answer | ({"SessionId": found.session} if found.session else {})


def _whole(found: Statement) -> Document:
    """A DescribeStatementResponse."""
    parts = found.parts
    answer = _named(found) | {
        "Status": found.state,
        "UpdatedAt": found.updated,
        "HasResultSet": found.has_result,
        "Duration": _sum(part.duration_ns for part in parts),
        "ResultRows": parts[0].rows if found.single else -1,
        "ResultSize": _sum(part.result_bytes for part in parts),
        "RedshiftQueryId": parts[0].query if found.single else 0,
    }
    if found.error:
        answer["Error"] = found.error
    if found.parameters:
        answer["QueryParameters"] = found.parameters
    if found.single:
        return answer | {"QueryString": found.statements[0]}
    answer["SubStatements"] = [
        _part(found, number, part) | {"QueryString": found.statements[number]} for number, part in enumerate(parts)
    ]
    return answer | {"ExecutionMode": found.details["mode"]}


def _sum(numbers: Any) -> int:
    known = [number for number in numbers if number >= 0]
    return sum(known) if known else -1


def _part(found: Statement, number: int, part: Part) -> Document:
    """What a SubStatementData and the description of a part have alike."""
    answer = {
        "Id": f"{found.id}:{number + 1}",
        "Status": part.state,
        "CreatedAt": found.created,
        "UpdatedAt": part.updated,
        "HasResultSet": part.columns is not None,
        "Duration": part.duration_ns,
        "ResultRows": part.rows,
        "ResultSize": part.result_bytes,
        "RedshiftQueryId": part.query,
    }
    return answer | ({"Error": part.error} if part.error else {})


def _listed(found: Statement) -> Document:
    """A StatementData."""
    answer: Document = {
        "Id": found.id,
        "Status": found.state,
        "CreatedAt": found.created,
        "UpdatedAt": found.updated,
        "IsBatchStatement": not found.single,
        "ResultFormat": found.details["format"],
    }
    answer |= {"QueryString": found.statements[0]} if found.single else {"QueryStrings": found.statements}
    if found.label:
        answer["StatementName"] = found.label
    if found.parameters:
        answer["QueryParameters"] = found.parameters
    return answer | ({"SessionId": found.session} if found.session else {})


def _status(session: Session) -> str:
    return "CLOSED" if session.closed else "BUSY" if session.statement else "AVAILABLE"


def _session(one: Session) -> Document:
    answer = {
        "SessionId": one.id,
        "Status": _status(one),
        "CreatedAt": one.created,
        "UpdatedAt": one.updated,
        "Database": one.database,
        "SessionAliveSeconds": one.alive_s,
    }
    return answer | one.details["named"] | ({"CurrentStatementId": one.statement} if one.statement else {})
