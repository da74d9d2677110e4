"""What stands in FROM: tables, views, sub-queries, joins, UNNEST, and the names WITH declares."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import grammar, information, recursion
from lakemill.lakesql.dialects.coercion import field_of
from lakemill.lakesql.dialects.model import TableUse, Version, View
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BIGINT, TIMESTAMP_TZ, UNKNOWN, VARCHAR, Type, of_hive, quoted

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

CATALOG = "awsdatacatalog"
HIDDEN: dict[str, Type] = {
    "$path": VARCHAR,
    "$file_size": BIGINT,
    "$file_modified_time": TIMESTAMP_TZ,
}
VIEWS_DEEP_MAX = 30
Relation = tuple[str, list[Field]]


@dataclass
class Cte:
    """A query that WITH names, as it can be seen where it stands."""

    node: exp.Expr
    columns: list[str]
    visible: list[dict[str, Any]]
    database: str
    recursive: str = ""
    """Its name, where it names itself."""
    relation: str = ""
    """Inside of itself, what DuckDB calls it; `fields` are its columns."""
    fields: list[Field] = field(default_factory=list)


def declare_ctes(c: "Compiler", node: exp.Expr, query: Callable[..., Any]) -> None:
    with_ = node.args.get("with_")
    if with_ is None:
        return
    if with_.args.get("recursive") and not c.dialect.recursive:
        raise not_supported("WITH RECURSIVE", with_)
    for cte in with_.expressions:
        name = cte.alias.lower()
        if name in c.ctes[-1]:
            raise failed("DUPLICATE_NAMED_QUERY", f"WITH query name '{name}' specified more than once", cte)
        columns = [i.name for i in cte.args["alias"].columns]
        c.ctes[-1][name] = Cte(cte.this, columns, [dict(level) for level in c.ctes], c.database)
        if with_.args.get("recursive") and recursion.refers(cte.this, name):
            c.ctes[-1][name].recursive = name
        # A query that is never used must be right all the same.
        if not any(t.name.lower() == name and not t.db for t in node.find_all(exp.Table)):
            _cte(c, c.ctes[-1][name], cte)


def from_clause(c: "Compiler", node: exp.Select, outer: Scope | None) -> Relation:
    """SQL of the whole FROM clause (empty without one) and the columns in it."""
    start = node.args.get("from_")
    if start is None:
        return "", []
    sql, fields = relation(c, start.this, outer)
    for join in [*(start.this.args.get("joins") or []), *(node.args.get("joins") or [])]:
        sql, fields = _join(c, sql, fields, join, outer)
    return sql, fields


def relation(c: "Compiler", node: exp.Expr, outer: Scope | None) -> Relation:
    """One item of FROM. outer: what can be named in it."""
    if node.args.get("pivots"):
        node = c.dialect.pivoted(c, node, outer)
    if isinstance(node, exp.Table):
        found = c.dialect.table(c, node, outer)
    elif isinstance(node, exp.Unnest):
        return _unnest(c, node, outer, left=False)
    elif isinstance(node, exp.Lateral):
        if not isinstance(node.this, exp.Subquery):
            raise not_supported(node.sql("trino")[:60], node)
        found = aliased(c, node, f"LATERAL ({(q := c.query(c, node.this.this, outer))[0]})", q[1])
    elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
        # A join in parentheses.
        sql, fields = relation(c, node.this, outer)
        for join in node.this.args.get("joins") or []:
            sql, fields = _join(c, sql, fields, join, outer)
        return f"({sql})", fields
    elif isinstance(node, exp.Subquery | exp.Values | exp.Query):
        inner = node.this if isinstance(node, exp.Subquery) and not _adorned(node) else node
        sql, columns = c.query(c, inner, outer)
        found = aliased(c, node, f"({sql})", columns)
    else:
        raise not_supported(node.sql("trino")[:60], node)
    sample = node.args.get("sample")
    if sample is not None:
        found = _sampled(found, sample)
    for key in ("pivots", "hints", "laterals", "changes", "partition", "ordinality", "rows_from", "when", "only"):
        if node.args.get(key):
            raise not_supported(key.upper(), node)
    return found


def _adorned(node: exp.Expr) -> bool:
    return any(node.args.get(k) for k in ("order", "limit", "offset"))


def _sampled(found: Relation, sample: exp.Expr) -> Relation:
    method, percent = (sample.args.get("method") or exp.var("")).name.lower(), sample.args.get("percent")
    if method not in {"bernoulli", "system"} or not isinstance(percent, exp.Literal) or percent.is_string:
        raise failed("SYNTAX_ERROR", "mismatched input in TABLESAMPLE. Expecting: 'BERNOULLI', 'SYSTEM'", sample)
    if not 0 <= float(percent.this) <= 100:
        raise failed("NUMERIC_VALUE_OUT_OF_RANGE", "Sample percentage must be between 0 and 100", sample)
    return f"{found[0]} TABLESAMPLE {method}({percent.this}%)", found[1]


def aliased(c: "Compiler", node: exp.Expr, sql: str, columns: list[Field], names: tuple[str, ...] = ()) -> Relation:
    """A relation with a name of ours; its columns under the statement's alias, or the names it has by itself."""
    alias = node.args.get("alias")
    ours = c.name("r")
    qualifiers = (alias.name.lower(),) if alias and alias.name else names
    given = [i.name for i in alias.columns] if alias else []
    if given and len(given) != len([f for f in columns if not f.hidden]):
        size = len([f for f in columns if not f.hidden])
        message = f"Column alias list has {len(given)} entries but '{qualifiers[0]}' has {size} columns available"
        raise SqlFailed("MISMATCHED_COLUMN_ALIASES", message)
    fields = []
    for i, column in enumerate(columns):
        name = given[i] if given and not column.hidden else column.name
        if given and column.hidden:
            continue
        fields.append(
            Field(
                name.lower() if name else None,
                column.type,
                f"{ours}.{column.sql}",
                qualifiers,
                column.origin,
                column.hidden,
                column.used,
            )
        )
    return f"{sql} AS {ours}", fields


def of_cte(c: "Compiler", node: exp.Table, name: str) -> Relation | None:
    """What WITH declares by this name, if it does."""
    for level in reversed(c.ctes):
        if name in level:
            sql, columns = _cte(c, level[name], node)
            return aliased(c, node, f"({sql})", columns, (name,))
    return None


def _cte(c: "Compiler", cte: Cte, node: exp.Expr) -> tuple[str, list[Field]]:
    with c.within(ctes=[dict(level) for level in cte.visible], database=cte.database):
        if cte.relation:
            sql, columns = f"SELECT * FROM {cte.relation}", [Field(f.name, f.type, f.sql) for f in cte.fields]
        elif cte.recursive:
            sql, columns = recursion.query(c, cte)
        else:
            sql, columns = c.query(c, cte.node, None)
    if cte.columns:
        if len(cte.columns) != len(columns):
            message = f"column alias list has {len(cte.columns)} entries but relation has {len(columns)} columns"
            raise SqlFailed("MISMATCHED_COLUMN_ALIASES", message)
        for column, name in zip(columns, cte.columns, strict=True):
            column.name = name
    return sql, columns


def table(c: "Compiler", node: exp.Table) -> Relation:
    """A table or view of the catalog, or what WITH declares."""
    if not isinstance(node.this, exp.Identifier):
        raise failed(
            "FUNCTION_NOT_FOUND",
            f"Table function '{node.this.sql('trino').split('(')[0].lower()}' not registered",
            node,
        )
    name, db, catalog = node.name.lower(), node.db.lower(), node.catalog.lower()
    if not db and (declared := of_cte(c, node, name)) is not None:
        return declared
    if catalog and catalog not in {CATALOG, "hive"}:
        raise failed("CATALOG_NOT_FOUND", f"Catalog '{catalog}' does not exist", node)
    version = _version(c, node.args["version"]) if node.args.get("version") is not None else None
    database = db or c.database
    if database == information.NAME:
        return _information(c, node, name)
    try:
        found = c.schema(database, name, *([] if version is None else [version]))
        kinds: list[tuple[str, Type]] = []
        if not isinstance(found, View):
            kinds = [(column.lower(), of_hive(kind) if isinstance(kind, str) else kind) for column, kind in found]
    except SqlFailed as error:
        raise failed(error.code, error.message, node) from None
    names = (name, database, CATALOG)
    if isinstance(found, View):
        return _view(c, node, found, names)
    used: list[str] = []
    use = TableUse(database, name, f"scan_{len(c.tables)}", used, [], version)
    c.tables.append(use)
    fields = [Field(n, kind, quoted(n), (), (use, n), used=_noting(used, n)) for n, kind in kinds]
    fields += [Field(n, kind, quoted(n), hidden=True, used=_noting(used, n)) for n, kind in HIDDEN.items()]
    sql, fields = aliased(c, node, quoted(use.view), fields, names)
    for f in fields:
        if f.type.name == TIMESTAMP_TZ.name:
            f.sql = f"{{'t': {f.sql}, 'z': 'UTC'}}"
    return sql, fields


def _version(c: "Compiler", node: exp.Version) -> Version:
    with c.within(scope=Scope()):
        value = c.expression(node.expression)
    return Version(str(node.this).lower(), value.sql, value.type)


def _information(c: "Compiler", node: exp.Table, name: str) -> Relation:
    if name not in information.RELATIONS:
        raise failed("TABLE_NOT_FOUND", f"Table '{CATALOG}.{information.NAME}.{name}' does not exist", node)
    use = TableUse(information.NAME, name, f"information_{len(c.information)}", [], [])
    c.information.append(use)
    fields = [Field(n, kind, quoted(n), (), (use, n)) for n, kind in information.RELATIONS[name]]
    return aliased(c, node, quoted(use.view), fields, (name, information.NAME, CATALOG))


def _noting(used: list[str], column: str) -> Callable[[], None]:
    """Notes the column as used when it is called."""

    def note() -> None:
        if column not in used:
            used.append(column)

    return note


def _view(c: "Compiler", node: exp.Table, view: View, names: tuple[str, ...]) -> Relation:
    key = ".".join(names)
    if key in c.views or len(c.views) > VIEWS_DEEP_MAX:
        raise failed("VIEW_IS_RECURSIVE", "View is recursive", node)
    with c.within(ctes=[{}], database=view.database, views=[*c.views, key]):
        try:
            sql, columns = c.query(c, grammar.parse(view.sql), None)
        except SqlFailed as error:
            message = f"Failed analyzing stored view '{CATALOG}.{names[1]}.{names[0]}': {error}"
            raise failed("INVALID_VIEW", message, node) from None
    return aliased(c, node, f"({sql})", columns, names)


def _join(c: "Compiler", sql: str, fields: list[Field], join: exp.Join, outer: Scope | None) -> Relation:
    side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
    natural = c.dialect.natural and (join.args.get("method") or "").upper() == "NATURAL"
    if ((join.args.get("method") or "").upper() and not natural) or kind in {"SEMI", "ANTI", "ASOF", "STRAIGHT"}:
        raise not_supported(f"{join.args.get('method') or kind} JOIN".upper(), join)
    visible = Scope(fields, parent=outer)
    made_of = c.dialect.item(c, join.this, visible)
    if made_of is not None:
        return (
            f"{sql} {'LEFT' if side == 'LEFT' else 'CROSS'} JOIN {made_of[0]}{' ON true' if side == 'LEFT' else ''}",
            fields + made_of[1],
        )
    if isinstance(join.this, exp.Unnest):
        if side not in {"", "LEFT"} or (side and not _is_true(join.args.get("on"))):
            raise not_supported("UNNEST in other than CROSS JOIN, or LEFT JOIN with ON TRUE", join)
        made, more = _unnest(c, join.this, visible, left=bool(side))
        word = "LEFT JOIN" if side else "CROSS JOIN"
        return f"{sql} {word} {made}{' ON true' if side else ''}", fields + more
    lateral = isinstance(join.this, exp.Lateral)
    made, more = relation(c, join.this, visible if lateral else outer)
    both = fields + more
    if join.args.get("using") or (natural and _shared(fields, more)):
        return _using(c, sql, fields, made, more, join, side)
    on = join.args.get("on")
    if on is None:
        if side or kind == "INNER":
            raise failed("SYNTAX_ERROR", "mismatched input. Expecting: 'ON', 'USING'", join)
        return f"{sql} CROSS JOIN {made}", both
    with c.within(scope=Scope(both, parent=outer)):
        condition = c.boolean(on, "JOIN ON clause").sql
    return f"{sql} {side or 'INNER'} JOIN {made} ON {condition}", both


def _is_true(node: exp.Expr | None) -> bool:
    return node is None or (isinstance(node, exp.Boolean) and bool(node.this))


def _shared(fields: list[Field], more: list[Field]) -> list[exp.Expr]:
    """The names that both sides have."""
    names = {f.name for f in more if f.name and not f.hidden}
    return [exp.to_identifier(f.name) for f in fields if f.name in names and not f.hidden]


def _using(
    c: "Compiler", sql: str, fields: list[Field], made: str, more: list[Field], join: exp.Join, side: str
) -> Relation:
    """The columns that are joined by stand once, first, and belong to neither side."""
    conditions, merged, gone = [], [], []
    for e in join.args.get("using") or _shared(fields, more):
        name = e.name.lower()
        pair = []
        for which, among in (("left", fields), ("right", more)):
            found = [f for f in among if f.name == name]
            if len(found) != 1:
                problem = "is missing from" if not found else "is ambiguous on"
                raise failed("COLUMN_NOT_FOUND", f"Column '{name}' {problem} {which} side of join", e)
            pair.append(found[0])
        left, right = pair[0].take(), pair[1].take()
        conditions.append(c.dialect.compare("=", left, right, e).sql)
        kind = c.dialect.common(left.type, right.type) or UNKNOWN
        x, y = c.dialect.coerce(left, kind).sql, c.dialect.coerce(right, kind).sql
        value = {"RIGHT": y, "FULL": f"coalesce({x}, {y})"}.get(side, x)
        merged.append(Field(name, kind, value, (), pair[0].origin if side in {"", "LEFT"} else None))
        gone += pair
    rest = [f for f in fields + more if not any(f is g for g in gone)]
    if c.dialect.natural:
        # With their tables' names they can still be named.
        rest += [replace(f, hidden=True) for f in gone if f.qualifiers]
    return f"{sql} {side or 'INNER'} JOIN {made} ON {' AND '.join(conditions)}", merged + rest


def _unnest(c: "Compiler", node: exp.Unnest, outer: Scope | None, left: bool) -> Relation:
    """Arrays side by side, the shorter ones filled with NULL; rows become their fields, maps keys and values."""
    with c.within(scope=Scope(parent=outer)):
        values = [c.expression(e) for e in node.expressions]
    outer_name, inner_name = c.name("r"), c.name("u")
    parts, columns, lengths = [], [], []
    for i, (value, at) in enumerate(zip(values, node.expressions, strict=True)):
        item = f"{inner_name}.a{i}"
        if value.type.name == "array":
            parts.append(f"unnest({value.sql}) AS a{i}")
            lengths.append(f"coalesce(len({value.sql}), 0)")
            element = Typed(item, value.type.element)
            if element.type.name == "row":
                columns += [Typed(field_of(element, j), t) for j, (_, t) in enumerate(element.type.fields)]
            else:
                columns.append(element)
        elif value.type.name == "map":
            parts.append(f"unnest(map_entries({value.sql})) AS a{i}")
            lengths.append(f"coalesce(len(map_keys({value.sql})), 0)")
            columns += [Typed(f"{item}.key", value.type.args[0]), Typed(f"{item}.value", value.type.args[1])]
        else:
            raise failed("TYPE_MISMATCH", f"Cannot unnest type: {value.type.trino()}", at)
    offset = node.args.get("offset")
    if offset:
        longest = lengths[0] if len(lengths) == 1 else f"greatest({', '.join(lengths)})"
        parts.append(f"unnest(range(1, 1 + {longest})) AS n")
        columns.append(Typed(f"{inner_name}.n", BIGINT))
    alias = node.args.get("alias")
    names = [i.name.lower() for i in alias.columns] if alias else []
    if isinstance(offset, exp.Identifier):
        names.append(offset.name.lower())
    if names and len(names) != len(columns):
        message = f"Column alias list has {len(names)} entries but relation has {len(columns)} columns available"
        raise SqlFailed("MISMATCHED_COLUMN_ALIASES", message)
    shown = ", ".join(f"{v.sql} AS c{i}" for i, v in enumerate(columns))
    qualifiers = (alias.name.lower(),) if alias and alias.name else ()
    fields = [
        Field(names[i] if names else None, v.type, f"{outer_name}.c{i}", qualifiers) for i, v in enumerate(columns)
    ]
    inner = f"(SELECT {', '.join(parts)}) AS {inner_name}"
    return f"LATERAL (SELECT {shown} FROM {inner}) AS {outer_name}", fields
