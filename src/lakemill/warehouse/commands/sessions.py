"""Transactions and settings: BEGIN, COMMIT, ROLLBACK, SET, RESET, SHOW, DISCARD, CANCEL."""

import builtins
from typing import TYPE_CHECKING

import duckdb

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights, tabular
from lakemill.warehouse.results import Result
from lakemill.warehouse.settings import SETTINGS, Settings
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def begin(session: "Session", tokens: Tokens) -> Result:
    """BEGIN [WORK | TRANSACTION] [ISOLATION LEVEL ...] [READ WRITE]"""
    first = tokens.any_of("BEGIN", "START")
    tokens.any_of("WORK", "TRANSACTION")
    _modes(tokens)
    if not session.transaction.begin():
        session.notices.append("WARNING:  there is already a transaction in progress")
    return Result("BEGIN" if first == "BEGIN" else "START TRANSACTION")


def commit(session: "Session", tokens: Tokens) -> Result:
    """COMMIT [WORK | TRANSACTION]; of a failed transaction it is a ROLLBACK."""
    tokens.any_of("COMMIT", "END")
    tokens.any_of("WORK", "TRANSACTION")
    tokens.end()
    if session.transaction.state == "failed":
        _roll_back(session)
        return Result("ROLLBACK")
    if session.transaction.state != "block":
        session.notices.append("WARNING:  there is no transaction in progress")
    try:
        session.transaction.commit()
    except duckdb.Error:
        session.settings.rollback()
        raise
    session.settings.commit()
    session.cursors.clear()
    return Result("COMMIT")


def rollback(session: "Session", tokens: Tokens) -> Result:
    """ROLLBACK [WORK | TRANSACTION]"""
    tokens.any_of("ROLLBACK", "ABORT")
    tokens.any_of("WORK", "TRANSACTION")
    if tokens.take("TO"):
        raise SqlFailed("0A000", "SAVEPOINT is not supported")
    tokens.end()
    if session.transaction.state not in ("block", "failed"):
        session.notices.append("WARNING:  there is no transaction in progress")
    _roll_back(session)
    return Result("ROLLBACK")


def set(session: "Session", tokens: Tokens) -> Result:
    """SET [SESSION | LOCAL] name TO | = value, SET TIME ZONE, SET SESSION CHARACTERISTICS, SET TRANSACTION"""
    tokens.expect("SET")
    if tokens.take("SESSION", "CHARACTERISTICS", "AS", "TRANSACTION") or tokens.take("TRANSACTION"):
        _modes(tokens)
        return Result("SET")
    local = tokens.any_of("SESSION", "LOCAL") == "LOCAL"
    if tokens.take("TIME", "ZONE"):
        name, value = "timezone", _value(tokens)
    else:
        name = ".".join(tokens.qualified())
        if not tokens.any_of("TO", "="):
            raise tokens.wrong()
        value = _value(tokens) if name != "search_path" else _path(tokens)
    tokens.end()
    before = session.settings.get(name)
    _apply(session.settings, name, value)
    if local and before is not None:
        session.transaction.at_commit.append(lambda: session.settings.set(name, before))
    return Result("SET")


def reset(session: "Session", tokens: Tokens) -> Result:
    """RESET name | ALL"""
    tokens.expect("RESET")
    name = ".".join(tokens.qualified())
    tokens.end()
    if name == "all":
        session.settings.reset_all()
    else:
        session.settings.reset(name)
    return Result("RESET")


def set_authorization(session: "Session", tokens: Tokens) -> Result:
    """SET SESSION AUTHORIZATION user | DEFAULT"""
    tokens.expect("SET", "SESSION", "AUTHORIZATION")
    if tokens.take("DEFAULT"):
        session.user = session.session_user
    else:
        name = tokens.string() if tokens.is_string() else tokens.name()
        session.transaction.need()
        if name != session.session_user and not rights.superuser(session, session.session_user):
            raise SqlFailed("42501", f'permission denied to set session authorization "{name}"')
        if session.store.get("user", name) is None:
            raise SqlFailed("42704", f'user "{name}" does not exist')
        session.user = name
    tokens.end()
    return Result("SET")


def reset_authorization(session: "Session", tokens: Tokens) -> Result:
    """RESET SESSION AUTHORIZATION"""
    tokens.expect("RESET", "SESSION", "AUTHORIZATION")
    tokens.end()
    session.user = session.session_user
    return Result("RESET")


def show(session: "Session", tokens: Tokens) -> Result:
    """SHOW name | ALL"""
    tokens.expect("SHOW")
    if tokens.take("TIME", "ZONE"):
        name = "timezone"
    elif tokens.take("TRANSACTION", "ISOLATION", "LEVEL"):
        name = "transaction_isolation"
    else:
        name = ".".join(tokens.qualified())
    if name in ("databases", "schemas", "tables", "columns", "grants", "model", "table", "view", "procedures"):
        raise SqlFailed("0A000", f"SHOW {name.upper()} is not supported")
    tokens.end()
    if name == "all":
        rows = builtins.sorted(session.settings.all().items())
        return tabular.result("SHOW", [("name", "varchar"), ("setting", "varchar")], rows)
    value = session.settings.get(name)
    if value is None:
        raise SqlFailed("42704", f'unrecognized configuration parameter "{name}"')
    shown = SETTINGS[name].reported if name in SETTINGS and SETTINGS[name].reported else name
    return tabular.result("SHOW", [(shown, "varchar")], [(value,)])


def discard(session: "Session", tokens: Tokens) -> Result:
    """DISCARD ALL, which drivers send between the users of a pooled connection."""
    tokens.expect("DISCARD", "ALL")
    tokens.end()
    if session.transaction.state == "block":
        raise SqlFailed("25001", "DISCARD ALL cannot run inside a transaction block")
    session.user = session.session_user
    session.settings.reset_all()
    session.prepared.clear()
    session.cursors.clear()
    for schema, name, _ in session.store.relations(session.database):
        if schema == "temp":
            session.connection.execute(f'DROP TABLE temp.main."{name.replace(chr(34), chr(34) * 2)}"')
    return Result("DISCARD ALL")


def cancel(session: "Session", tokens: Tokens) -> Result:
    """CANCEL pid [message]"""
    tokens.expect("CANCEL")
    pid = tokens.number()
    if not tokens.ended():
        tokens.string()
    tokens.end()
    session.transaction.need()
    cancel_pid(session, pid)
    return Result("CANCEL")


def cancel_pid(session: "Session", pid: int) -> bool:
    """Stop what another session does. Raises SqlFailed 42501."""
    other = session.warehouse.sessions.get(pid)
    if other is None:
        return False
    if other.session_user != session.user and not rights.superuser(session):
        raise SqlFailed("42501", "must be superuser to signal other server processes")
    return other.cancel()


def _apply(settings: Settings, name: str, value: str | None) -> None:
    if value is None:
        settings.reset(name)
    else:
        settings.set(name, value)


def _value(tokens: Tokens) -> str | None:
    return None if tokens.take("DEFAULT") else tokens.values()


def _path(tokens: Tokens) -> str | None:
    if tokens.take("DEFAULT"):
        return None
    if tokens.is_string() and tokens.peek(1) == "":
        return _schema(tokens)
    names = [_schema(tokens)]
    while tokens.take(","):
        names.append(_schema(tokens))
    return ", ".join(names)


def _schema(tokens: Tokens) -> str:
    return tokens.string() if tokens.is_string() else _quoted(tokens)


def _quoted(tokens: Tokens) -> str:
    if tokens.take("$"):
        return "$" + tokens.name()
    name = tokens.name()
    return f'"{name}"' if name.startswith("$") else name


def _modes(tokens: Tokens) -> None:
    """ISOLATION LEVEL and READ WRITE: every level gives the same isolation, as in Redshift."""
    while not tokens.ended():
        if tokens.take("READ", "ONLY"):
            raise SqlFailed("0A000", "READ ONLY transactions are not supported")
        if tokens.take("ISOLATION", "LEVEL"):
            if not (
                tokens.any_of("SERIALIZABLE", "SNAPSHOT")
                or tokens.take("READ", "COMMITTED")
                or tokens.take("READ", "UNCOMMITTED")
                or tokens.take("REPEATABLE", "READ")
            ):
                raise tokens.wrong()
        elif not tokens.take("READ", "WRITE"):
            raise tokens.wrong()
        tokens.take(",")


def _roll_back(session: "Session") -> None:
    session.transaction.rollback()
    session.settings.rollback()
    session.cursors.clear()
