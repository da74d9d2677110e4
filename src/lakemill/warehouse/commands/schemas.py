"""CREATE, ALTER and DROP SCHEMA. Those of the lake are made by `spectrum`."""

from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights, spectrum
from lakemill.warehouse.commands import removing
from lakemill.warehouse.commands.databases import existing_user
from lakemill.warehouse.names import SYSTEM
from lakemill.warehouse.objects import Schema
from lakemill.warehouse.results import Result
from lakemill.warehouse.store import place
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def create(session: "Session", tokens: Tokens) -> Result:
    """CREATE SCHEMA [IF NOT EXISTS] name [AUTHORIZATION user]"""
    tokens.expect("CREATE", "SCHEMA")
    lenient = tokens.take("IF", "NOT", "EXISTS")
    if tokens.take("AUTHORIZATION"):
        owner = name = tokens.name()
    else:
        name = tokens.name()
        owner = tokens.name() if tokens.take("AUTHORIZATION") else session.user
    if tokens.peek() == "QUOTA":
        raise SqlFailed("0A000", "CREATE SCHEMA with QUOTA is not supported")
    if tokens.peek() == "CREATE":
        raise SqlFailed("0A000", "CREATE SCHEMA with the objects in it is not supported")
    tokens.end()
    database = session.store.get("database", session.database)
    rights.require(session, "database", database, session.database, "CREATE")
    if name in SYSTEM or name.startswith("pg_"):
        raise SqlFailed("42939", f'unacceptable schema name "{name}"')
    if session.store.get("schema", name, session.database) is not None:
        if not lenient:
            raise SqlFailed("42P06", f'schema "{name}" already exists')
        session.notices.append(f'INFO:  Schema "{name}" already exists and has been skipped')
        return Result("CREATE SCHEMA")
    session.transaction.touched()
    session.connection.execute(f"CREATE SCHEMA {place(session.database, name)}")
    document = Schema(oid=session.store.number(), owner=existing_user(session, owner))
    session.store.put("schema", name, document, session.database)
    return Result("CREATE SCHEMA")


def drop(session: "Session", tokens: Tokens) -> Result:
    """DROP SCHEMA [IF EXISTS] name, ... [CASCADE | RESTRICT]"""
    tokens.expect("DROP", "SCHEMA")
    lenient = tokens.take("IF", "EXISTS")
    names = tokens.listed()
    outside = tokens.take("DROP", "EXTERNAL", "DATABASE")
    cascade = tokens.any_of("CASCADE", "RESTRICT") == "CASCADE"
    tokens.end()
    for name in names:
        document: Schema | None = session.store.get("schema", name, session.database)
        if document is None:
            if not lenient:
                raise SqlFailed("3F000", f'schema "{name}" does not exist')
            session.notices.append(f'INFO:  Schema "{name}" does not exist and will be skipped')
            continue
        rights.require_owner(session, document, name, "schema")
        if outside and document.external is not None:
            spectrum.drop_database(session, document.external)
        _drop(session, name, cascade)
    return Result("DROP SCHEMA")


def _drop(session: "Session", name: str, cascade: bool) -> None:
    inside = [(one, it) for schema, one, it in session.store.relations(session.database) if schema == name]
    routines = [
        (kind, routine)
        for kind in ("procedure", "function")
        for routine in session.store.all(kind, session.database).values()
        if routine.schema == name
    ]
    if (inside or routines) and not cascade:
        raise SqlFailed(
            "2BP01",
            f"cannot drop schema {name} because other objects depend on it",
            hint="Use DROP ... CASCADE to drop the dependent objects too.",
        )
    session.lock(relation.oid for _, relation in inside)
    for one, relation in inside:
        if session.store.relation(session.database, name, one) is not None:
            removing.remove(session, name, one, relation, True)
    for kind, routine in routines:
        session.store.remove(kind, routine.key, session.database)
    session.transaction.touched()
    session.connection.execute(f"DROP SCHEMA IF EXISTS {place(session.database, name)}")
    session.store.remove("schema", name, session.database)


def alter(session: "Session", tokens: Tokens) -> Result:
    """ALTER SCHEMA name RENAME TO name | OWNER TO user"""
    tokens.expect("ALTER", "SCHEMA")
    name = tokens.name()
    document: Schema | None = session.store.get("schema", name, session.database)
    if document is None:
        raise SqlFailed("3F000", f'schema "{name}" does not exist')
    rights.require_owner(session, document, name, "schema")
    if tokens.take("OWNER", "TO"):
        document.owner = existing_user(session, tokens.name())
        tokens.end()
        session.store.put("schema", name, document, session.database)
        return Result("ALTER SCHEMA")
    if tokens.peek() in ("RENAME", "QUOTA"):
        raise SqlFailed("0A000", f"ALTER SCHEMA with {tokens.peek()} is not supported")
    raise tokens.wrong()
