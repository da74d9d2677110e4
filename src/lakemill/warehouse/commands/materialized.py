"""CREATE, ALTER and DROP MATERIALIZED VIEW. Its rows are a table of DuckDB's; `refreshing` makes them anew."""

import dataclasses
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Compiled, External, Parsed, View
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import refreshing
from lakemill.warehouse.commands import altering, attributes, making, removing
from lakemill.warehouse.commands.altering import Altered
from lakemill.warehouse.objects import TEMPORARY, Column, Relation, stored_type
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

# What gives another value each time.
_MUTABLE = {"getdate", "sysdate", "now", "timeofday", "random", "current_date", "current_time", "current_timestamp"}
_MUTABLE_NODES = (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Rand)


def create(session: "Session", tokens: Tokens) -> Result:
    """CREATE MATERIALIZED VIEW name [BACKUP YES | NO] [attributes of tables] [AUTO REFRESH YES | NO] AS query"""
    tokens.expect("CREATE", "MATERIALIZED", "VIEW")
    parts = tokens.qualified()
    view = Relation(oid=0, owner=session.user, columns=[], kind="materialized")
    while not tokens.take("AS"):
        before = tokens.position()
        attributes.of_table(tokens, view)
        if tokens.take("AUTO", "REFRESH"):
            view.auto_refresh = _switch(tokens)
        if tokens.position() == before:
            raise tokens.wrong()
    view.text, view.path = tokens.rest(), session.names.path()
    session.transaction.watch()
    schema, name = session.names.made_in(parts)
    if session.store.relation(session.database, schema, name) is not None:
        raise SqlFailed("42P07", f'Relation "{name}" already exists')
    parsed = parsed_of(view.text)
    _refuse_order(parsed)
    compiled = session.compile(parsed)
    _bind(view, parsed, compiled)
    if view.auto_refresh:
        _may_refresh_itself(session, view)
    making.make(session, (schema, name), False, view)
    session.transaction.note()
    refreshing.fill(session, schema, name, view, compiled)
    return Result("CREATE MATERIALIZED VIEW")


def parsed_of(text: str) -> Parsed:
    """The query of a materialized view, for a table that is made of it. Raises SqlFailed."""
    parsed = redshift.parse(text)
    if parsed.kind != "query":
        raise SqlFailed("42601", "a materialized view must be a query")
    return dataclasses.replace(parsed, kind="ctas")


def drop(session: "Session", tokens: Tokens) -> Result:
    """DROP MATERIALIZED VIEW [IF EXISTS] name, ... [CASCADE | RESTRICT]"""
    tokens.expect("DROP", "MATERIALIZED", "VIEW")
    removing.drop(session, tokens, "materialized")
    return Result("DROP MATERIALIZED VIEW")


def alter(session: "Session", tokens: Tokens) -> Result:
    """ALTER MATERIALIZED VIEW name AUTO REFRESH YES | NO, or ALTER DISTSTYLE | DISTKEY | SORTKEY as of a table."""
    tokens.expect("ALTER", "MATERIALIZED", "VIEW")
    view = altering.altered(session, tokens.qualified(), "materialized")
    altering.change(view, tokens, {"AUTO REFRESH": _refresh_itself, **altering.STORAGE})
    return Result("ALTER MATERIALIZED VIEW")


def refresh(session: "Session", tokens: Tokens) -> Result:
    """REFRESH MATERIALIZED VIEW name [RESTRICT | CASCADE]"""
    tokens.expect("REFRESH", "MATERIALIZED", "VIEW")
    parts = tokens.qualified()
    cascade = tokens.any_of("RESTRICT", "CASCADE") == "CASCADE"
    tokens.end()
    view = altering.altered(session, parts, "materialized")
    refreshing.refresh(session, view.schema, view.name, view.relation)
    if cascade:
        for schema, name, relation in refreshing.behind(session, view.relation.oid):
            session.lock([relation.oid], writing=False)
            refreshing.refresh(session, schema, name, relation)
    return Result("REFRESH")


def _switch(tokens: Tokens) -> bool:
    word = tokens.any_of("YES", "NO")
    if not word:
        raise tokens.wrong()
    return word == "YES"


def _refresh_itself(view: Altered, tokens: Tokens) -> None:
    view.relation.auto_refresh = _switch(tokens)
    if view.relation.auto_refresh:
        _may_refresh_itself(view.session, view.relation)


def _may_refresh_itself(session: "Session", view: Relation) -> None:
    bases = {it.oid: it.kind for _, _, it in session.store.relations(session.database)}
    for found, what in (
        (view.mutable, "mutable functions"),
        (view.outside, "external tables"),
        (any(bases.get(oid) == "materialized" for oid in view.depends), "other materialized views"),
    ):
        if found:
            raise SqlFailed("0A000", f"AUTO REFRESH is not supported for materialized views that use {what}")


def _refuse_order(parsed: Parsed) -> None:
    tree = parsed.tree
    while isinstance(tree, exp.Subquery):
        _refuse_order_of(tree)
        tree = tree.this
    _refuse_order_of(tree)


def _refuse_order_of(tree: exp.Expr | None) -> None:
    for word in ("order", "limit", "offset"):
        if tree is not None and tree.args.get(word) is not None:
            shown = "ORDER BY" if word == "order" else word.upper()
            raise SqlFailed("0A000", f"{shown} is not supported in a materialized view definition")


def _bind(view: Relation, parsed: Parsed, compiled: Compiled) -> None:
    """Note columns and what they are read from. Raises SqlFailed for what a materialized view cannot read."""
    for number, (name, kind) in enumerate(compiled.columns or [], 1):
        view.columns.append(Column(name=name, type=stored_type(kind), number=number))
    if compiled.functions:
        raise SqlFailed("0A000", "user-defined functions are not supported in a materialized view definition")
    for use in compiled.uses:
        tag = use.relation.tag
        if isinstance(use.relation, View):
            what = "views"
        elif isinstance(use.relation, External):
            continue
        elif tag is None:
            what = "system tables"
        elif tag.schema == TEMPORARY:
            what = "temporary tables"
        elif not use.relation.writable:
            what = "tables of other databases"
        else:
            continue
        raise SqlFailed("0A000", f"{what} are not supported in a materialized view definition")
    view.depends = sorted({use.relation.tag.oid for use in compiled.uses if use.relation.tag is not None})
    view.outside, view.mutable = bool(compiled.external), _mutable(parsed)


def _mutable(parsed: Parsed) -> bool:
    assert parsed.tree is not None
    return any(
        isinstance(node, _MUTABLE_NODES)
        or (isinstance(node, exp.Anonymous | exp.Column) and node.name.lower() in _MUTABLE)
        for node in parsed.tree.walk()
    )
