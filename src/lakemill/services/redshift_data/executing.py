"""Statements handed in and cancelled."""

import re
import uuid
from typing import Any

from lakemill.engines.warehouses import Part, Session, Statement, Warehouses
from lakemill.services.base import Call, operation
from lakemill.services.redshift_data.errors import invalid
from lakemill.services.redshift_data.targets import NO_SECRETS, Targets, owner_of, scope_of

SQL_BYTES_MAX = 100 << 10
NO_EVENTS = "WithEvent is refused: there is no EventBridge."
PLACE = re.compile(r"(?<!:):([A-Za-z_][A-Za-z0-9_]*)")
Document = dict[str, Any]


class ExecuteOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    targets: Targets

    @operation("ExecuteStatement", refuses=NO_SECRETS)
    async def execute_statement(self, call: Call, request: Document) -> Document:
        return await self._handed_in(call, request, [request["Sql"]], single=True)

    @operation("BatchExecuteStatement", refuses=NO_SECRETS)
    async def batch_execute_statement(self, call: Call, request: Document) -> Document:
        mode = request.get("ExecutionMode", "TRANSACTION")
        return await self._handed_in(call, request, request["Sqls"], single=False, mode=mode)

    async def _handed_in(
        self, call: Call, request: Document, texts: list[str], *, single: bool, mode: str = ""
    ) -> Document:
        _check(request, texts)
        statements = self.warehouses.statements
        session, statement = self._session(call, request), str(uuid.uuid4())
        owner, owner_session = owner_of(call)
        now = self.warehouses.clock.now()
        asked = Statement(
            id=statement,
            scope=scope_of(call),
            warehouse=session.warehouse,
            owner=owner,
            owner_session=owner_session,
            database=session.database,
            user=session.user,
            auto_create=session.details["auto_create"],
            statements=texts,
            parameters=request.get("Parameters") or [],
            single=single,
            separate=mode == "AUTO_COMMIT",
            label=request.get("StatementName", ""),
            details={**session.details["named"], "format": request.get("ResultFormat", "JSON"), "mode": mode},
            created=now,
            updated=now,
            parts=[Part(updated=now) for _ in texts],
        )
        kept = bool(request.get("SessionId") or request.get("SessionKeepAliveSeconds"))
        if (before := statements.known(asked, request.get("ClientToken", ""))) is not None:
            return _begun(before, wait="WaitTimeSeconds" in request)
        if kept:
            if not request.get("SessionId"):
                session = statements.sessions.new(session)
            statements.sessions.take(session, statement, request.get("SessionKeepAliveSeconds"))
            asked.session = session.id
        try:
            done = await statements.submit(asked, request.get("ClientToken", ""), session if kept else None)
        except Exception:
            if kept:
                statements.sessions.release(session.id)
            raise
        if kept and done.id != statement:  # The same request came twice at this very moment.
            statements.sessions.release(session.id)
        if wait_s := request.get("WaitTimeSeconds"):
            await statements.wait(done.id, wait_s)
        return _begun(done, wait="WaitTimeSeconds" in request)

    def _session(self, call: Call, request: Document) -> Session:
        """The session that a request names, or what one of its own would be. Raises ServiceError, SessionMissing."""
        scope, (owner, owner_session) = scope_of(call), owner_of(call)
        if id := request.get("SessionId"):
            for member in ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser"):
                if request.get(member):
                    raise invalid(f"{member} cannot be given with SessionId.")
            return self.warehouses.statements.sessions.get(scope, id, owner)
        target, now = self.targets.of(call, request), self.warehouses.clock.now()
        return Session(
            id="",
            scope=scope,
            warehouse=target.warehouse["id"],
            owner=owner,
            owner_session=owner_session,
            database=target.database,
            user=target.user,
            details={"named": target.named, "auto_create": target.auto_create},
            alive_s=request.get("SessionKeepAliveSeconds", 0),
            created=now,
            updated=now,
        )

    @operation("CancelStatement")
    async def cancel_statement(self, call: Call, request: Document) -> Document:
        id = request["Id"].partition(":")[0]
        self.own(call, id)
        await self.warehouses.statements.cancel(scope_of(call), id)
        return {"Status": True}

    def own(self, call: Call, id: str) -> Statement:
        raise NotImplementedError


def _check(request: Document, texts: list[str]) -> None:
    """Raise ValidationException for what is not provided or too long."""
    if request.get("WithEvent"):
        raise invalid(NO_EVENTS)
    if any(not text.strip() for text in texts):
        raise invalid("SQL statements must not be empty.")
    if sum(len(text.encode()) for text in texts) > SQL_BYTES_MAX:
        raise invalid(f"Cannot process query string larger than {SQL_BYTES_MAX >> 10}kB")
    names = [one["name"] for one in request.get("Parameters") or []]
    if len(set(names)) < len(names):
        raise invalid("Parameters must have different names.")
    places = {name for text in texts for name in PLACE.findall(text)}
    if unused := [name for name in names if name not in places]:
        raise invalid(f"Parameters list contains unused parameters. Unused parameters: [{', '.join(unused)}]")


def _begun(found: Statement, *, wait: bool) -> Document:
    answer = {"Id": found.id, "CreatedAt": found.created, "Database": found.database}
    answer |= {
        name: found.details[name] for name in ("ClusterIdentifier", "WorkgroupName", "DbUser") if name in found.details
    }
    if found.session:
        answer["SessionId"] = found.session
    if wait:
        answer |= {"Status": found.state, "HasResultSet": found.has_result}
        answer |= {"RedshiftPid": found.pid} if found.pid else {}
    return answer
