"""What goes on, and what went on: sessions, queries, locks, connections. Who is no superuser sees the own only."""

from collections.abc import Iterator
from typing import Any

from lakemill.warehouse.history import now
from lakemill.warehouse.system.views import Known, Rows, view

PG = "pg_catalog"
_QUERIES = "query, xid, pid, userid, username, database, label, text, starttime, endtime, aborted, code, error, kind"
LINE_BYTES = 200


def _queries(known: Known) -> list[tuple[Any, ...]]:
    rows = known.session.warehouse.history.read(f"SELECT {_QUERIES} FROM history.queries ORDER BY query")
    return [row for row in rows if known.superuser or row[3] == known.session.user_id]


@view(
    PG,
    "stl_query",
    "userid:int4 query:int4 label xid:int8 pid:int4 database querytxt starttime:timestamp endtime:timestamp "
    "aborted:int4 insert_pristine:int4 concurrency_scaling_status:int4",
)
def stl_query(known: Known) -> Rows:
    """Queries that have ended."""
    for query, xid, pid, user, _, database, label, text, start, end, aborted, _, _, kind in _queries(known):
        if kind != "command":
            yield user, query, label, xid, pid, database, text[:4000], start, end, aborted, 0, 0


@view(PG, "stl_querytext", "userid:int4 xid:int8 pid:int4 query:int4 sequence:int4 text")
def stl_querytext(known: Known) -> Rows:
    """Their texts, in lines of 200 characters."""
    for query, xid, pid, user, _, _, _, text, *rest in _queries(known):
        if rest[-1] != "command":
            for number, start in enumerate(range(0, max(1, len(text)), LINE_BYTES)):
                yield user, xid, pid, query, number, text[start : start + LINE_BYTES]


@view(PG, "stl_ddltext", "userid:int4 xid:int8 pid:int4 label starttime:timestamp endtime:timestamp sequence:int4 text")
def stl_ddltext(known: Known) -> Rows:
    """Statements that define something."""
    for _, xid, pid, user, _, _, label, text, start, end, *rest in _queries(known):
        if rest[-1] == "command" and text[:6].upper().startswith(("CREATE", "ALTER", "DROP")):
            yield user, xid, pid, label, start, end, 0, text


@view(
    PG,
    "stl_utilitytext",
    "userid:int4 xid:int8 pid:int4 label starttime:timestamp endtime:timestamp sequence:int4 text",
)
def stl_utilitytext(known: Known) -> Rows:
    """Other commands."""
    for _, xid, pid, user, _, _, label, text, start, end, *rest in _queries(known):
        if rest[-1] == "command" and not text[:6].upper().startswith(("CREATE", "ALTER", "DROP")):
            yield user, xid, pid, label, start, end, 0, text


@view(
    PG,
    "svl_statementtext",
    "userid:int4 xid:int8 pid:int4 label starttime:timestamp endtime:timestamp sequence:int4 type text",
)
def svl_statementtext(known: Known) -> Rows:
    """All statements."""
    for _, xid, pid, user, _, _, label, text, start, end, *rest in _queries(known):
        yield user, xid, pid, label, start, end, 0, "UTILITY" if rest[-1] == "command" else "QUERY", text


@view(
    PG,
    "svl_qlog",
    "userid:int4 query:int4 xid:int8 pid:int4 starttime:timestamp endtime:timestamp elapsed:int8 aborted:int4 label "
    "substring source_query:int4",
)
def svl_qlog(known: Known) -> Rows:
    """Queries and how long they took."""
    for query, xid, pid, user, _, _, label, text, start, end, aborted, _, _, kind in _queries(known):
        if kind != "command":
            yield user, query, xid, pid, start, end, _us(start, end), aborted, label, text[:60], None


@view(
    PG,
    "sys_query_history",
    "user_id:int4 query_id:int8 query_label transaction_id:int8 session_id:int4 database_name query_type status "
    "start_time:timestamp end_time:timestamp elapsed_time:int8 error_message query_text",
)
def sys_query_history(known: Known) -> Rows:
    """Queries, those under way too."""
    for query, xid, pid, user, _, database, label, text, start, end, aborted, _, error, kind in _queries(known):
        state = "failed" if aborted else "success"
        yield (
            *(user, query, label, xid, pid, database, kind.upper(), state, start, end, _us(start, end)),
            *(error or None, text[:4000]),
        )
    for session, work in _working(known):
        yield (
            *(session.user_id, work.query, session.settings["query_group"], session.transaction.number, session.pid),
            *(
                session.database,
                work.kind.upper(),
                "running",
                work.began,
                None,
                _us(work.began, now()),
                None,
                work.text[:4000],
            ),
        )


def _us(start: Any, end: Any) -> int:
    return int((end - start).total_seconds() * 1_000_000)


def _sessions(known: Known) -> list[Any]:
    sessions = list(known.session.warehouse.sessions.values())
    return [one for one in sessions if known.superuser or one.session_user == known.session.session_user]


def _working(known: Known) -> Iterator[tuple[Any, Any]]:
    for session in _sessions(known):
        work = session.work
        if work is not None and not work.ended.is_set():
            yield session, work


@view(PG, "stv_sessions", "starttime:timestamp process:int4 user_name db_name timeout_sec:int4")
def stv_sessions(known: Known) -> Rows:
    """Sessions."""
    for one in _sessions(known):
        yield one.began, one.pid, one.session_user, one.database, 0


@view(
    PG,
    "stv_recents",
    "userid:int4 status starttime:timestamp duration:int8 user_name db_name query pid:int4",
)
def stv_recents(known: Known) -> Rows:
    """Statements under way, and the last that have ended."""
    for session, work in _working(known):
        took = _us(work.began, now())
        yield session.user_id, "Running", work.began, took, session.user, session.database, work.text[:600], session.pid
    for _, _, pid, user, name, database, _, text, start, end, *_ in _queries(known)[-100:]:
        yield user, "Done", start, _us(start, end), name, database, text[:600], pid


@view(
    PG,
    "stv_inflight",
    "userid:int4 slice:int4 query:int4 label xid:int8 pid:int4 starttime:timestamp text suspended:int4",
)
def stv_inflight(known: Known) -> Rows:
    """Statements under way."""
    for session, work in _working(known):
        yield (
            *(session.user_id, 0, work.query, session.settings["query_group"], session.transaction.number, session.pid),
            *(work.began, work.text[:100], 0),
        )


@view(
    PG,
    "pg_stat_activity",
    "datid:oid datname:name procpid:int4 usesysid:int4 usename:name current_query query_start:timestamp",
)
def pg_stat_activity(known: Known) -> Rows:
    """Sessions and what they do."""
    for one in _sessions(known):
        work = one.work
        busy = work is not None and not work.ended.is_set()
        database = known.databases.get(one.database)
        yield (
            *(database.oid if database is not None else 0, one.database, one.pid, one.user_id, one.session_user),
            *(work.text if work is not None and busy else "<IDLE>", work.began if work is not None else None),
        )


@view(
    PG,
    "svv_transactions",
    "txn_owner txn_db xid:int8 pid:int4 txn_start:timestamp lock_mode lockable_object_type relation:oid granted:bool",
)
def svv_transactions(known: Known) -> Rows:
    """Transactions under way, and the tables that they hold."""
    holders = known.session.warehouse.locks.holders()
    for one in _sessions(known):
        if one.transaction.state in ("implicit", "block"):
            begin = one.work.began if one.work is not None else one.began
            common = (one.session_user, one.database, one.transaction.number, one.pid, begin)
            yield *common, "ExclusiveLock", "transactionid", None, True
            for table, pid in holders.items():
                if pid == one.pid:
                    yield *common, "AccessExclusiveLock", "relation", table, True


@view(PG, "pg_locks", "relation:oid database:oid transaction:int8 pid:int4 mode granted:bool")
def pg_locks(known: Known) -> Rows:
    """Tables that are held."""
    sessions = known.session.warehouse.sessions
    for table, pid in known.session.warehouse.locks.holders().items():
        one = sessions.get(pid)
        if one is not None:
            database = known.databases.get(one.database)
            yield table, database.oid if database else 0, one.transaction.number, pid, "AccessExclusiveLock", True


@view(PG, "stv_locks", "table_id:oid last_update:timestamp lock_owner:int8 lock_owner_pid:int4 lock_status")
def stv_locks(known: Known) -> Rows:
    """Tables that are held."""
    sessions = known.session.warehouse.sessions
    for table, pid in known.session.warehouse.locks.holders().items():
        one = sessions.get(pid)
        if one is not None:
            yield (
                table,
                one.work.began if one.work is not None else one.began,
                one.transaction.number,
                pid,
                "Holding write lock",
            )


@view(
    PG,
    "stl_connection_log",
    "event recordtime:timestamp remotehost remoteport pid:int4 dbname username authmethod duration:int8 sslversion "
    "application_name",
)
def stl_connection_log(known: Known) -> Rows:
    """Connections. Superusers only see others'."""
    for row in known.session.warehouse.history.read("SELECT * FROM history.connections ORDER BY recordtime"):
        if known.superuser or row[6] == known.session.session_user:
            yield row
