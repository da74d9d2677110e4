"""CREATE, ALTER and DROP VIEW. A view is the text of its query; it is translated where it is read."""

from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type, quoted
from lakemill.warehouse import rights
from lakemill.warehouse.commands import altering, removing
from lakemill.warehouse.history import now
from lakemill.warehouse.objects import Column, Relation, stored_type
from lakemill.warehouse.results import Result
from lakemill.warehouse.store import place
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_LATE = ("WITH", "NO", "SCHEMA", "BINDING")


def create(session: "Session", tokens: Tokens) -> Result:
    """CREATE [OR REPLACE] VIEW name [(columns)] AS query [WITH NO SCHEMA BINDING]"""
    tokens.expect("CREATE")
    replace = tokens.take("OR", "REPLACE")
    tokens.expect("VIEW")
    parts = tokens.qualified()
    names = tokens.names() if tokens.peek() == "(" else []
    tokens.expect("AS")
    text, late = _query(tokens.rest())
    schema, name = session.names.made_in(parts)
    rights.require(session, "schema", session.store.get("schema", schema, session.database), schema, "CREATE")
    old = session.store.relation(session.database, schema, name)
    if old is not None:
        _replaceable(session, old, name, replace)
    view = Relation(oid=0, owner=session.user, columns=[], kind="view", text=text, late=late, path=session.names.path())
    parsed = redshift.parse(text)
    if parsed.kind != "query":
        raise SqlFailed("42601", "a view must be a query")
    if not late:
        _bind(session, view, parsed, names)
        if old is not None and old.oid in view.depends:
            raise SqlFailed("42P17", f'infinite recursion detected in rules for relation "{name}"')
    elif names:
        view.columns = [Column(name=one, type=stored_type(Type("varchar", (256,)))) for one in names]
    view.oid = old.oid if old is not None else session.store.number()
    if old is not None:
        view.owner, view.rights = old.owner, old.rights
    view.created = now().isoformat(sep=" ", timespec="seconds")
    session.transaction.touched()
    where = f"{place(session.database, schema)}.{quoted(name)}"
    session.connection.execute(f"CREATE OR REPLACE VIEW {where} AS SELECT 1 AS held")
    session.store.annotate(session.database, schema, name, view)
    return Result("CREATE VIEW")


def drop(session: "Session", tokens: Tokens) -> Result:
    """DROP VIEW [IF EXISTS] name, ... [CASCADE | RESTRICT]"""
    tokens.expect("DROP", "VIEW")
    removing.drop(session, tokens, "view")
    return Result("DROP VIEW")


def alter(session: "Session", tokens: Tokens) -> Result:
    """ALTER VIEW name RENAME TO | OWNER TO"""
    tokens.expect("ALTER", "VIEW")
    altering.rename_or_give(session, tokens, "view")
    return Result("ALTER VIEW")


def _query(text: str) -> tuple[str, bool]:
    words = text.upper().split()
    if tuple(words[-4:]) == _LATE:
        return text[: text.upper().rindex("WITH")].rstrip(), True
    return text, False


def _bind(session: "Session", view: Relation, parsed: redshift.Parsed, names: list[str]) -> None:
    compiled = session.compile(parsed)
    assert compiled.columns is not None
    if len(names) > len(compiled.columns):
        raise SqlFailed("42601", "CREATE VIEW specifies more column names than columns")
    found = names + [name for name, _ in compiled.columns[len(names) :]]
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise SqlFailed("42701", f'column "{twice}" specified more than once')
    view.columns = [
        Column(name=name, type=stored_type(kind), number=number)
        for number, (name, (_, kind)) in enumerate(zip(found, compiled.columns, strict=True), 1)
    ]
    tags = [use.relation.tag for use in compiled.uses]
    if any(getattr(tag, "schema", "") == "temp" for tag in tags):
        raise SqlFailed("0A000", "views on temporary tables are not supported")
    if compiled.external:
        raise SqlFailed("0A000", "External tables are not supported in views", hint="Use WITH NO SCHEMA BINDING.")
    view.depends = sorted({tag.oid for tag in tags if hasattr(tag, "oid")} | set(compiled.functions))


def _replaceable(session: "Session", old: Relation, name: str, replace: bool) -> None:
    if not replace:
        raise SqlFailed("42P07", f'Relation "{name}" already exists')
    if old.kind != "view":
        raise SqlFailed("42809", f'"{name}" is not a view')
    rights.require_owner(session, old, name)
