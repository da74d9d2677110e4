"""CREATE, ALTER and DROP DATABASE."""

from typing import TYPE_CHECKING

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights
from lakemill.warehouse.names import identity
from lakemill.warehouse.objects import TEMPORARY, Database
from lakemill.warehouse.results import Result
from lakemill.warehouse.settings import Settings
from lakemill.warehouse.store import create_database, place
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

DATABASES_MAX = 100
_RESERVED = ("template0", "template1", "padb_harvest")


def create(session: "Session", tokens: Tokens) -> Result:
    """CREATE DATABASE name [WITH] [OWNER [=] user] [CONNECTION LIMIT n]"""
    outside(session, "CREATE DATABASE")
    tokens.expect("CREATE", "DATABASE")
    name, owner, limit = tokens.name(), session.user, -1
    tokens.take("WITH")
    while not tokens.ended():
        if tokens.take("OWNER"):
            tokens.take("=")
            owner = tokens.name()
        elif tokens.take("CONNECTION", "LIMIT"):
            limit = -1 if tokens.take("UNLIMITED") else tokens.number()
        elif tokens.take("COLLATE", "CASE_SENSITIVE") or tokens.take("ISOLATION", "LEVEL", "SNAPSHOT"):
            continue
        elif tokens.peek() in ("FROM", "COLLATE", "ISOLATION"):
            raise SqlFailed("0A000", f"CREATE DATABASE with {tokens.rest().upper()[:40]} is not supported")
        else:
            raise tokens.wrong()
    user = session.store.get("user", session.user)
    if not user.superuser and not user.create_databases:
        raise SqlFailed("42501", "permission denied to create database")
    if session.store.get("user", owner) is None:
        raise SqlFailed("42704", f'user "{owner}" does not exist')
    if name in _RESERVED or "." in name:
        raise SqlFailed("42939", f'database name "{name}" is reserved')
    if session.store.get("database", name) is not None:
        raise SqlFailed("42P04", f'database "{name}" already exists')
    if len(session.store.all("database")) >= DATABASES_MAX:
        raise SqlFailed("54000", f"a warehouse can have at most {DATABASES_MAX} databases")
    create_database(session.store, session.connection, name, owner)
    if limit != -1:
        made: Database = session.store.get("database", name)
        made.limit = limit
        session.store.put("database", name, made)
    return Result("CREATE DATABASE")


def drop(session: "Session", tokens: Tokens) -> Result:
    """DROP DATABASE name"""
    outside(session, "DROP DATABASE")
    tokens.expect("DROP", "DATABASE")
    name = tokens.name()
    tokens.end()
    document = session.store.get("database", name)
    if document is None:
        raise SqlFailed("3D000", f'database "{name}" does not exist')
    rights.require_owner(session, document, name, "database")
    if name == session.database:
        raise SqlFailed("55006", "cannot drop the currently open database")
    if name == session.warehouse.options.database:
        raise SqlFailed("42501", f'database "{name}" was made with the cluster and cannot be dropped')
    if any(other.database == name for other in list(session.warehouse.sessions.values())):
        raise SqlFailed("55006", f'database "{name}" is being accessed by other users')
    session.transaction.touched()
    for schema, _, relation in session.store.relations(name):
        if schema != TEMPORARY and any(column.identity for column in relation.columns):
            session.connection.execute(f"DROP SEQUENCE IF EXISTS {identity(relation)}")
    for schema in session.store.all("schema", name):
        session.connection.execute(f"DROP SCHEMA IF EXISTS {place(name, schema)} CASCADE")
        session.store.remove("schema", schema, name)
    session.store.remove("database", name)
    return Result("DROP DATABASE")


def alter(session: "Session", tokens: Tokens) -> Result:
    """ALTER DATABASE name RENAME TO | OWNER TO | CONNECTION LIMIT | SET | RESET"""
    tokens.expect("ALTER", "DATABASE")
    name = tokens.name()
    document: Database | None = session.store.get("database", name)
    if document is None:
        raise SqlFailed("3D000", f'database "{name}" does not exist')
    rights.require_owner(session, document, name, "database")
    if tokens.take("OWNER", "TO"):
        document.owner = existing_user(session, tokens.name())
    elif tokens.take("CONNECTION", "LIMIT"):
        document.limit = -1 if tokens.take("UNLIMITED") else tokens.number()
    elif tokens.peek() == "RENAME":
        raise SqlFailed("0A000", f'ALTER DATABASE "{name}" RENAME is not supported')
    else:
        document.settings = changed_settings(tokens, document.settings)
    tokens.end()
    session.store.put("database", name, document)
    return Result("ALTER DATABASE")


def changed_settings(tokens: Tokens, settings: dict[str, str]) -> dict[str, str]:
    """SET name TO value, RESET name: of a user or database, for sessions that come. Raises SqlFailed."""
    found = dict(settings)
    if tokens.take("RESET"):
        if tokens.take("ALL"):
            return {}
        found.pop(tokens.name(), None)
        return found
    tokens.expect("SET")
    name = tokens.name()
    if not tokens.any_of("TO", "="):
        raise tokens.wrong()
    found[name] = tokens.values()
    Settings({}).set(name, found[name])
    return found


def existing_user(session: "Session", name: str) -> str:
    """A user's name. Raises SqlFailed 42704."""
    name = cases.folded(name)
    if session.store.get("user", name) is None:
        raise SqlFailed("42704", f'user "{name}" does not exist')
    return name


def outside(session: "Session", what: str) -> None:
    """Raises SqlFailed 25001 inside of a transaction block."""
    if session.transaction.state == "block":
        raise SqlFailed("25001", f"{what} cannot run inside a transaction block")
