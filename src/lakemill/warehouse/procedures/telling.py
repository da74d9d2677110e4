"""What procedures say while they run, and what became of their calls: to the client, and in system views."""

import datetime
from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.history import now
from lakemill.warehouse.procedures.nodes import LEVELS

if TYPE_CHECKING:
    from lakemill.warehouse.procedures.running import Running
    from lakemill.warehouse.session import Session

CALLS, MESSAGES = "procedure_calls", "procedure_messages"
TABLES = {
    CALLS: (
        "userid INTEGER, session_userid INTEGER, query BIGINT, label VARCHAR, xid BIGINT, pid INTEGER, "
        "database VARCHAR, querytxt VARCHAR, starttime TIMESTAMP, endtime TIMESTAMP, aborted INTEGER, "
        "from_sp_call BIGINT"
    ),
    MESSAGES: (
        "userid INTEGER, session_userid INTEGER, pid INTEGER, xid BIGINT, query BIGINT, recordtime TIMESTAMP, "
        "loglevel INTEGER, loglevel_text VARCHAR, message VARCHAR, linenum INTEGER, querytxt VARCHAR, label VARCHAR, "
        "aborted INTEGER"
    ),
}
# The least level that a client is told of; INFO always is.
_SHOWN = {"debug": 10, "log": 20, "notice": 40, "warning": 50, "error": 60}


def message(running: "Running", level: str, text: str, line: int) -> None:
    """RAISE. Raises SqlFailed P0001 for an EXCEPTION."""
    session = running.session
    history, work = session.warehouse.history, running.work
    history.make(MESSAGES, TABLES[MESSAGES])
    query, said = (work.query, work.text) if work is not None else (0, "")
    history.add(
        MESSAGES,
        (
            *(session.user_id, session.user_id, session.pid, session.transaction.number, query, now(), LEVELS[level]),
            *(level, text, line, said[:500], session.settings["query_group"], int(level == "EXCEPTION")),
        ),
    )
    if level == "EXCEPTION":
        raise SqlFailed("P0001", text)
    if level == "INFO" or LEVELS[level] >= _SHOWN[session.settings["client_min_messages"]]:
        session.notices.append(f"{level}:  {text}")


def called(
    session: "Session", query: int, text: str, began: datetime.datetime, aborted: bool, outer: int | None
) -> None:
    """A call has ended; outer: the query of the call that it was made from."""
    history = session.warehouse.history
    history.make(CALLS, TABLES[CALLS])
    history.add(
        CALLS,
        (
            *(session.user_id, session.user_id, query, session.settings["query_group"], session.transaction.number),
            *(session.pid, session.database, text[:4000], began, now(), int(aborted), outer),
        ),
    )
