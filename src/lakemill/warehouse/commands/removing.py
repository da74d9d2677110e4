"""DROP TABLE, and TRUNCATE."""

from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import quoted
from lakemill.warehouse import rights, spectrum
from lakemill.warehouse.names import identity
from lakemill.warehouse.objects import TEMPORARY, Relation
from lakemill.warehouse.results import Result
from lakemill.warehouse.store import place
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


_LABELS = {"table": "Table", "view": "View", "materialized": "Materialized view"}


def drop_table(session: "Session", tokens: Tokens) -> Result:
    """DROP TABLE [IF EXISTS] name, ... [CASCADE | RESTRICT]"""
    tokens.expect("DROP", "TABLE")
    drop(session, tokens, "table")
    return Result("DROP TABLE")


def drop(session: "Session", tokens: Tokens, kind: str) -> None:
    """What comes behind DROP TABLE, DROP VIEW or DROP MATERIALIZED VIEW. Raises SqlFailed."""
    lenient = tokens.take("IF", "EXISTS")
    names = [tokens.qualified()]
    while tokens.take(","):
        names.append(tokens.qualified())
    cascade = tokens.any_of("CASCADE", "RESTRICT") == "CASCADE"
    tokens.end()
    for parts in names:
        if kind == "table" and len(parts) > 1 and is_external(session, parts):
            spectrum.drop_table(session, parts, lenient)
            continue
        found = session.names.lookup(parts)
        if found is None:
            label = _LABELS[kind]
            if not lenient:
                raise SqlFailed("42P01", f'{label} "{parts[-1]}" does not exist')
            session.notices.append(f'INFO:  {label} "{parts[-1]}" does not exist and will be skipped')
            continue
        schema, name, relation = found
        if relation.kind != kind:
            raise SqlFailed(
                "42809",
                f'"{name}" is not a {_LABELS[kind].lower()}',
                hint=f"Use DROP {relation.label.upper()} to remove it.",
            )
        if not rights.may(session, relation, "DROP"):
            raise SqlFailed("42501", f"must be owner of relation {name}")
        if not session.lock([relation.oid]):
            schema, name, relation = existing(session, parts)
        remove(session, schema, name, relation, cascade)


def remove(session: "Session", schema: str, name: str, relation: Relation, cascade: bool) -> None:
    """Drop a table or view, and with cascade what depends on it. Raises SqlFailed 2BP01."""
    for other_schema, other_name, view in dependents(session, relation.oid):
        if not cascade:
            raise SqlFailed(
                "2BP01",
                f"cannot drop {relation.label} {name} because other objects depend on it",
                detail=f"{view.label} {other_name} depends on {relation.label} {name}",
                hint="Use DROP ... CASCADE to drop the dependent objects too.",
            )
        if session.store.relation(session.database, other_schema, other_name) is not None:
            remove(session, other_schema, other_name, view, True)
    session.transaction.touched()
    session.store.change()
    session.connection.execute(f"DROP {relation.held_as} {place(session.database, schema)}.{quoted(name)}")
    if any(column.identity for column in relation.columns):
        session.connection.execute(f"DROP SEQUENCE IF EXISTS {identity(relation)}")


def dependents(session: "Session", oid: int) -> list[tuple[str, str, Relation]]:
    """Views that read a relation and are bound to it."""
    return [
        found
        for found in session.store.relations(session.database)
        if found[2].kind != "table" and not found[2].late and oid in found[2].depends
    ]


def is_external(session: "Session", parts: tuple[str, ...]) -> bool:
    """Whether a name is that of a table in an external schema."""
    found = session.store.get("schema", parts[-2], session.database)
    return found is not None and found.external is not None


def truncate(session: "Session", tokens: Tokens) -> Result:
    """TRUNCATE [TABLE] name; it commits the transaction it is in."""
    tokens.expect("TRUNCATE")
    tokens.take("TABLE")
    parts = tokens.qualified()
    tokens.end()
    schema, name, relation = existing(session, parts)
    if relation.kind != "table":
        raise SqlFailed("42809", f'"{name}" is not a table')
    if not rights.may(session, relation, "TRUNCATE"):
        raise SqlFailed("42501", f"must be owner of relation {name}")
    if not session.lock([relation.oid]):
        schema, name, relation = existing(session, parts)
    session.transaction.touched()
    session.connection.execute(f"DELETE FROM {place(session.database, schema)}.{quoted(name)}")
    session.transaction.commit()
    session.settings.commit()
    return Result("TRUNCATE TABLE")


def existing(session: "Session", parts: tuple[str, ...]) -> tuple[str, str, Relation]:
    """Schema, name and document of a table or view that may be named. Raises SqlFailed 42P01, 42501."""
    found = session.names.lookup(parts)
    if found is None:
        session.names.relation(parts)
        raise SqlFailed("42809", f'"{parts[-1]}" is not a table of this database')
    if found[0] != TEMPORARY:
        rights.check_usage(session, found[0])
    return found
