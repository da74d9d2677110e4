"""COMMENT, LOCK, ANALYZE, VACUUM."""

from typing import TYPE_CHECKING, Any

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights
from lakemill.warehouse.commands import removing
from lakemill.warehouse.commands.databases import outside
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def comment(session: "Session", tokens: Tokens) -> Result:
    """COMMENT ON TABLE | VIEW | COLUMN | DATABASE | SCHEMA name IS text | NULL"""
    tokens.expect("COMMENT", "ON")
    kind = tokens.any_of("TABLE", "VIEW", "COLUMN", "DATABASE", "SCHEMA")
    if not kind:
        raise SqlFailed("0A000", f"COMMENT ON {tokens.peek()} is not supported")
    parts = [tokens.name()]
    while tokens.take("."):
        parts.append(tokens.name())
    tokens.expect("IS")
    text = "" if tokens.take("NULL") else tokens.string()
    tokens.end()
    session.transaction.touched()
    if kind in ("DATABASE", "SCHEMA"):
        _comment_on(session, kind.lower(), parts[-1], text)
    elif kind == "COLUMN":
        schema, name, relation = removing.existing(session, tuple(parts[:-1]))
        rights.require_owner(session, relation, name)
        column = relation.column(parts[-1])
        if column is None:
            raise SqlFailed("42703", f'column "{parts[-1]}" of relation "{name}" does not exist')
        column.comment = text
        session.store.annotate(session.database, schema, name, relation)
    else:
        schema, name, relation = removing.existing(session, tuple(parts))
        rights.require_owner(session, relation, name)
        relation.comment = text
        session.store.annotate(session.database, schema, name, relation)
    return Result("COMMENT")


def _comment_on(session: "Session", kind: str, name: str, text: str) -> None:
    database = "" if kind == "database" else session.database
    document: Any = session.store.get(kind, name, database)
    if document is None:
        raise SqlFailed("3D000" if kind == "database" else "3F000", f'{kind} "{name}" does not exist')
    rights.require_owner(session, document, name, kind)
    document.comment = text
    session.store.put(kind, name, document, database)


def lock(session: "Session", tokens: Tokens) -> Result:
    """LOCK [TABLE] name, ...: held until the end of the transaction."""
    tokens.expect("LOCK")
    tokens.take("TABLE")
    names = [tokens.qualified()]
    while tokens.take(","):
        names.append(tokens.qualified())
    if tokens.take("IN"):
        tokens.until("MODE")
        tokens.expect("MODE")
    tokens.end()
    wanted = []
    for parts in names:
        _, name, relation = removing.existing(session, parts)
        if not any(rights.may(session, relation, right) for right in ("UPDATE", "DELETE", "INSERT")):
            raise rights.denied("relation", name)
        wanted.append(relation.oid)
    session.lock(wanted)
    return Result("LOCK TABLE")


def analyze(session: "Session", tokens: Tokens) -> Result:
    """ANALYZE [VERBOSE] [table [(columns)]] [PREDICATE COLUMNS | ALL COLUMNS]; statistics are always current here."""
    tokens.expect("ANALYZE")
    if tokens.peek() == "COMPRESSION":
        raise SqlFailed("0A000", "ANALYZE COMPRESSION is not supported")
    tokens.take("VERBOSE")
    if not tokens.ended():
        _, name, relation = removing.existing(session, tokens.qualified())
        for column in tokens.names() if tokens.peek() == "(" else []:
            if relation.column(column) is None:
                raise SqlFailed("42703", f'column "{column}" of relation "{name}" does not exist')
        if not tokens.take("PREDICATE", "COLUMNS"):
            tokens.take("ALL", "COLUMNS")
        tokens.end()
        rights.require_owner(session, relation, name)
    return Result("ANALYZE")


def vacuum(session: "Session", tokens: Tokens) -> Result:
    """VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] [table [TO n PERCENT] [BOOST]]

    What was deleted is freed by writing everything into the file, once nobody writes.
    """
    outside(session, "VACUUM")
    tokens.expect("VACUUM")
    if tokens.any_of("SORT", "DELETE"):
        tokens.expect("ONLY")
    else:
        tokens.any_of("FULL", "REINDEX", "RECLUSTER")
    if not tokens.ended() and tokens.peek() not in ("TO", "BOOST"):
        _, name, relation = removing.existing(session, tokens.qualified())
        rights.require_owner(session, relation, name)
    if tokens.take("TO"):
        tokens.number()
        tokens.expect("PERCENT")
    tokens.take("BOOST")
    tokens.end()
    session.transaction.commit()
    if not session.warehouse.checkpoint():
        session.notices.append("INFO:  VACUUM has left its work for later: transactions are under way")
    return Result("VACUUM")
